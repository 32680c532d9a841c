import type { RunKind } from '../../../src/api/v1alpha1/recovery-points.ts';
import { isRecord, type KubeObject } from '../../../src/kube/types.ts';
import {
  conditionOf,
  eventually,
  quietly,
  startOperatorCluster,
  type OperatorCluster,
} from '../../support/operator/cluster.ts';
import { startOperator, type RunningOperator } from '../../support/operator/operator.ts';
import {
  endedPodStatus,
  failedResultOf,
  later,
  resultOf,
  successfulContainers,
  type ContainerEnd,
} from '../../support/operator/runs.ts';

// Runs as the Job controller and kubelet leave them. There is no node: the test says in a pod's status what kubelet would.

let cluster: OperatorCluster;
let operator: RunningOperator;
let jobs = 0;

const start = (): Promise<RunningOperator> => startOperator({ kubeconfig: cluster.plane.kubeconfig });

beforeAll(async () => {
  cluster = await startOperatorCluster({ controllerManager: true });
  operator = await start();
}, 180_000);

afterAll(async () => {
  await operator?.stop();
  await cluster?.stop();
});

const cronJobs = { LocalCopy: 'agama-local-copy', Full: 'agama-full', Incremental: 'agama-incremental' } as const;

const policyOf = (namespace: string): Promise<KubeObject> => cluster.get('bp', 'agama', '--namespace', namespace);

const statusOf = async (namespace: string): Promise<Record<string, unknown>> => {
  const { status } = await policyOf(namespace);
  return isRecord(status) ? status : {};
};

const made = async (namespace: string): Promise<void> => {
  await cluster.namespace(namespace);
  await cluster.policy({ namespace });
  await eventually('Ready', async () => conditionOf(await policyOf(namespace), 'Ready')?.['status'] === 'True');
};

const seconds = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

/** What kubelet writes of a pod that has ended. */
const endPod = async (
  pod: KubeObject,
  containers: readonly ContainerEnd[],
  phase: 'Succeeded' | 'Failed',
): Promise<void> => {
  const status = endedPodStatus(containers, phase, seconds());
  const { name, namespace = '' } = pod.metadata;
  const patch = ['patch', 'pod', name, '--namespace', namespace, '--subresource=status', '--type=merge', '--patch'];
  await cluster.plane.kubectl([...patch, JSON.stringify({ status })]);
};

interface Run {
  kind?: RunKind;
  containers: (options: { kind: RunKind; jobName: string; time: string }) => readonly ContainerEnd[];
  phase?: 'Succeeded' | 'Failed';
}

const jobOf = (namespace: string, jobName: string): Promise<KubeObject> =>
  cluster.get('job', jobName, '--namespace', namespace);

/** A run from its start to the end of its Job; gives the Job's name. */
const run = async (namespace: string, { kind = 'Full', containers, phase = 'Succeeded' }: Run): Promise<string> => {
  jobs += 1;
  const jobName = `${cronJobs[kind]}-${jobs}`;
  await cluster.plane.kubectl(['create', 'job', jobName, `--from=cronjob/${cronJobs[kind]}`, '--namespace', namespace]);
  const pod = await eventually('the Job controller made the pod', async () => {
    const [found] = await cluster.list(namespace, 'pods', '--selector', `batch.kubernetes.io/job-name=${jobName}`);
    return found;
  });
  // Runs take longer than the second that times are told apart by.
  await quietly(1.1);
  await endPod(pod, containers({ kind, jobName, time: seconds() }), phase);
  await eventually('the Job controller ended the Job', async () => {
    const { status } = await jobOf(namespace, jobName);
    const conditions = isRecord(status) && Array.isArray(status['conditions']) ? status['conditions'] : [];
    return conditions.some(({ type }) => type === (phase === 'Succeeded' ? 'Complete' : 'Failed'));
  });
  return jobName;
};

const lastRun = async (namespace: string, jobName: string): Promise<Record<string, unknown>> =>
  eventually(`status knows ${jobName}`, async () => {
    const { lastRuns } = await statusOf(namespace);
    return Array.isArray(lastRuns) ? lastRuns.filter(isRecord).find((one) => one['jobName'] === jobName) : undefined;
  });

const eventsOf = async (namespace: string): Promise<string[]> => {
  const selector = '--field-selector=involvedObject.kind=BackupPolicy';
  const events = await cluster.list(namespace, 'events', selector);
  return events.map(({ reason, message, count }) => `${String(count)}x ${String(reason)}: ${String(message)}`).sort();
};

const describePolicy = (namespace: string): Promise<string> =>
  cluster.plane.kubectl(['describe', 'backuppolicy', 'agama', '--namespace', namespace]);

const success: Run = { containers: (options) => successfulContainers(options) };
const failure: Run = {
  containers: (options) => [
    { name: 'dump', exitCode: 1, message: JSON.stringify(failedResultOf('dump', options)) },
    { name: 'ship', exitCode: 1 },
  ],
  phase: 'Failed',
};

test('a full that succeeds: points, conditions, an Event; they stay when its Job is deleted, and after a restart', async () => {
  await made('full');
  const jobName = await run('full', success);
  expect(await lastRun('full', jobName)).toMatchObject({ kind: 'Full', outcome: 'Succeeded' });
  const status = await statusOf('full');
  expect(status).toMatchObject({
    lastFull: { jobName, sizeBytes: 4096 },
    lastLocalCopy: { jobName },
    chain: { intact: true, incrementals: 0 },
  });
  expect(status['lastBackupTime']).toBe((status['lastFull'] as { dataTime: string }).dataTime);
  const policy = await policyOf('full');
  expect(conditionOf(policy, 'LastBackupSucceeded')).toMatchObject({ status: 'True', reason: 'Succeeded' });
  expect(conditionOf(policy, 'ChainIntact')).toMatchObject({ status: 'True' });
  expect(conditionOf(policy, 'Verified')).toMatchObject({ status: 'Unknown' });
  expect(conditionOf(policy, 'Protected')).toMatchObject({ status: 'Unknown' });
  const events = [`1x FullSucceeded: A full was made by ${jobName}, checked and recorded.`];
  await eventually('the Event', async () => JSON.stringify(await eventsOf('full')) === JSON.stringify(events));

  await cluster.plane.kubectl(['delete', 'job', jobName, '--namespace=full']);
  await eventually('its pod is gone', async () => (await cluster.list('full', 'pods')).length === 0);
  await quietly(2);
  expect(await statusOf('full')).toEqual(status);
  const mark = await cluster.mark();
  await operator.stop();
  operator = await start();
  await quietly(3);
  expect(await statusOf('full')).toEqual(status);
  expect(await eventsOf('full')).toEqual(events);
  expect(await cluster.writes(mark)).toEqual([]);
}, 90_000);

test('a run that ends while the operator is down is told of when it is back, once', async () => {
  await made('down');
  await operator.stop();
  const jobName = await run('down', success);
  operator = await start();
  expect(await lastRun('down', jobName)).toMatchObject({ outcome: 'Succeeded' });
  await operator.stop();
  operator = await start();
  await quietly(2);
  expect(await eventsOf('down')).toEqual([expect.stringMatching(/^1x FullSucceeded/)]);
}, 90_000);

test('a complete Job whose pod is gone before anybody looked is Unknown', async () => {
  await made('unknown');
  await operator.stop();
  const jobName = await run('unknown', success);
  await cluster.plane.kubectl(['delete', 'pods', '--all', '--force', '--grace-period=0', '--namespace=unknown']);
  operator = await start();
  expect(await lastRun('unknown', jobName)).toMatchObject({ outcome: 'Unknown', reason: 'ResultMissing' });
  expect(conditionOf(await policyOf('unknown'), 'LastBackupSucceeded')).toMatchObject({ status: 'Unknown' });
}, 90_000);

test('a failure says what failed, why, and what to do: in status, in an Event, in kubectl describe; a later success clears it', async () => {
  await made('failing');
  const jobName = await run('failing', failure);
  expect(await lastRun('failing', jobName)).toMatchObject({ outcome: 'Failed', reason: 'AccessDenied' });
  const policy = await policyOf('failing');
  expect(conditionOf(policy, 'Protected')).toMatchObject({ status: 'False', reason: 'NotMet' });
  expect(conditionOf(policy, 'LastBackupSucceeded')).toMatchObject({ status: 'False', reason: 'AccessDenied' });
  expect(await statusOf('failing')).toMatchObject({ lastFailure: { jobName, step: 'Connect', kind: 'Full' } });
  await eventually('the Event', async () => (await eventsOf('failing')).length === 1);
  const words = await describePolicy('failing');
  expect(words).toMatch(new RegExp(`Full ${jobName} failed at step Connect: The server db.example.com:3306 refused`));
  expect(words).toMatch(new RegExp(`kubectl logs job/${jobName} --all-containers`));
  expect(words).toMatch(/Warning +FullFailed .*AccessDenied.*Check the credentials Secret agama-mysql/);
  expect(words).toMatch(/Not met: LastBackupSucceeded/);
  expect(words).toMatch(/Next Run Time: +20/);
  const table = await cluster.plane.kubectl(['get', 'bp', '--namespace=failing']);
  expect(table).toMatch(/^NAME +PROTECTED +LAST BACKUP +LAST VERIFIED +RPO +RTO +NEXT +SUSPENDED +AGE/);
  expect(table).toMatch(/\nagama +False +Unknown +Unknown +20/);

  const second = await run('failing', success);
  await lastRun('failing', second);
  expect(conditionOf(await policyOf('failing'), 'LastBackupSucceeded')).toMatchObject({ status: 'True' });
  expect(await statusOf('failing')).toMatchObject({ lastFailure: { jobName } });
}, 90_000);

test('a local copy that succeeds does not hide that the backup failed', async () => {
  await made('lanes');
  const full = await run('lanes', failure);
  const local = await run('lanes', { ...success, kind: 'LocalCopy' });
  await lastRun('lanes', local);
  await lastRun('lanes', full);
  expect(conditionOf(await policyOf('lanes'), 'LastBackupSucceeded')).toMatchObject({
    status: 'False',
    message: expect.stringContaining(full),
  });
}, 90_000);

const notProven: { containers: Run['containers']; reason: string }[] = [
  { containers: () => [{ name: 'dump' }, { name: 'ship' }], reason: 'no result' },
  {
    containers: (options) => [
      { name: 'dump', message: JSON.stringify(resultOf('dump', options)) },
      { name: 'ship', message: 'no JSON' },
    ],
    reason: 'garbage',
  },
  {
    containers: (options) => [
      { name: 'dump', message: JSON.stringify(resultOf('dump', options)) },
      { name: 'ship', message: JSON.stringify(resultOf('ship', options, { completionTime: '2026-02-30T00:00:00Z' })) },
    ],
    reason: 'a time that the API server would refuse in status',
  },
  {
    containers: (options) => [
      { name: 'dump', message: JSON.stringify(resultOf('dump', options)) },
      { name: 'ship', message: JSON.stringify(resultOf('ship', options)).replaceAll(/20\d\d-/g, '9999-') },
    ],
    reason: 'times that no later run could pass',
  },
];

test('complete Jobs that prove nothing are failures, and the policy goes on to take the next success', async () => {
  await made('nothing');
  for (const { containers } of notProven) {
    const jobName = await run('nothing', { containers });
    expect(await lastRun('nothing', jobName)).toMatchObject({ outcome: 'Failed', reason: 'ResultMissing' });
  }
  const status = await statusOf('nothing');
  expect(status).not.toHaveProperty('lastFull');
  const jobName = await run('nothing', success);
  expect(await lastRun('nothing', jobName)).toMatchObject({ outcome: 'Succeeded' });
}, 120_000);

test('a pod and a Job that merely carry our labels prove nothing', async () => {
  await made('forged');
  const template = await cluster.get('cronjob', 'agama-full', '--namespace=forged');
  const { labels, annotations } = template.metadata;
  const jobName = 'agama-full-forged';
  const pod = {
    restartPolicy: 'Never',
    containers: [{ name: 'ship', image: 'a' }],
    initContainers: [{ name: 'dump', image: 'a' }],
  };
  await cluster.apply({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: jobName, namespace: 'forged', labels, annotations },
    spec: { template: { metadata: { labels, annotations }, spec: pod } },
  });
  const forged = await eventually('the pod', async () => (await cluster.list('forged', 'pods'))[0]);
  const mark = await cluster.mark();
  await endPod(forged, successfulContainers({ jobName, time: seconds() }), 'Succeeded');
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'lone', namespace: 'forged', labels, annotations },
    spec: pod,
  });
  await endPod(
    await cluster.get('pod', 'lone', '--namespace=forged'),
    successfulContainers({ jobName, time: seconds() }),
    'Succeeded',
  );
  await quietly(3);
  const status = await statusOf('forged');
  for (const field of ['lastRuns', 'lastFull', 'lastLocalCopy', 'lastBackupTime', 'chain']) {
    expect(status).not.toHaveProperty(field);
  }
  expect(await cluster.writes(mark)).toEqual([]);
  expect(await eventsOf('forged')).toEqual([]);
}, 90_000);

test('a chain of runs: full, incremental, local copy; the newest of each, and the newest data', async () => {
  await made('chain');
  const full = await run('chain', success);
  const incremental = await run('chain', { ...success, kind: 'Incremental' });
  await lastRun('chain', incremental);
  const status = await statusOf('chain');
  expect(status).toMatchObject({ lastFull: { jobName: full }, lastIncremental: { jobName: incremental } });
  expect(status['lastBackupTime']).toBe((status['lastIncremental'] as { dataTime: string }).dataTime);
  expect(Date.parse(String(status['lastBackupTime']))).toBeLessThan(Date.parse(later(seconds(), 1)));
}, 90_000);

test('kubectl describe tells of a healthy policy what is safe and what is not known', async () => {
  await made('words');
  const jobName = await run('words', success);
  await lastRun('words', jobName);
  await eventually('the Event', async () => (await eventsOf('words')).length === 1);
  const words = await describePolicy('words');
  for (const line of [
    /Last Backup Time: +20/,
    new RegExp(`Full ${jobName} was shipped, and the repository was listed again: the set is whole`),
    /Not known: Verified, RecoveryTimeMet/,
    /25h was promised/,
    /No backup was ever restored and compared/,
    /Normal +FullSucceeded .*backup|Normal +FullSucceeded /,
  ]) {
    expect(words).toMatch(line);
  }
}, 90_000);
