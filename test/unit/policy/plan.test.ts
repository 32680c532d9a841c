import { planPolicy } from '../../../src/policy/plan.ts';
import { policyAnnotations, policyLabels } from '../../../src/workloads/labels.ts';
import { testSettings } from '../../support/operator/images.ts';
import { rawPolicy, type Json } from '../../support/operator/policies.ts';
import { observedOf, rawCronJob, type World } from '../../support/operator/runs.ts';

const planOf = (world: World = {}, spec: Json = {}) =>
  planPolicy(observedOf({ policy: rawPolicy({ spec }), ...world }), [], testSettings);

const renamed = (name: string, owners: 'none' | 'ours' | 'other' = 'ours') => {
  const cronJob = rawCronJob();
  const { ownerReferences: _, ...metadata } = { ...cronJob.metadata, name, uid: `uid-of-${name}` };
  if (owners === 'none') return { ...cronJob, metadata };
  const ownerReferences =
    owners === 'ours'
      ? cronJob.metadata.ownerReferences
      : [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'a', uid: 'b' }];
  return { ...cronJob, metadata: { ...metadata, ...(ownerReferences === undefined ? {} : { ownerReferences }) } };
};

test('nothing there: a claim and three CronJobs are to be made', () => {
  const { claim, cronJobs, remove } = planOf({ cronJobs: [] });
  expect(claim).toMatchObject({ desired: { metadata: { name: 'agama-holdfast' } }, observed: undefined });
  expect(cronJobs.map(({ desired, observed }) => [desired.metadata.name, observed])).toEqual([
    ['agama-local-copy', undefined],
    ['agama-full', undefined],
    ['agama-incremental', undefined],
  ]);
  expect(remove).toEqual([]);
});

test('what is there is compared with, and nothing is removed', () => {
  const { cronJobs, remove } = planOf();
  expect(cronJobs.map(({ observed }) => observed?.metadata.name)).toEqual([
    'agama-local-copy',
    'agama-full',
    'agama-incremental',
  ]);
  expect(remove).toEqual([]);
});

test.each([
  {
    world: {},
    spec: { schedule: { incremental: undefined } },
    removed: ['agama-incremental'],
    reason: 'no longer asked for',
  },
  {
    world: {
      cronJobs: (['LocalCopy', 'Full', 'Incremental'] as const).map((kind) => rawCronJob({ kind, policyUid: 'old' })),
    },
    spec: {},
    removed: ['agama-local-copy', 'agama-full', 'agama-incremental'],
    reason: 'left by an earlier policy of this name',
  },
  {
    world: { cronJobs: [renamed('agama-other')] },
    spec: {},
    removed: ['agama-other'],
    reason: 'made by an earlier version',
  },
  {
    world: { cronJobs: [renamed('agama-incremental', 'none')] },
    spec: { schedule: { incremental: undefined } },
    removed: ['agama-incremental'],
    reason: 'orphaned, and no longer asked for',
  },
  {
    world: { cronJobs: [renamed('agama-full', 'none')] },
    spec: {},
    removed: [],
    reason: 'orphaned, and asked for: it is taken over',
  },
  {
    world: { cronJobs: [renamed('a-copy-that-somebody-made', 'none')] },
    spec: {},
    removed: [],
    reason: 'a copy with our labels that has no owner is somebody else’s',
  },
  {
    world: { cronJobs: [renamed('agama-incremental', 'other')] },
    spec: { schedule: { incremental: undefined } },
    removed: [],
    reason: 'it has another owner',
  },
])('CronJobs that go: $reason', ({ world, spec, removed }) => {
  expect(planOf(world, spec).remove.map(({ name }) => name)).toEqual(removed);
});

test('a CronJob of an earlier policy is not taken for this one’s', () => {
  const { cronJobs } = planOf({ cronJobs: [rawCronJob({ policyUid: 'old' })] });
  expect(cronJobs.map(({ observed }) => observed)).toEqual([undefined, undefined, undefined]);
});

test('a stalled policy is left as it was last applied', () => {
  const problem = { reason: 'FieldNotAvailable', message: '' } as const;
  const nothing = { claim: undefined, cronJobs: [], remove: [] };
  expect(planPolicy(observedOf(), [problem], testSettings)).toEqual(nothing);
  const unreadable = observedOf({ policy: rawPolicy({ spec: { source: { mysql: { port: 'many' } } } }) });
  expect(planPolicy(unreadable, [], testSettings)).toEqual(nothing);
});

test('the claim is found by its name, not by its labels alone', () => {
  const claim = (name: string) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'shop', labels: policyLabels('agama'), annotations: policyAnnotations('agama') },
    spec: {},
  });
  expect(planOf({ claims: [claim('a-copy'), claim('agama-holdfast')] }).claim?.observed?.metadata.name).toBe(
    'agama-holdfast',
  );
  expect(planOf({ claims: [claim('a-copy')] }).claim?.observed).toBeUndefined();
});
