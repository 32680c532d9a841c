import { isRecord, type KubeObject } from '../../../src/kube/types.ts';
import {
  conditionOf,
  eventually,
  quietly,
  startOperatorCluster,
  type OperatorCluster,
} from '../../support/operator/cluster.ts';
import { readMetrics, sumOf } from '../../bench/operator/metrics.ts';
import { startOperator, type RunningOperator } from '../../support/operator/operator.ts';

// The real operator against a real API server with its controller manager: what policies become, and that it settles.

let cluster: OperatorCluster;
let operator: RunningOperator;

const start = (): Promise<RunningOperator> => startOperator({ kubeconfig: cluster.plane.kubeconfig });

beforeAll(async () => {
  cluster = await startOperatorCluster({ controllerManager: true });
  operator = await start();
}, 180_000);

afterAll(async () => {
  await operator?.stop();
  await cluster?.stop();
});

const policyOf = (namespace: string): Promise<KubeObject> => cluster.get('bp', 'agama', '--namespace', namespace);

const ready = (namespace: string): Promise<KubeObject> =>
  eventually(`policy in ${namespace} is Ready, for its generation`, async () => {
    const policy = await policyOf(namespace);
    const condition = conditionOf(policy, 'Ready');
    return condition?.['status'] === 'True' && condition['observedGeneration'] === policy.metadata.generation && policy;
  });

const stalled = (namespace: string): Promise<Record<string, unknown>> =>
  eventually(`policy in ${namespace} is Stalled`, async () => conditionOf(await policyOf(namespace), 'Stalled'));

const cronJobNames = async (namespace: string): Promise<string[]> =>
  (await cluster.list(namespace, 'cronjobs')).map(({ metadata }) => metadata.name).sort();

const cronJob = async (namespace: string, name = 'agama-full'): Promise<KubeObject | undefined> =>
  (await cluster.list(namespace, 'cronjobs')).find(({ metadata }) => metadata.name === name);

const all = ['agama-full', 'agama-incremental', 'agama-local-copy'];

const made = async (namespace: string, labels: Record<string, string> = {}): Promise<KubeObject> => {
  await cluster.namespace(namespace, labels);
  await cluster.policy({ namespace });
  return ready(namespace);
};

/** Everything of the policy that has a version: unchanged versions are no writes. */
const versions = async (namespace: string): Promise<string[]> =>
  (await cluster.list(namespace, 'bp,cronjobs,pvc')).map(
    ({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`,
  );

const settled = async (namespace: string): Promise<void> => {
  await eventually('no version changes for two seconds', async () => {
    const before = await versions(namespace);
    await quietly(2);
    return JSON.stringify(before) === JSON.stringify(await versions(namespace));
  });
};

test('a policy becomes a claim and three CronJobs, and is Ready for its generation', async () => {
  const policy = await made('first', { 'pod-security.kubernetes.io/enforce': 'restricted' });
  expect(await cronJobNames('first')).toEqual(all);
  const claims = await cluster.list('first', 'pvc');
  expect(claims).toMatchObject([
    { metadata: { name: 'agama-holdfast' }, spec: { resources: { requests: { storage: '10Gi' } } } },
  ]);
  expect(claims[0]?.metadata.ownerReferences).toBeUndefined();
  expect(await cronJob('first')).toMatchObject({
    metadata: { ownerReferences: [{ kind: 'BackupPolicy', uid: policy.metadata.uid, controller: true }] },
    spec: {
      schedule: '5 1 * * 0',
      timeZone: 'Europe/Tallinn',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 3600,
      suspend: false,
      jobTemplate: { spec: { backoffLimit: 0 } },
    },
  });
  expect(policy['status']).toMatchObject({
    observedGeneration: 1,
    claimName: 'agama-holdfast',
    nextRunTimes: { localCopy: expect.any(String), full: expect.any(String), incremental: expect.any(String) },
  });
  expect(conditionOf(policy, 'Protected')).toMatchObject({ status: 'Unknown', reason: 'NotProven' });
  expect(conditionOf(policy, 'Stalled')).toBeUndefined();
});

test('the API server takes the pods in a namespace that enforces Pod Security "restricted"', async () => {
  for (const name of all) {
    const job = [
      'create',
      'job',
      `--from=cronjob/${name}`,
      'try',
      '--dry-run=client',
      '--output=json',
      '--namespace=first',
    ];
    const { spec } = JSON.parse(await cluster.plane.kubectl(job));
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `try-${name}`, namespace: 'first' },
      spec: spec.template.spec,
    };
    const apply = ['create', '--dry-run=server', '--filename', '-'];
    await expect(cluster.plane.kubectl(apply, { input: JSON.stringify(pod) })).resolves.toContain('created');
  }
  // The namespace does enforce it.
  const privileged = ['run', 'privileged', '--image=a', '--privileged', '--dry-run=server', '--namespace=first'];
  await expect(cluster.plane.kubectl(privileged)).rejects.toThrow(/violates PodSecurity/);
});

test('it settles: after a policy is applied nothing is written, and nothing after a restart', async () => {
  await made('calm');
  await settled('calm');
  const mark = await cluster.mark();
  const before = await versions('calm');
  await quietly(4);
  expect(await cluster.writes(mark)).toEqual([]);
  await operator.stop();
  operator = await start();
  await quietly(4);
  expect(await cluster.writes(mark)).toEqual([]);
  expect(await versions('calm')).toEqual(before);
});

test('little makes a policy: two looks at most, and one write each for the claim, the CronJobs and the status', async () => {
  const reconciles = async (): Promise<number> =>
    sumOf(await readMetrics(operator.url), 'holdfast_reconcile_duration_seconds_count');
  await quietly(2);
  const before = await reconciles();
  const mark = await cluster.mark();
  await made('few');
  await settled('few');
  // What it wrote comes back through the watches and is nothing new; the finalizer that Kubernetes puts on the claim is.
  expect((await reconciles()) - before).toBeLessThanOrEqual(2);
  const writes = (await cluster.writes(mark)).filter(({ namespace }) => namespace === 'few');
  const ofObjects = writes.filter(({ what }) => !what.startsWith('backuppolicies'));
  expect(ofObjects.map(({ what }) => what).sort()).toEqual([
    'cronjobs/agama-full',
    'cronjobs/agama-incremental',
    'cronjobs/agama-local-copy',
    'persistentvolumeclaims/agama-holdfast',
  ]);
  expect(writes.length - ofObjects.length).toBe(1);
});

describe('a CronJob that somebody changed is put back', () => {
  beforeAll(() => made('drift'), 60_000);

  const patches: { patch: object; field: (cronJob: KubeObject) => unknown; reason: string }[] = [
    {
      patch: { spec: { schedule: '* * * * *' } },
      field: ({ spec }) => isRecord(spec) && spec['schedule'],
      reason: 'its schedule',
    },
    { patch: { spec: { suspend: true } }, field: ({ spec }) => isRecord(spec) && spec['suspend'], reason: 'suspended' },
    {
      patch: { spec: { timeZone: null } },
      field: ({ spec }) => isRecord(spec) && spec['timeZone'],
      reason: 'its time zone gone',
    },
    {
      patch: {
        spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: 'ship', image: 'other' }] } } } } },
      },
      field: ({ spec }) => JSON.stringify(spec).includes('registry.test/duplicity:1'),
      reason: 'its image',
    },
    {
      patch: {
        spec: { jobTemplate: { spec: { template: { metadata: { labels: { 'holdfast.dev/policy': null } } } } } },
      },
      field: ({ spec }) => JSON.stringify(spec).split('holdfast.dev/policy').length,
      reason: 'a label of its pods gone',
    },
    {
      patch: { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } },
      field: ({ metadata }) => metadata.labels,
      reason: 'the label gone by which it is watched',
    },
    {
      patch: { metadata: { annotations: { 'holdfast.dev/policy': null } } },
      field: ({ metadata }) => metadata.annotations?.['holdfast.dev/policy'],
      reason: 'the annotation gone that names its policy',
    },
    {
      patch: { metadata: { ownerReferences: null } },
      field: ({ metadata }) => metadata.ownerReferences?.length,
      reason: 'its owner gone',
    },
  ];

  test.each(patches)('$reason', async ({ patch, field }) => {
    const before = await cronJob('drift');
    if (before === undefined) throw new Error('no CronJob');
    const args = [
      'patch',
      'cronjob',
      'agama-full',
      '--namespace=drift',
      '--type=strategic',
      '--patch',
      JSON.stringify(patch),
    ];
    await cluster.plane.kubectl(args);
    const after = await eventually('as it was', async () => {
      const now = await cronJob('drift');
      return now !== undefined && JSON.stringify(field(now)) === JSON.stringify(field(before)) && now;
    });
    expect(after.metadata.uid).toBe(before.metadata.uid);
    await ready('drift');
  });

  test('deleted: made anew', async () => {
    const before = await cronJob('drift');
    await cluster.plane.kubectl(['delete', 'cronjob', 'agama-full', '--namespace=drift']);
    const after = await eventually('there again', () => cronJob('drift'));
    expect(after.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after.metadata.ownerReferences).toEqual(before?.metadata.ownerReferences);
  });

  test('a label and an annotation that others add stay', async () => {
    await cluster.plane.kubectl(['label', 'cronjob', 'agama-full', 'team=shop', '--namespace=drift']);
    await cluster.plane.kubectl(['annotate', 'cronjob', 'agama-full', 'a.example/b=c', '--namespace=drift']);
    await settled('drift');
    expect((await cronJob('drift'))?.metadata).toMatchObject({
      labels: { team: 'shop' },
      annotations: { 'a.example/b': 'c' },
    });
  });

  test('the claim keeps its annotation and label, and is still the policy’s', async () => {
    for (const mark of ['label', 'annotate']) {
      const key = mark === 'label' ? 'app.kubernetes.io/managed-by-' : 'holdfast.dev/policy-';
      await cluster.plane.kubectl([mark, 'pvc', 'agama-holdfast', key, '--namespace=drift']);
      await eventually('put back', async () => {
        const [claim] = await cluster.list('drift', 'pvc');
        const { labels, annotations } = claim?.metadata ?? {};
        return (
          labels?.['app.kubernetes.io/managed-by'] === 'holdfast' && annotations?.['holdfast.dev/policy'] === 'agama'
        );
      });
    }
    await settled('drift');
    expect(conditionOf(await policyOf('drift'), 'Ready')).toMatchObject({ status: 'True' });
  });
});

const foreignCronJob = (namespace: string) => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'agama-full', namespace },
  spec: {
    schedule: '0 0 1 1 *',
    jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }] } } } },
  },
});

test('a foreign CronJob of the same name is untouched; the policy is Stalled, and freed when it goes', async () => {
  await cluster.namespace('taken');
  await cluster.apply(foreignCronJob('taken'));
  const before = await cronJob('taken');
  await cluster.policy({ namespace: 'taken' });
  expect(await stalled('taken')).toMatchObject({ status: 'True', reason: 'NameTaken' });
  expect((await stalled('taken'))['message']).toMatch(/CronJob agama-full exists and is not of this policy/);
  await settled('taken');
  expect(await cronJob('taken')).toEqual(before);
  expect(conditionOf(await policyOf('taken'), 'Ready')).toMatchObject({ status: 'False' });
  await cluster.plane.kubectl(['delete', 'cronjob', 'agama-full', '--namespace=taken']);
  // Nothing tells the operator: it looks again by itself.
  await eventually('freed', async () => conditionOf(await policyOf('taken'), 'Ready')?.['status'] === 'True', 60_000);
  expect(await cronJobNames('taken')).toEqual(all);
}, 120_000);

test('a foreign claim of the same name is untouched, and no CronJob is made that would write onto it', async () => {
  await cluster.namespace('taken-claim');
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'agama-holdfast', namespace: 'taken-claim' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  const before = await cluster.list('taken-claim', 'pvc');
  await cluster.policy({ namespace: 'taken-claim' });
  expect(await stalled('taken-claim')).toMatchObject({ reason: 'NameTaken' });
  await settled('taken-claim');
  expect(await cluster.list('taken-claim', 'pvc')).toEqual(before);
  expect(await cronJobNames('taken-claim')).toEqual([]);
});

test('what the API server refuses is Stalled in its words, and tried again: a quota that is raised', async () => {
  await cluster.namespace('quota');
  const quota = (count: string) => ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'few', namespace: 'quota' },
    spec: { hard: { persistentvolumeclaims: count } },
  });
  await cluster.apply(quota('0'));
  await eventually('the quota counts', async () => {
    const [found] = await cluster.list('quota', 'resourcequota');
    return isRecord(found?.['status']) && isRecord(found['status']['hard']);
  });
  await cluster.policy({ namespace: 'quota' });
  expect(await stalled('quota')).toMatchObject({
    reason: 'ApplyRefused',
    message: expect.stringMatching(/PersistentVolumeClaim agama-holdfast: .*exceeded quota.*tries again/),
  });
  expect(await cronJobNames('quota')).toEqual([]);
  await cluster.apply(quota('5'));
  await eventually('freed', async () => conditionOf(await policyOf('quota'), 'Ready')?.['status'] === 'True', 60_000);
  expect(await cronJobNames('quota')).toEqual(all);
}, 120_000);

test('a schedule that is removed takes its CronJob with it', async () => {
  await made('fewer');
  const patch = JSON.stringify([{ op: 'remove', path: '/spec/schedule/incremental' }]);
  await cluster.plane.kubectl(['patch', 'bp', 'agama', '--namespace=fewer', '--type=json', '--patch', patch]);
  await eventually('gone', async () => (await cronJobNames('fewer')).join() === 'agama-full,agama-local-copy');
  expect((await ready('fewer'))['status']).not.toHaveProperty('nextRunTimes.incremental');
});

test('suspend suspends the CronJobs, and no next run is shown; and back', async () => {
  await made('asleep');
  const suspend = (value: boolean): Promise<string> =>
    cluster.plane.kubectl([
      'patch',
      'bp',
      'agama',
      '--namespace=asleep',
      '--type=merge',
      '--patch',
      JSON.stringify({ spec: { suspend: value } }),
    ]);
  await suspend(true);
  const policy = await ready('asleep');
  expect(conditionOf(policy, 'Ready')).toMatchObject({ reason: 'Suspended' });
  expect(policy['status']).not.toHaveProperty('nextRunTimes');
  for (const { spec } of await cluster.list('asleep', 'cronjobs')) expect(spec).toMatchObject({ suspend: true });
  await suspend(false);
  expect((await ready('asleep'))['status']).toHaveProperty('nextRunTime');
  for (const { spec } of await cluster.list('asleep', 'cronjobs')) expect(spec).toMatchObject({ suspend: false });
});

test('a field that is not available stalls the policy by name; yesterday’s CronJobs go on; and it is freed', async () => {
  await made('later');
  const before = await cluster.list('later', 'cronjobs');
  await cluster.policy({ namespace: 'later', spec: { podTemplate: {} } });
  expect(await stalled('later')).toMatchObject({
    reason: 'FieldNotAvailable',
    message: expect.stringContaining('spec.podTemplate'),
    observedGeneration: 2,
  });
  expect(conditionOf(await policyOf('later'), 'Protected')).toMatchObject({ status: 'False', reason: 'Stalled' });
  expect(await cluster.list('later', 'cronjobs')).toEqual(before);
  await cluster.policy({ namespace: 'later' });
  const policy = await ready('later');
  expect(conditionOf(policy, 'Stalled')).toBeUndefined();
  const events = await eventually('both Events', async () => {
    const found = await cluster.list('later', 'events', '--field-selector=involvedObject.kind=BackupPolicy');
    return found.length >= 2 && found.map(({ reason }) => reason).sort();
  });
  expect(events).toEqual(['Applied', 'Stalled']);
});

test('a policy that is deleted takes its CronJobs with it, the claim stays, and a new one of its name has it again', async () => {
  const first = await made('again');
  const [claim] = await cluster.list('again', 'pvc');
  await cluster.plane.kubectl(['delete', 'bp', 'agama', '--namespace=again']);
  await eventually('CronJobs gone', async () => (await cronJobNames('again')).length === 0, 60_000);
  await quietly(2);
  expect((await cluster.list('again', 'pvc')).map(({ metadata }) => metadata.uid)).toEqual([claim?.metadata.uid]);
  await cluster.policy({ namespace: 'again' });
  const second = await ready('again');
  expect(second.metadata.uid).not.toBe(first.metadata.uid);
  expect((await cluster.list('again', 'pvc')).map(({ metadata }) => metadata.uid)).toEqual([claim?.metadata.uid]);
  const owners = (await cluster.list('again', 'cronjobs')).map(({ metadata }) => metadata.ownerReferences?.[0]?.uid);
  expect(owners).toEqual([second.metadata.uid, second.metadata.uid, second.metadata.uid]);
}, 120_000);

test('CronJobs that were orphaned are taken over, not made anew: a run that goes on is not killed', async () => {
  await made('orphans');
  const uids = async (): Promise<unknown[]> =>
    (await cluster.list('orphans', 'cronjobs')).map(({ metadata }) => metadata.uid);
  const before = await uids();
  await cluster.plane.kubectl(['delete', 'bp', 'agama', '--cascade=orphan', '--namespace=orphans']);
  await cluster.policy({ namespace: 'orphans' });
  const policy = await ready('orphans');
  await settled('orphans');
  expect(await uids()).toEqual(before);
  expect((await cronJob('orphans'))?.metadata.ownerReferences).toMatchObject([{ uid: policy.metadata.uid }]);
});

test('policies of many do not stand in each other’s way: one that cannot work among some that can', async () => {
  await cluster.namespace('many');
  await cluster.policy({ namespace: 'many', name: 'broken', spec: { schedule: { full: '5 1 * * 5-2' } } });
  const names = Array.from({ length: 10 }, (_, index) => `policy-${index}`);
  await Promise.all(names.map((name) => cluster.policy({ namespace: 'many', name })));
  await eventually('all Ready', async () => {
    const policies = await cluster.list('many', 'bp');
    return policies.filter((policy) => conditionOf(policy, 'Ready')?.['status'] === 'True').length === names.length;
  });
  expect(conditionOf(await cluster.get('bp', 'broken', '--namespace=many'), 'Stalled')).toMatchObject({
    reason: 'ScheduleInvalid',
    message: expect.stringContaining('spec.schedule.full'),
  });
});

test('two policies whose names are 253 characters long and begin alike live side by side', async () => {
  await cluster.namespace('long');
  const names = ['a', 'b'].map((end) => `${'long-name.'.repeat(25)}x${end}1`);
  for (const name of names) await cluster.policy({ namespace: 'long', name });
  await eventually('both Ready', async () => {
    const policies = await cluster.list('long', 'bp');
    return policies.filter((policy) => conditionOf(policy, 'Ready')?.['status'] === 'True').length === 2;
  });
  expect(await cronJobNames('long')).toHaveLength(6);
  expect(await cluster.list('long', 'pvc')).toHaveLength(2);
});
