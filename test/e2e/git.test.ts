import { join } from 'node:path';
import { execa } from 'execa';
import type { Cluster } from '../cluster/cluster.ts';
import type { ScenarioKeys } from '../scenario/keys.ts';
import { ansible } from '../scenario/policy.ts';
import { changeRepository, fillRepository } from '../scenario/repository.ts';
import { conditionOf, runNow, untilReady } from '../scenario/runs.ts';
import { backupHost, gitHost, startGitHost } from '../scenario/servers.ts';
import { applyService, services } from '../scenario/services.ts';
import { forwardPort } from './port-forward.ts';
import { expectAllProven } from './proven.ts';
import { restoreByHand } from './restore-by-hand.ts';
import { e2eStage } from './stage.ts';

// A git repository through real pods: the sample policy as it is shipped, and back by hand.

let cluster: Cluster;
let keys: ScenarioKeys;

beforeAll(async () => {
  ({ cluster, keys } = await e2eStage());
  const [, , service] = services;
  await startGitHost(cluster.kubectl, ansible.namespace, keys);
  await fillRepository(cluster.kubectl, ansible.namespace);
  await applyService(cluster, service, keys);
  await untilReady(cluster, ansible);
}, 300_000);

afterAll(async () => {
  await cluster?.kubectl(['delete', 'namespace', ansible.namespace, '--ignore-not-found', '--wait=false']);
});

/** Every ref and every object on the server. */
const contentOnServer = async (): Promise<string[]> => {
  const where = ['--namespace', ansible.namespace, `deployment/${gitHost.name}`];
  const git = (...args: string[]) =>
    cluster.kubectl(['exec', ...where, '--', 'git', '-C', gitHost.repository, ...args]);
  return [await git('for-each-ref'), await git('cat-file', '--batch-all-objects', '--batch-check')];
};

const contentOf = async (repository: string): Promise<string[]> => {
  const git = async (...args: string[]) => (await execa('git', ['-C', repository, ...args])).stdout;
  return [await git('for-each-ref'), await git('cat-file', '--batch-all-objects', '--batch-check')];
};

test('a local copy, a full and an incremental are made by pods, and what is stored comes back by hand', async () => {
  const copied = await runNow(cluster, ansible, 'LocalCopy', 'first-local-copy');
  expect(copied.lastFailure).toBeUndefined();
  expect(copied.lastLocalCopy?.factsDigest).toMatch(/^[0-9a-f]{64}$/);

  const full = await runNow(cluster, ansible, 'Full', 'first-full');
  expect(full.lastFailure).toBeUndefined();
  expect(full.lastFull?.dataTime).toBe(copied.lastLocalCopy?.dataTime);

  await changeRepository(cluster.kubectl, ansible.namespace);
  const incremental = await runNow(cluster, ansible, 'Incremental', 'first-incremental');
  expect(incremental.lastFailure).toBeUndefined();
  expect(incremental.chain).toMatchObject({ intact: true, incrementals: 1 });
  expect(incremental.lastIncremental?.sizeBytes).toBeLessThan((full.lastFull?.sizeBytes ?? 0) / 4);
  expect(conditionOf(incremental, 'LastBackupSucceeded')?.status).toBe('True');
  expect(conditionOf(incremental, 'Protected')?.status).toBe('Unknown');

  expectAllProven(await runNow(cluster, ansible, 'Verify', 'first-verify'));

  const source = await contentOnServer();
  const ssh = await forwardPort(cluster, backupHost.namespace, `deployment/${backupHost.name}`, backupHost.port);
  try {
    await restoreByHand({
      keys,
      port: ssh.port,
      directory: '/ansible-backups/ansible/ansible',
      engine: 'a git repository',
      load: {},
      look: async (work) => expect(await contentOf(join(work, 'repository.git'))).toEqual(source),
    });
  } finally {
    await ssh.stop();
  }
}, 900_000);
