import type { Cluster } from '../cluster/cluster.ts';
import { createSshKey, type ScenarioKeys } from '../scenario/keys.ts';
import { applyObjects, secretOf, type Manifest } from '../scenario/objects.ts';
import { agamaPolicy, type PolicyManifest } from '../scenario/policy.ts';
import { conditionOf, startRun, untilReady, waitForStatus } from '../scenario/runs.ts';
import { knownHostsLine } from '../scenario/servers.ts';
import { applyPolicySecrets } from '../scenario/stage.ts';
import { cronJobName } from '../../src/workloads/names.ts';
import { e2eStage } from './stage.ts';

// No false green, through real pods: each policy has one thing wrong, and its full must end with the right reason and nothing green.

interface Fault {
  name: string;
  reason: string;
  step: string;
  /** What a person reads must name this. */
  names: string;
  breakIt(policy: PolicyManifest, keys: ScenarioKeys): Promise<Manifest[]>;
}

const namespace = 'agama-faults';

const faults: readonly Fault[] = [
  {
    name: 'wrong-password',
    reason: 'AccessDenied',
    step: 'Connect',
    names: 'mariadb.agama.svc',
    breakIt: async (policy) => {
      policy.spec.source.mysql['credentialsSecretRef'] = { name: 'wrong-password' };
      return [
        secretOf(namespace, 'wrong-password', 'kubernetes.io/basic-auth', {
          username: 'holdfast',
          password: 'not-this-one',
        }),
      ];
    },
  },
  {
    name: 'missing-secret',
    reason: 'SecretMissing',
    step: 'Prepare',
    names: 'nobody-made-this',
    breakIt: async (policy) => {
      policy.spec.source.mysql['credentialsSecretRef'] = { name: 'nobody-made-this' };
      return [];
    },
  },
  {
    name: 'unreachable-source',
    reason: 'SourceUnreachable',
    step: 'Connect',
    names: 'no-such-server.agama.svc',
    breakIt: async (policy) => {
      policy.spec.source.mysql['host'] = 'no-such-server.agama.svc';
      return [];
    },
  },
  {
    name: 'wrong-host-key',
    reason: 'HostKeyMismatch',
    step: 'Connect',
    names: 'backup-host.backup-host.svc',
    breakIt: async (policy, keys) => {
      const host = await createSshKey('another');
      policy.spec.repository.rsync['knownHosts'] = knownHostsLine({ ...keys, host });
      return [];
    },
  },
  {
    name: 'wrong-ssh-key',
    reason: 'KeyRefused',
    step: 'Connect',
    names: 'backup-host.backup-host.svc',
    breakIt: async (policy) => {
      policy.spec.repository.rsync['sshSecretRef'] = { name: 'wrong-ssh-key' };
      const { privateKey } = await createSshKey('another');
      return [secretOf(namespace, 'wrong-ssh-key', 'kubernetes.io/ssh-auth', { 'ssh-privatekey': privateKey })];
    },
  },
];

let cluster: Cluster;
let keys: ScenarioKeys;

const policyFor = async (fault: Fault): Promise<object[]> => {
  const policy = await agamaPolicy(keys);
  policy.metadata = { name: fault.name, namespace };
  policy.spec.schedule = { full: '0 0 1 1 *' };
  policy.spec['verification'] = undefined;
  return [...(await fault.breakIt(policy, keys)), policy];
};

beforeAll(async () => {
  ({ cluster, keys } = await e2eStage());
  const { kubectl } = cluster;
  await applyPolicySecrets(cluster, namespace, keys);
  for (const fault of faults) await applyObjects(kubectl, await policyFor(fault));
  for (const { name } of faults) {
    await untilReady(cluster, { namespace, name });
    await startRun(cluster, { namespace, name }, 'Full', cronJobName(name, 'Full'));
  }
}, 300_000);

test.each(faults)(
  '$name ends with $reason at step $step, and nothing is green',
  async ({ name, reason, step, names }) => {
    const status = await waitForStatus(cluster, { namespace, name }, ({ lastFailure }) => lastFailure !== undefined, {
      timeoutMs: 240_000,
      what: `The failure of ${name}`,
    });
    expect(status.lastFailure).toMatchObject({ reason, step, kind: 'Full', jobName: cronJobName(name, 'Full') });
    expect(status.lastFailure?.message).toContain(names);
    expect(conditionOf(status, 'LastBackupSucceeded')).toMatchObject({ status: 'False', reason });
    expect(conditionOf(status, 'Protected')?.status).toBe('False');
    expect(conditionOf(status, 'ChainIntact')?.status).toBe('Unknown');
    expect(status.lastFull).toBeUndefined();
    expect(status.lastBackupTime).toBeUndefined();
  },
  300_000,
);

test('status had each reason within 60 s of the pod’s end', async () => {
  for (const { name } of faults) {
    const jobName = cronJobName(name, 'Full');
    const get = (what: readonly string[], path: string) =>
      cluster.kubectl(['get', ...what, '--namespace', namespace, '--output', `jsonpath=${path}`]);
    const ended = await get(
      ['pods', '--selector', `batch.kubernetes.io/job-name=${jobName}`],
      '{.items[*].status.initContainerStatuses[*].state.terminated.finishedAt} {.items[*].status.containerStatuses[*].state.terminated.finishedAt}',
    );
    const told = await get(
      ['backuppolicy', name],
      '{.status.conditions[?(@.type=="LastBackupSucceeded")].lastTransitionTime}',
    );
    const ends = ended.trim().split(/\s+/).map(Date.parse);
    expect(Date.parse(told) - Math.max(...ends)).toBeLessThan(60_000);
  }
});

test('no secret value is in status, Events or logs', async () => {
  const { kubectl } = cluster;
  const seen = [
    await kubectl(['get', 'backuppolicies,events,jobs,pods', '--namespace', namespace, '--output', 'yaml']),
    // Of every replica: `deployment/holdfast` would be that of one.
    await kubectl(['logs', '--namespace', 'holdfast', '--selector', 'app.kubernetes.io/name=holdfast', '--tail', '-1']),
  ];
  for (const { name } of faults) {
    const job = ['--namespace', namespace, `job/${cronJobName(name, 'Full')}`];
    const log = await kubectl(['logs', ...job, '--all-containers', '--ignore-errors']);
    expect(log).toContain('run Failed');
    seen.push(log);
  }
  const secrets = [keys.databasePassword, 'not-this-one', keys.client.privateKey.split('\n')[1] ?? ''];
  for (const secret of secrets) expect(seen.join('\n')).not.toContain(secret);
});
