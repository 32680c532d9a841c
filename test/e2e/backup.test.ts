import { execa } from 'execa';
import { startMariadb, type MariadbServer } from '../agent/support/mariadb.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { changeDatabase, runSql } from '../scenario/database.ts';
import type { ScenarioKeys } from '../scenario/keys.ts';
import { agama } from '../scenario/policy.ts';
import { conditionOf, runNow, waitForStatus } from '../scenario/runs.ts';
import { backupHost } from '../scenario/servers.ts';
import { applySample } from '../scenario/stage.ts';
import { contentsOf } from './contents.ts';
import { forwardPort } from './port-forward.ts';
import { restoreByHand } from './restore-by-hand.ts';
import { e2eStage } from './stage.ts';

// The main job on real parts: the sample policy as it is shipped, in the order a person would do it.

let cluster: Cluster;
let keys: ScenarioKeys;
let scratch: MariadbServer;

beforeAll(async () => {
  ({ cluster, keys } = await e2eStage());
  await applySample(cluster, keys);
  scratch = await startMariadb();
}, 300_000);

afterAll(async () => {
  await scratch?.stop();
});

const minutes = (count: number): number => count * 60_000;

const outcomeOf = (status: Awaited<ReturnType<typeof runNow>>, jobName: string) => {
  const run = status.lastRuns?.find((candidate) => candidate.jobName === jobName);
  return { outcome: run?.outcome, failure: status.lastFailure };
};

test(
  'the policy is applied: Ready, its claim bound, a CronJob for each kind of run, and nothing green that is not proven',
  async () => {
    const status = await waitForStatus(cluster, agama, (status) => conditionOf(status, 'Ready')?.status === 'True', {
      timeoutMs: minutes(1),
      what: 'Ready',
    });
    expect(Object.keys(status.nextRunTimes ?? {}).sort()).toEqual(['full', 'incremental', 'localCopy']);
    const cronJobs = await cluster.kubectl(['get', 'cronjobs', '--namespace', agama.namespace, '--output', 'name']);
    expect(cronJobs.split('\n').sort()).toEqual([
      'cronjob.batch/agama-full',
      'cronjob.batch/agama-incremental',
      'cronjob.batch/agama-local-copy',
    ]);
    for (const type of [
      'Protected',
      'LastBackupSucceeded',
      'ChainIntact',
      'Verified',
      'RecoveryPointMet',
      'RecoveryTimeMet',
    ]) {
      expect(conditionOf(status, type)).toMatchObject({ type, status: 'Unknown' });
    }
  },
  minutes(2),
);

test(
  'a local copy, a full and an incremental are made by pods of the CronJobs, and status says what is there',
  async () => {
    const { kubectl } = cluster;
    const copied = await runNow(cluster, agama, 'LocalCopy', 'first-local-copy');
    expect(outcomeOf(copied, 'first-local-copy')).toEqual({ outcome: 'Succeeded' });
    expect(conditionOf(copied, 'LastBackupSucceeded')?.status).toBe('Unknown');

    const full = await runNow(cluster, agama, 'Full', 'first-full');
    expect(outcomeOf(full, 'first-full')).toEqual({ outcome: 'Succeeded' });
    // The copy that was not shipped yet is the one that is shipped.
    expect(full.lastFull?.dataTime).toBe(copied.lastLocalCopy?.dataTime);
    expect(full.lastFull?.factsDigest).toMatch(/^[0-9a-f]{64}$/);

    await changeDatabase(kubectl, agama.namespace);
    const incremental = await runNow(cluster, agama, 'Incremental', 'first-incremental');
    expect(outcomeOf(incremental, 'first-incremental')).toEqual({ outcome: 'Succeeded' });
    expect(incremental.chain).toMatchObject({ intact: true, incrementals: 1 });
    expect(incremental.lastIncremental?.factsDigest).not.toBe(full.lastFull?.factsDigest);
    // 1 % of the rows changed: far less is stored than for the full.
    expect(incremental.lastIncremental?.sizeBytes).toBeLessThan((full.lastFull?.sizeBytes ?? 0) / 2);
    expect(conditionOf(incremental, 'LastBackupSucceeded')?.status).toBe('True');
    expect(conditionOf(incremental, 'ChainIntact')?.status).toBe('True');
    expect(conditionOf(incremental, 'Verified')?.status).toBe('Unknown');
    expect(conditionOf(incremental, 'Protected')?.status).toBe('Unknown');
    expect(incremental.lastBackupTime).toBe(incremental.lastIncremental?.dataTime);
  },
  minutes(8),
);

test(
  'what is on the backup host is restored without Holdfast, by the commands of docs/restore-by-hand.md, with equal contents',
  async () => {
    const { namespace, name, port } = backupHost;
    const source = await contentsOf((sql) => runSql(cluster.kubectl, agama.namespace, sql));
    const forward = await forwardPort(cluster, namespace, `deployment/${name}`, port);
    const client = ['mariadb', '--no-defaults', `--socket=${scratch.socket}`, '--user=root'];
    try {
      await restoreByHand({
        keys,
        port: forward.port,
        directory: '/agama-backups/agama/agama',
        engine: 'MySQL',
        load: { MARIADB: client.join(' ') },
      });
    } finally {
      await forward.stop();
    }
    const [file = '', ...args] = client;
    const restored = await contentsOf(async (sql) => {
      const { stdout } = await execa(file, [...args, '--batch', '--skip-column-names'], { input: sql });
      return stdout;
    });
    expect(restored).toEqual(source);
    expect(Number(source['orders']?.split('\n')[0])).toBe(130_650);
  },
  minutes(5),
);

test(
  'a run starts by itself when its time has come',
  async () => {
    const { kubectl } = cluster;
    const patch = JSON.stringify({ spec: { schedule: { localCopy: '* * * * *' } } });
    const where = ['backuppolicy', agama.name, '--namespace', agama.namespace];
    await kubectl(['patch', ...where, '--type', 'merge', '--patch', patch]);
    const status = await waitForStatus(
      cluster,
      agama,
      ({ lastRuns }) => lastRuns?.some(({ jobName }) => /^agama-local-copy-\d+$/.test(jobName)) === true,
      { timeoutMs: minutes(3), what: 'A scheduled local copy' },
    );
    expect(status.lastRuns?.find(({ kind }) => kind === 'LocalCopy')?.outcome).toBe('Succeeded');
    await kubectl(['patch', ...where, '--type', 'merge', '--patch', JSON.stringify({ spec: { suspend: true } })]);
  },
  minutes(4),
);

test(
  'kubectl describe says what is there, what is not proven, and what happened',
  async () => {
    const text = await cluster.kubectl(['describe', 'backuppolicy', agama.name, '--namespace', agama.namespace]);
    for (const words of [
      'No backup was restored and compared',
      'FullSucceeded',
      'IncrementalSucceeded',
      'Last Backup Time',
      'Set Digest',
    ]) {
      expect(text).toContain(words);
    }
  },
  minutes(1),
);

test(
  'deleting the policy removes what runs and keeps what is stored',
  async () => {
    const { kubectl } = cluster;
    const here = ['--namespace', agama.namespace];
    await kubectl(['delete', 'backuppolicy', agama.name, ...here, '--timeout', '60s']);
    // The garbage collector follows a moment later.
    await kubectl(['wait', '--for', 'delete', 'cronjobs,jobs', '--all', ...here, '--timeout', '90s']);
    expect(await kubectl(['get', 'cronjobs,jobs', ...here, '--output', 'name'])).toBe('');
    expect(await kubectl(['get', 'pvc', 'agama-holdfast', ...here, '--output', 'jsonpath={.status.phase}'])).toBe(
      'Bound',
    );
    const find = ['find', `${backupHost.root}/agama-backups/agama/agama`, '-name', '*.difftar.gpg'];
    const stored = await kubectl([
      'exec',
      '--namespace',
      backupHost.namespace,
      `deployment/${backupHost.name}`,
      '--',
      ...find,
    ]);
    expect(stored.split('\n').length).toBeGreaterThan(1);
  },
  minutes(4),
);
