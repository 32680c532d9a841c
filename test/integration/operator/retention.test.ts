import type { V1Job } from '@kubernetes/client-node';
import { pruneTask, taskVariable, type PruneTask } from '../../../src/api/v1alpha1/task.ts';
import { isRecord, type KubeObject, type Wire } from '../../../src/kube/types.ts';
import { retentionRule } from '../../../src/policy/retention.ts';
import { policyView } from '../../../src/policy/views.ts';
import { pruneJobPrefix } from '../../../src/workloads/names.ts';
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
  pointsOf,
  resultOf,
  retentionOf,
  successfulContainers,
  type ContainerEnd,
} from '../../support/operator/runs.ts';

// Jobs that prune, as the API server and the Job controller see them. There is no node: the test says in a pod's status what kubelet would.

let cluster: OperatorCluster;
let operator: RunningOperator;

beforeAll(async () => {
  cluster = await startOperatorCluster({ controllerManager: true });
  operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig });
}, 180_000);

afterAll(async () => {
  await operator?.stop();
  await cluster?.stop();
});

const seconds = (): string => `${new Date().toISOString().slice(0, 19)}Z`;
const policyOf = (namespace: string): Promise<KubeObject> => cluster.get('bp', 'agama', '--namespace', namespace);
const conditionNow = async (namespace: string) => conditionOf(await policyOf(namespace), 'RetentionKept');
const statusOf = async (namespace: string): Promise<Record<string, unknown>> => {
  const { status } = await policyOf(namespace);
  return isRecord(status) ? status : {};
};

const made = async (namespace: string): Promise<void> => {
  await cluster.namespace(namespace);
  await cluster.policy({ namespace, spec: { retention: { keepFor: '4w' } } });
  await eventually('Ready', async () => conditionOf(await policyOf(namespace), 'Ready')?.['status'] === 'True');
};

/** Ends the pod of a Job as kubelet does. */
const endJob = async (
  namespace: string,
  jobName: string,
  containers: readonly ContainerEnd[],
  phase: 'Succeeded' | 'Failed',
): Promise<void> => {
  const pod = await eventually('the Job controller made the pod', async () => {
    const [found] = await cluster.list(namespace, 'pods', '--selector', `batch.kubernetes.io/job-name=${jobName}`);
    return found;
  });
  await quietly(1.1);
  const status = endedPodStatus(containers, phase, seconds());
  const patch = ['patch', 'pod', pod.metadata.name, '--namespace', namespace, '--subresource=status', '--type=merge'];
  await cluster.plane.kubectl([...patch, '--patch', JSON.stringify({ status })]);
  await eventually('the Job controller ended the Job', async () => {
    const job = (await cluster.get('job', jobName, '--namespace', namespace)) as Wire<V1Job>;
    return job.status?.conditions?.some(({ type }) => type === 'Complete' || type === 'Failed');
  });
};

/** A full that succeeds; gives the time that its result is of. */
const full = async (namespace: string, number: number): Promise<string> => {
  const jobName = `agama-full-${number}`;
  await cluster.plane.kubectl(['create', 'job', jobName, '--from=cronjob/agama-full', '--namespace', namespace]);
  const time = seconds();
  await endJob(namespace, jobName, successfulContainers({ kind: 'Full', jobName, time }), 'Succeeded');
  return time;
};

const prunesOf = async (namespace: string): Promise<KubeObject[]> =>
  cluster.list(namespace, 'jobs', '--selector=holdfast.dev/run=Prune');
const oneMore = (namespace: string, than: number): Promise<KubeObject> =>
  eventually(`prune ${than + 1}`, async () => {
    const jobs = await prunesOf(namespace);
    const byAge = jobs.toSorted((a, b) =>
      String(a.metadata.creationTimestamp).localeCompare(String(b.metadata.creationTimestamp)),
    );
    return byAge.length > than && byAge.at(-1);
  });

const taskOf = (job: KubeObject): PruneTask => {
  const env = (job as Wire<V1Job>).spec?.template.spec?.containers[0]?.env ?? [];
  return pruneTask.parse(JSON.parse(env.find(({ name }) => name === taskVariable)?.value ?? ''));
};

const endPrune = async (namespace: string, job: KubeObject, changes: object = {}): Promise<void> => {
  const { rule, fullTime } = taskOf(job);
  const retention = retentionOf({ rule, fullTime, nextDue: '2099-01-01T00:00:00Z' });
  const notes = [{ reason: 'ChainRemoved', message: 'Retention removed chain-20261018T230500Z; 4 are kept.' }];
  const result = resultOf('prune', { kind: 'Prune', time: seconds() }, { retention, notes, ...changes });
  const failed = 'failure' in changes;
  const end = { name: 'prune', message: JSON.stringify(result), exitCode: failed ? 1 : 0 };
  await endJob(namespace, job.metadata.name, [end], failed ? 'Failed' : 'Succeeded');
};

test('a full is followed by one Job that prunes; status says what it left; nothing more until there is cause', async () => {
  await made('keep');
  expect(await conditionNow('keep')).toMatchObject({ status: 'Unknown', reason: 'NoChainYet' });
  await full('keep', 1);
  const job = await oneMore('keep', 0);
  const { uid } = (await policyOf('keep')).metadata;
  expect(job.metadata.ownerReferences).toMatchObject([{ kind: 'BackupPolicy', uid, controller: true }]);
  expect(await conditionNow('keep')).toMatchObject({ status: 'Unknown', reason: 'NotPruned' });
  await endPrune('keep', job);
  await eventually('kept', async () => (await conditionNow('keep'))?.['status'] === 'True');
  expect(await statusOf('keep')).toMatchObject({
    retention: { removed: 1, chains: 4, nextDue: '2099-01-01T00:00:00Z' },
    lastRuns: [{ kind: 'Full' }, { kind: 'Prune', outcome: 'Succeeded', jobName: job.metadata.name }],
  });
  const events = await eventually('the Event', async () => {
    const found = await cluster.list('keep', 'events', '--field-selector=involvedObject.kind=BackupPolicy');
    const reasons = found.map(({ reason, type }) => `${String(type)} ${String(reason)}`).sort();
    return reasons.includes('Normal ChainRemoved') && reasons;
  });
  expect(events).toEqual(['Normal ChainRemoved', 'Normal FullSucceeded']);

  // A restart makes nothing anew.
  await operator.stop();
  operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig });
  const mark = await cluster.mark();
  await quietly(3);
  expect((await cluster.writes(mark)).filter(({ namespace }) => namespace === 'keep')).toEqual([]);
  expect(await prunesOf('keep')).toHaveLength(1);

  // Another rule is another cause.
  await cluster.policy({ namespace: 'keep', spec: { retention: { keepFor: '8w' } } });
  const second = await oneMore('keep', 1);
  expect(taskOf(second).retention).toMatchObject({ keepFor: '8w' });
  await endPrune('keep', second);
  await eventually('kept again', async () => (await conditionNow('keep'))?.['status'] === 'True');
}, 120_000);

test('a prune that fails is said, and not tried again at once', async () => {
  await made('refuse');
  await full('refuse', 1);
  const job = await oneMore('refuse', 0);
  const failure = { step: 'Remove', reason: 'RemovalRefused', message: 'The chain still has files.' };
  await endPrune('refuse', job, { outcome: 'Failed', retention: undefined, notes: [], failure });
  await eventually('said', async () => (await conditionNow('refuse'))?.['reason'] === 'RemovalRefused');
  expect(conditionOf(await policyOf('refuse'), 'Protected')).toMatchObject({ status: 'False' });
  expect(conditionOf(await policyOf('refuse'), 'LastBackupSucceeded')).toMatchObject({ status: 'True' });
  await quietly(3);
  expect(await prunesOf('refuse')).toHaveLength(1);
}, 120_000);

test('no prune beside a running backup; it follows when that has ended', async () => {
  await made('wait');
  await cluster.plane.kubectl([
    'create',
    'job',
    'agama-incremental-9',
    '--from=cronjob/agama-incremental',
    '--namespace=wait',
  ]);
  await full('wait', 1);
  await quietly(3);
  expect(await prunesOf('wait')).toEqual([]);
  const options = { kind: 'Incremental', jobName: 'agama-incremental-9', time: seconds() } as const;
  await endJob('wait', 'agama-incremental-9', successfulContainers(options), 'Succeeded');
  await oneMore('wait', 0);
}, 120_000);

test('a Job of somebody else with that name is left alone, and the policy says so', async () => {
  await made('taken');
  const raw = await policyOf('taken');
  const { spec } = policyView(raw);
  if (spec === undefined) throw new Error('the spec cannot be read');
  await operator.stop();
  const time = await full('taken', 1);
  const { setTime } = pointsOf('agama-full-1', time).full;
  const name = `${pruneJobPrefix('agama', `${raw.metadata.uid} ${retentionRule(spec, undefined)} ${setTime}`)}0`;
  const pod = { restartPolicy: 'Never', containers: [{ name: 'a', image: 'registry.test/a:1' }] };
  const foreign = { backoffLimit: 0, template: { spec: pod } };
  await cluster.apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace: 'taken' }, spec: foreign });
  operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig });
  const stalled = await eventually('said', async () => {
    const condition = conditionOf(await policyOf('taken'), 'Stalled');
    return condition?.['reason'] === 'NameTaken' && condition;
  });
  expect(stalled['message']).toContain(`The Job ${name} exists and is not of this policy`);
  expect((await cluster.get('job', name, '--namespace=taken')).metadata).not.toHaveProperty('ownerReferences');
  expect(await prunesOf('taken')).toEqual([]);
}, 120_000);
