import * as fc from 'fast-check';
import type { BackupPolicyStatus, LastRun } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { pruneTask, type PruneTask } from '../../../src/api/v1alpha1/task.ts';
import { planPrune } from '../../../src/policy/prune.ts';
import { retentionRule } from '../../../src/policy/retention.ts';
import { policyView } from '../../../src/policy/views.ts';
import { acceptShrinkAnnotation } from '../../../src/workloads/labels.ts';
import { testSettings } from '../../support/operator/images.ts';
import { placeOfSpec, rawPolicy, type Json } from '../../support/operator/policies.ts';
import { later, now, observedOf, pointsOf, rawJob, retentionOf } from '../../support/operator/runs.ts';

const asked = { retention: { keepFor: '4w' } };
const { full, localCopy } = pointsOf('agama-full-1', '2026-11-22T02:00:00Z');
const copy = { ...localCopy, jobName: 'agama-local-copy-1' };

const policyOf = (spec: Json = asked, annotations: Record<string, string> = {}) => {
  const raw = rawPolicy({ spec });
  return { ...raw, metadata: { ...raw.metadata, annotations } };
};
const ruleOf = (spec: Json = asked, accepted?: string): string => {
  const read = policyView(policyOf(spec)).spec;
  if (read === undefined) throw new Error('unreadable');
  return retentionRule(read, accepted);
};
const pruned = (changes: Partial<BackupPolicyStatus['retention']> = {}) => ({
  ...retentionOf({ rule: ruleOf(), fullTime: full.setTime, nextDue: '2026-11-29T00:00:00Z' }),
  lastPruneTime: '2026-11-22T02:10:00Z',
  ...changes,
});

interface Given {
  spec?: Json;
  annotations?: Record<string, string>;
  status?: BackupPolicyStatus;
  jobs?: ReturnType<typeof rawJob>[];
  at?: Date;
  problems?: boolean;
}
const plan = ({ spec, annotations, status = {}, jobs = [], at = now, problems = false }: Given = {}) =>
  planPrune({
    observed: observedOf({ policy: policyOf(spec, annotations), jobs }),
    status: { storedIn: placeOfSpec(spec), lastFull: full, ...status },
    problems: problems ? [{ reason: 'NameTaken', message: 'x' }] : [],
    settings: testSettings,
    now: at,
  });
const nameOf = (given?: Given): string => plan(given).create?.metadata.name ?? 'none';
const taskOf = (given?: Given): PruneTask => {
  const env = plan(given).create?.spec?.template.spec?.containers[0]?.env ?? [];
  return pruneTask.parse(JSON.parse(env.find(({ name }) => name === 'HOLDFAST_TASK')?.value ?? ''));
};
const lastPrune = (jobName: string, outcome: LastRun['outcome'], completionTime: string): LastRun[] => [
  { kind: 'Prune', jobName, outcome, completionTime, ...(outcome === 'Succeeded' ? {} : { reason: 'RemovalRefused' }) },
];
const first = nameOf();
const second = first.replace(/-0$/, '-1');

describe('a Job is made', () => {
  test.each<Given & { reason: string }>([
    { reason: 'after the first full' },
    { reason: 'after another full', status: { retention: pruned({ fullTime: '2026-11-15T02:00:00Z' }) } },
    { reason: 'when another rule is asked', status: { retention: pruned({ rule: 'other' }) } },
    { reason: 'when a chain comes due', status: { retention: pruned({ nextDue: later(now.toISOString(), 0) }) } },
    {
      reason: 'when a loss was accepted',
      annotations: { [acceptShrinkAnnotation]: copy.dataTime },
      status: { retention: pruned(), lastLocalCopy: { ...copy, shrunk: '1 rows' } },
    },
    {
      reason: 'first of all to find out whether the source looks emptied',
      status: { lastLocalCopy: { ...copy, shrunk: '1 rows' } },
    },
    {
      reason: 'a day and an hour after the fifth failure',
      status: { lastRuns: lastPrune(first.replace(/0$/, '4'), 'Failed', later(now.toISOString(), -25 * 3600)) },
    },
  ])('$reason', (given) => {
    expect(nameOf(given)).toMatch(/^agama-prune-[0-9a-f]{8}-\d$/);
  });

  test.each<Given & { reason: string; wakeAt?: string | undefined }>([
    { reason: 'without retention', spec: {} },
    { reason: 'before there is a full', status: { lastFull: undefined } },
    { reason: 'of a suspended policy', spec: { ...asked, suspend: true } },
    { reason: 'of a stalled policy', problems: true },
    {
      reason: 'when all is pruned, until the next comes due',
      status: { retention: pruned() },
      wakeAt: '2026-11-29T00:00:00.000Z',
    },
    { reason: 'when that takes another full', status: { retention: pruned({ nextDue: undefined }) } },
    {
      reason: 'while the source looks emptied',
      status: {
        retention: pruned({ fullTime: 'x', lastPruneTime: '2026-11-20T00:00:00Z' }),
        lastLocalCopy: { ...copy, shrunk: '1 rows' },
      },
    },
    {
      reason: 'beside a running backup',
      status: { retention: pruned({ fullTime: '2026-11-15T02:00:00Z' }) },
      jobs: [rawJob({ kind: 'LocalCopy' }, 'active')],
      wakeAt: later(full.completionTime, 86_400),
    },
    {
      reason: 'beside itself',
      status: { retention: pruned({ fullTime: '2026-11-15T02:00:00Z' }) },
      jobs: [rawJob({ kind: 'Prune', jobName: 'agama-prune-0-7' }, 'active')],
      wakeAt: later(full.completionTime, 86_400),
    },
    {
      reason: 'twice: it has ended, and status does not know',
      status: { retention: pruned({ fullTime: '2026-11-15T02:00:00Z' }) },
      jobs: [rawJob({ kind: 'Prune', jobName: first })],
      wakeAt: later(full.completionTime, 86_400),
    },
    {
      reason: 'a minute after a failure',
      status: { lastRuns: lastPrune(first, 'Failed', later(now.toISOString(), -60)) },
      wakeAt: later(now.toISOString(), 14 * 60),
    },
    {
      reason: 'a minute after a success that left it due',
      status: { lastRuns: lastPrune(first, 'Succeeded', later(now.toISOString(), -60)) },
      wakeAt: later(now.toISOString(), 14 * 60),
    },
  ])('not $reason', ({ wakeAt, ...given }) => {
    const { create, wakeAt: at } = plan(given);
    expect(create).toBeUndefined();
    expect(at?.getTime()).toBe(wakeAt === undefined ? undefined : Date.parse(wakeAt));
  });
});

test('the name follows from the cause, and from nothing else', () => {
  const at = new Date(now.getTime() + 3_600_000);
  expect(nameOf({ at })).toBe(first);
  expect(nameOf({ status: { retention: pruned({ rule: 'other' }) } })).toBe(first);
  const others = [
    { spec: { retention: { keepFor: '5w' } } },
    { status: { lastFull: { ...full, setTime: '2026-11-22T03:00:00Z' } } },
    { status: { retention: pruned({ nextDue: '2026-11-22T00:00:00Z' }) } },
    { status: { retention: pruned({ nextDue: '2026-11-22T00:00:01Z' }) } },
  ].map(nameOf);
  expect(new Set([first, ...others]).size).toBe(5);
});

test('the next attempt has the next number, also when the rule was changed and changed back', () => {
  const failed = lastPrune(first, 'Failed', later(now.toISOString(), -3600));
  expect(nameOf({ status: { lastRuns: failed } })).toBe(second);
  // The first Job of this rule is still there; the newest that status tells of had another.
  const other = lastPrune('agama-prune-12345678-0', 'Succeeded', later(now.toISOString(), -3600));
  const jobs = [rawJob({ kind: 'Prune', jobName: first, time: later(now.toISOString(), -7200) })];
  expect(nameOf({ status: { lastRuns: other }, jobs })).toBe(second);
});

test('waits grow to a day and no longer, whatever the number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999 }), (attempt) => {
      const jobName = first.replace(/0$/, String(attempt));
      const status = { lastRuns: lastPrune(jobName, 'Failed', now.toISOString()) };
      const { wakeAt } = plan({ status });
      const wait = (wakeAt?.getTime() ?? 0) - now.getTime();
      expect(wait).toBe(Math.min(86_400_000, 900_000 * 4 ** Math.min(attempt, 9)));
    }),
  );
});

test('the Job asks for what the policy asks, and says what it is judged by', () => {
  const annotations = { [acceptShrinkAnnotation]: copy.dataTime };
  expect(taskOf({ annotations })).toMatchObject({
    kind: 'Prune',
    retention: { keepFor: '4w', freezeOnShrink: 50 },
    timeZone: 'Europe/Tallinn',
    asOf: '2026-11-22T12:00:00Z',
    protect: [],
    acceptShrink: copy.dataTime,
    rule: ruleOf(asked, copy.dataTime),
    fullTime: full.setTime,
    policy: { namespace: 'shop', name: 'agama' },
    deadlineSeconds: 3600,
  });
  for (const nonsense of ['yes', '2026-13-01T00:00:00Z', '2026-11-22', '']) {
    expect(taskOf({ annotations: { [acceptShrinkAnnotation]: nonsense } })).not.toHaveProperty('acceptShrink');
  }
  const { create } = plan();
  expect(create).toMatchObject({
    metadata: {
      namespace: 'shop',
      labels: { 'holdfast.dev/run': 'Prune' },
      annotations: { 'holdfast.dev/policy': 'agama' },
      ownerReferences: [{ kind: 'BackupPolicy', name: 'agama', uid: 'policy-uid', controller: true }],
    },
    spec: { backoffLimit: 0, activeDeadlineSeconds: 4500 },
  });
  // Neither a passphrase nor a key of the encryption is needed to remove what is stored.
  const volumes = create?.spec?.template.spec?.volumes?.map(({ name }) => name);
  expect(volumes).toEqual(['claim', 'scratch-prune', 'secret-repository']);
});

test('the chain that was last restored and found equal stays, and that of the older set that was proven with it', () => {
  const set = { type: 'Full', setTime: full.setTime, dataTime: full.dataTime, setDigest: full.setDigest } as const;
  const passed = { outcome: 'Passed', evidence: 'tested' } as const;
  const lastVerified = {
    time: full.completionTime,
    jobName: 'agama-verify-1',
    checks: { created: passed, readable: passed, complete: passed, restorable: passed },
    set: { ...set, chain: 'chain-20261101T000000Z' },
  };
  const protectedBy = (verified: BackupPolicyStatus['lastVerified']) =>
    taskOf({ status: { lastVerified: verified } }).protect;
  expect(protectedBy(undefined)).toEqual([]);
  expect(protectedBy(lastVerified)).toEqual(['chain-20261101T000000Z']);
  const older = { ...set, chain: 'chain-20261004T000000Z' };
  expect(protectedBy({ ...lastVerified, older })).toEqual(['chain-20261101T000000Z', 'chain-20261004T000000Z']);
  expect(protectedBy({ ...lastVerified, older: lastVerified.set })).toEqual(['chain-20261101T000000Z']);
});

test('names of long policies fit, and two of them stay two', () => {
  const long = `${'a'.repeat(250)}1`;
  const named = (name: string) =>
    planPrune({
      observed: observedOf({ policy: rawPolicy({ name, spec: asked }) }),
      status: { storedIn: placeOfSpec(), lastFull: full },
      problems: [],
      settings: testSettings,
      now,
    }).create?.metadata.name ?? '';
  expect(named(long).length).toBeLessThanOrEqual(63);
  expect(named(long)).not.toBe(named(`${'a'.repeat(250)}2`));
});

test('three ended Jobs stay; older ones go once their results are in status', () => {
  const ended = [1, 2, 3, 4, 5].map((number) =>
    rawJob({ kind: 'Prune', jobName: `agama-prune-0000000${number}-0`, time: `2026-11-1${number}T00:00:00Z` }),
  );
  const removed = (time: string, jobs = ended) =>
    plan({
      jobs,
      status: { retention: pruned(), lastRuns: lastPrune('agama-prune-00000005-0', 'Succeeded', time) },
    }).remove.map(({ name }) => name);
  expect(removed('2026-11-15T00:00:00Z')).toEqual(['agama-prune-00000002-0', 'agama-prune-00000001-0']);
  expect(removed('2026-11-11T12:00:00Z')).toEqual(['agama-prune-00000001-0']);
  expect(removed('2026-11-15T00:00:00Z', [...ended, rawJob({ kind: 'Full' }, 'Complete')])).toHaveLength(2);
  const foreign = ended.map((job) => ({ ...job, metadata: { ...job.metadata, ownerReferences: [] } }));
  expect(removed('2026-11-15T00:00:00Z', foreign)).toEqual([]);
});
