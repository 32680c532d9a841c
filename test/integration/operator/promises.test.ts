import type { V1Job } from '@kubernetes/client-node';
import { pruneTask, taskVariable } from '../../../src/api/v1alpha1/task.ts';
import { isRecord, type KubeObject, type Wire } from '../../../src/kube/types.ts';
import { requestAnnotation } from '../../../src/workloads/labels.ts';
import {
  conditionOf,
  eventually,
  quietly,
  startOperatorCluster,
  type OperatorCluster,
} from '../../support/operator/cluster.ts';
import { startOperator, type RunningOperator } from '../../support/operator/operator.ts';
import { placeOfSpec, type Json } from '../../support/operator/policies.ts';
import { endedPodStatus, later, successfulContainers, verificationOf } from '../../support/operator/runs.ts';

// What a policy promises, as time passes at a real API server: runs on demand, an RPO that is missed by itself, CronJobs that somebody
// touches, and what retention must leave. There is no node: the test says in a pod's status what kubelet would.

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
const conditionNow = async (namespace: string, type: string) => conditionOf(await policyOf(namespace), type);
const statusOf = async (namespace: string): Promise<Record<string, unknown>> => {
  const { status } = await policyOf(namespace);
  return isRecord(status) ? status : {};
};

const made = async (namespace: string, spec: Json = {}): Promise<void> => {
  await cluster.namespace(namespace);
  await cluster.policy({ namespace, spec });
  await eventually('Ready', async () => (await conditionNow(namespace, 'Ready'))?.['status'] === 'True');
};

const annotate = (namespace: string, value: string): Promise<string> =>
  cluster.plane.kubectl([
    'annotate',
    'bp',
    'agama',
    '--namespace',
    namespace,
    '--overwrite',
    `${requestAnnotation}=${value}`,
  ]);

const jobsOf = (namespace: string): Promise<KubeObject[]> => cluster.list(namespace, 'jobs');

const reasonsOf = async (namespace: string): Promise<string[]> => {
  const events = await cluster.list(namespace, 'events', '--field-selector=involvedObject.kind=BackupPolicy');
  return events.map(({ type, reason, count }) => `${String(count)}x ${String(type)} ${String(reason)}`).sort();
};

/** Ends the pod of a Job as kubelet does; gives the time that the result is of. */
const endWell = async (namespace: string, jobName: string): Promise<string> => {
  const pod = await eventually('the Job controller made the pod', async () => {
    const [found] = await cluster.list(namespace, 'pods', '--selector', `batch.kubernetes.io/job-name=${jobName}`);
    return found;
  });
  await quietly(1.1);
  const time = seconds();
  const status = endedPodStatus(successfulContainers({ kind: 'Full', jobName, time }), 'Succeeded', time);
  const patch = ['patch', 'pod', pod.metadata.name, '--namespace', namespace, '--subresource=status', '--type=merge'];
  await cluster.plane.kubectl([...patch, '--patch', JSON.stringify({ status })]);
  await eventually('status knows the run', async () => {
    const { lastRuns } = await statusOf(namespace);
    return Array.isArray(lastRuns) && lastRuns.filter(isRecord).some((run) => run['jobName'] === jobName);
  });
  return time;
};

test('a run on demand: one Job a value, of a suspended policy too, recorded like any other, and none after a restart', async () => {
  await made('asked', { suspend: true });
  await annotate('asked', 'full@first');
  const [job] = await eventually('the Job', async () => {
    const jobs = await jobsOf('asked');
    return jobs.length > 0 && jobs;
  });
  const name = job?.metadata.name ?? '';
  const cronJob = await cluster.get('cronjob', 'agama-full', '--namespace', 'asked');
  expect(job?.metadata).toMatchObject({
    name: expect.stringMatching(/^agama-full-run-[0-9a-f]{12}$/),
    labels: { 'holdfast.dev/run': 'Full' },
    annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
    ownerReferences: [{ kind: 'CronJob', name: 'agama-full', uid: cronJob.metadata.uid, controller: true }],
  });
  await eventually('remembered', async () => {
    const { lastRequestedRun } = await statusOf('asked');
    return isRecord(lastRequestedRun) && lastRequestedRun['jobName'] === name;
  });
  await endWell('asked', name);
  expect(await statusOf('asked')).toMatchObject({ lastRuns: [{ kind: 'Full', jobName: name, outcome: 'Succeeded' }] });
  expect(await reasonsOf('asked')).toEqual(['1x Normal FullSucceeded', '1x Normal RunRequested']);

  // Neither another look nor another operator starts it again; nor does one that forgot, since the name is the same.
  const annotated = ['annotate', 'bp', 'agama', '--namespace=asked', '--overwrite', 'holdfast.test/look=again'];
  await cluster.plane.kubectl(annotated);
  await operator.stop();
  const forget = ['patch', 'bp', 'agama', '--namespace=asked', '--subresource=status', '--type=merge'];
  await cluster.plane.kubectl([...forget, '--patch', '{"status":{"lastRequestedRun":null}}']);
  operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig });
  await eventually('remembered anew', async () => (await statusOf('asked'))['lastRequestedRun'] !== undefined);
  await quietly(2);
  expect((await jobsOf('asked')).map(({ metadata }) => metadata.name)).toEqual([name]);

  await annotate('asked', 'incremental@second');
  await eventually('another value starts another', async () => (await jobsOf('asked')).length === 2);
}, 120_000);

test('what is not understood starts nothing, and says what is', async () => {
  await made('nonsense');
  await annotate('nonsense', 'backup@now');
  const ready = await eventually('said', async () => {
    const condition = await conditionNow('nonsense', 'Ready');
    return String(condition?.['message']).includes('write <kind>@') && condition;
  });
  expect(ready).toMatchObject({ status: 'True' });
  await eventually('one Event', async () => (await reasonsOf('nonsense')).includes('1x Warning RunNotStarted'));
  expect(await jobsOf('nonsense')).toEqual([]);
}, 60_000);

test('RecoveryPointMet turns False by itself, with nothing else happening, and says so once', async () => {
  // What is shipped in these tests is a quarter of an hour old.
  await made('ages', { objectives: { recoveryPointObjective: '15m12s' }, schedule: { localCopy: undefined } });
  await cluster.plane.kubectl(['create', 'job', 'agama-full-1', '--from=cronjob/agama-full', '--namespace=ages']);
  const time = await endWell('ages', 'agama-full-1');
  await eventually('met', async () => (await conditionNow('ages', 'RecoveryPointMet'))?.['status'] === 'True');
  expect(await statusOf('ages')).toMatchObject({ recovery: { latest: later(time, -900), metUntil: later(time, 12) } });
  const missed = await eventually('missed', async () => {
    const condition = await conditionNow('ages', 'RecoveryPointMet');
    return condition?.['status'] === 'False' && condition;
  });
  const lateMs = Date.parse(String(missed['lastTransitionTime'])) - Date.parse(later(time, 12));
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThan(4000);
  expect(await conditionNow('ages', 'Protected')).toMatchObject({ status: 'False' });
  await quietly(3);
  expect((await reasonsOf('ages')).filter((reason) => reason.includes('RecoveryPoint'))).toEqual([
    '1x Warning RecoveryPointMissed',
  ]);
}, 90_000);

test('what was proven of another repository than the spec names is not proven of it, until a backup is there', async () => {
  await made('moved', { objectives: { recoveryPointObjective: '25h' }, schedule: { localCopy: undefined } });
  const backUp = ['create', 'job', 'agama-full-1', '--from=cronjob/agama-full', '--namespace=moved'];
  await cluster.plane.kubectl(backUp);
  await endWell('moved', 'agama-full-1');
  const stateOf = async (type: string): Promise<string> => {
    const { status, reason } = (await conditionNow('moved', type)) ?? {};
    return `${String(status)} ${String(reason)}`;
  };
  const name = async (path: string): Promise<void> => {
    const patch = JSON.stringify({ spec: { repository: { rsync: { path } } } });
    await cluster.plane.kubectl(['patch', 'bp', 'agama', '--namespace=moved', '--type=merge', '--patch', patch]);
  };
  const reach = (what: string, state: string): Promise<boolean> =>
    eventually(what, async () => (await stateOf('RecoveryPointMet')) === state);
  await reach('met', 'True Met');
  await name('/elsewhere');
  await reach('another repository', 'Unknown RepositoryChanged');
  expect(await stateOf('ChainIntact')).toBe('Unknown RepositoryChanged');
  expect(await stateOf('LastBackupSucceeded')).toBe('Unknown RepositoryChanged');
  const said = await cluster.plane.kubectl(['describe', 'bp', 'agama', '--namespace=moved']);
  expect(said).toMatch(/What is known is of rsync:\S+\/home\/backup; the policy names rsync:\S+\/elsewhere now/);
  await name('/home/backup');
  await reach('the one before', 'True Met');
}, 90_000);

test('a CronJob that is suspended or deleted is put back, and it is said', async () => {
  await made('touched');
  const suspend = [
    'patch',
    'cronjob',
    'agama-full',
    '--namespace=touched',
    '--type=merge',
    '--patch',
    '{"spec":{"suspend":true}}',
  ];
  await cluster.plane.kubectl(suspend);
  await eventually('goes on', async () => {
    const { spec } = await cluster.get('cronjob', 'agama-full', '--namespace=touched');
    return isRecord(spec) && spec['suspend'] === false;
  });
  await cluster.plane.kubectl(['delete', 'cronjob', 'agama-incremental', '--namespace=touched']);
  await eventually('is there again', async () => (await cluster.list('touched', 'cronjobs')).length === 3);
  await eventually('said', async () => {
    const reasons = await reasonsOf('touched');
    return reasons.length >= 2;
  });
  expect(await reasonsOf('touched')).toEqual(['1x Warning CronJobDeleted', '1x Warning CronJobSuspended']);
}, 60_000);

test('what retention must leave: the chain that was last restored and found equal', async () => {
  await made('kept', { retention: { keepFor: '4w' } });
  const { outcome: _outcome, seconds: _seconds, ...report } = verificationOf().latest;
  const lastVerified = { time: '2026-11-15T03:00:00Z', jobName: 'agama-verify-1', ...report };
  const patch = ['patch', 'bp', 'agama', '--namespace=kept', '--subresource=status', '--type=merge', '--patch'];
  await cluster.plane.kubectl([...patch, JSON.stringify({ status: { storedIn: placeOfSpec(), lastVerified } })]);
  await cluster.plane.kubectl(['create', 'job', 'agama-full-1', '--from=cronjob/agama-full', '--namespace=kept']);
  await endWell('kept', 'agama-full-1');
  const [prune] = await eventually('the prune', async () => {
    const jobs = await cluster.list('kept', 'jobs', '--selector=holdfast.dev/run=Prune');
    return jobs.length > 0 && jobs;
  });
  const env = (prune as Wire<V1Job>).spec?.template.spec?.containers[0]?.env ?? [];
  const task = pruneTask.parse(JSON.parse(env.find(({ name }) => name === taskVariable)?.value ?? ''));
  expect(task.protect).toEqual(['chain-20261115T014630Z']);
}, 60_000);
