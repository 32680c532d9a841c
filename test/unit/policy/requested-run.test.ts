import * as fc from 'fast-check';
import type { LastRequestedRun } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { backupPolicyStatus } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { planRequest } from '../../../src/policy/requested-run.ts';
import { stateConditions } from '../../../src/policy/conditions.ts';
import { readRuns } from '../../../src/policy/run-reports.ts';
import { jobView } from '../../../src/policy/views.ts';
import { runCronJob } from '../../../src/workloads/cronjob.ts';
import { requestAnnotation } from '../../../src/workloads/labels.ts';
import { evidenceOf } from '../../support/operator/evidence.ts';
import { testSettings } from '../../support/operator/images.ts';
import { rawPolicy, type Json } from '../../support/operator/policies.ts';
import { now, observedOf, rawCronJob } from '../../support/operator/runs.ts';
import { policyView } from '../../../src/policy/views.ts';
import type { KubeObject } from '../../../src/kube/types.ts';

const specOf = (spec: Json = {}) => {
  const { metadata, spec: read } = policyView(rawPolicy({ spec }));
  if (read === undefined) throw new Error('the spec cannot be read');
  return { metadata, spec: read };
};

/** The CronJob of a kind as it was applied. */
const cronJobOf = (kind: 'LocalCopy' | 'Full' | 'Incremental', spec: Json = {}): KubeObject => {
  const raw = rawCronJob({ kind });
  const desired = runCronJob(specOf(spec), kind, testSettings);
  return { ...raw, spec: desired?.spec };
};

interface Given {
  value?: string | undefined;
  known?: LastRequestedRun;
  spec?: Json;
  cronJobs?: KubeObject[];
  name?: string;
  uid?: string;
}
const observed = ({ value, known, spec = {}, cronJobs, name = 'agama', uid = 'policy-uid' }: Given) => {
  const raw = rawPolicy({ name, uid, spec, status: known === undefined ? {} : { lastRequestedRun: known } });
  const annotations = value === undefined ? {} : { [requestAnnotation]: value };
  const kinds = ['LocalCopy', 'Full', 'Incremental'] as const;
  return observedOf({
    policy: { ...raw, metadata: { ...raw.metadata, annotations } },
    cronJobs: cronJobs ?? kinds.map((kind) => cronJobOf(kind, spec)),
  });
};
const plan = (given: Given) => planRequest(observed(given));

test.each([
  { value: 'full@1', name: /^agama-full-run-[0-9a-f]{12}$/ },
  { value: 'Full@1', name: /^agama-full-run-/ },
  { value: 'FULL@2026-11-24T10:00:00Z', name: /^agama-full-run-/ },
  { value: 'local-copy@a.b_c:d+e', name: /^agama-local-copy-run-/ },
  { value: 'LocalCopy@1', name: /^agama-local-copy-run-/ },
  { value: 'localcopy@1', name: /^agama-local-copy-run-/ },
  { value: 'incremental@1', name: /^agama-incremental-run-/ },
])('$value starts a run, as kubectl create job --from would', ({ value, name }) => {
  const { create, request } = plan({ value });
  expect(create?.job.metadata.name).toMatch(name);
  expect(request).toEqual({ value, jobName: create?.job.metadata.name });
  const [, kind = ''] = /^agama-(.*)-run-/.exec(create?.job.metadata.name ?? '') ?? [];
  const cronJob = cronJobOf(kind === 'full' ? 'Full' : kind === 'incremental' ? 'Incremental' : 'LocalCopy');
  const { jobTemplate } = (cronJob['spec'] ?? {}) as { jobTemplate: { spec: unknown; metadata: { labels: unknown } } };
  expect(create).toMatchObject({
    ownerUid: cronJob.metadata.uid,
    job: {
      metadata: {
        namespace: 'shop',
        labels: jobTemplate.metadata.labels,
        annotations: { 'holdfast.dev/policy': 'agama', 'cronjob.kubernetes.io/instantiate': 'manual' },
        ownerReferences: [
          { kind: 'CronJob', name: cronJob.metadata.name, uid: cronJob.metadata.uid, controller: true },
        ],
      },
      spec: jobTemplate.spec,
    },
  });
  // It would ask for a right on the CronJob's finalizers.
  expect(create?.job.metadata.ownerReferences?.[0]).not.toHaveProperty('blockOwnerDeletion');
});

test('it counts like a scheduled run', () => {
  const { create } = plan({ value: 'full@1' });
  const raw = { ...create?.job, status: {} } as unknown as KubeObject;
  const { kind, cronJobUids, policyKey } = jobView({ ...raw, metadata: { ...raw.metadata, uid: 'u' } });
  expect({ kind, policyKey }).toEqual({ kind: 'Full', policyKey: 'shop/agama' });
  expect(cronJobUids).toEqual([cronJobOf('Full').metadata.uid]);
  const ended = {
    ...raw,
    status: { conditions: [{ type: 'Failed', status: 'True', lastTransitionTime: '2026-11-20T00:00:00Z' }] },
  };
  expect(readRuns({ ...observed({}), jobs: [jobView(ended)] }, now).reports).toMatchObject([{ kind: 'Full' }]);
});

test('once a value: the same again makes nothing, and an interrupted one makes the same', () => {
  const first = plan({ value: 'full@1' });
  expect(plan({ value: 'full@1' })).toEqual(first);
  expect(plan({ value: 'full@1', known: first.request ?? { value: '' } })).toEqual({
    create: undefined,
    request: first.request,
  });
  const names = [
    first,
    plan({ value: 'full@2' }),
    plan({ value: 'Full@1' }),
    plan({ value: 'incremental@1' }),
    plan({ value: 'full@1', uid: 'another', cronJobs: [] }),
  ].map(({ create }) => create?.job.metadata.name);
  expect(new Set(names).size).toBe(5);
});

test('a policy that was made again under the same name has other names', () => {
  const mine = rawCronJob({ kind: 'Full', policyUid: 'another' });
  const cronJobs = [{ ...cronJobOf('Full'), metadata: mine.metadata }];
  const name = plan({ value: 'full@1', uid: 'another', cronJobs }).create?.job.metadata.name;
  expect(name).toMatch(/^agama-full-run-/);
  expect(name).not.toBe(plan({ value: 'full@1' }).create?.job.metadata.name);
});

test('without the annotation nothing is asked for, and what was remembered stays', () => {
  const known = { value: 'full@1', jobName: 'agama-full-run-0' };
  expect(plan({ known })).toEqual({ create: undefined, request: known });
  expect(plan({})).toEqual({ create: undefined, request: undefined });
});

test('a suspended policy runs it: a person asks', () => {
  expect(plan({ value: 'full@1', spec: { suspend: true } }).create).toBeDefined();
});

describe('what cannot be started', () => {
  test.each([
    { value: '', reason: 'empty' },
    { value: 'full', reason: 'nothing that tells it from the last' },
    { value: 'full@', reason: 'nothing after it' },
    { value: '@1', reason: 'no kind' },
    { value: 'prune@1', reason: 'what the operator starts itself' },
    { value: 'full@1 ', reason: 'a blank' },
    { value: 'full@$(reboot)', reason: 'a shell' },
    { value: 'full@1\nincremental@2', reason: 'two lines' },
    { value: `full@${'1'.repeat(65)}`, reason: 'too long' },
    { value: '__proto__@1', reason: 'a name of the language' },
    { value: 'constructor@1', reason: 'another' },
  ])('is not understood, and says what is: $reason', ({ value }) => {
    const { create, request } = plan({ value });
    expect(create).toBeUndefined();
    expect(request).toMatchObject({ value, problem: expect.stringContaining('local-copy, full, incremental, verify') });
    // Once.
    expect(plan({ value, known: request ?? { value: 'x' } })).toEqual({ create: undefined, request });
  });

  test.each([
    { value: 'verify@1', cronJobs: undefined, words: 'no CronJob agama-verify: set spec.schedule.verify' },
    {
      value: 'full@1',
      cronJobs: [{ ...cronJobOf('Full'), metadata: rawCronJob({ kind: 'Full', policyUid: 'foreign' }).metadata }],
      words: 'no CronJob agama-full',
    },
    { value: 'full@1', cronJobs: [rawCronJob({ kind: 'Full' })], words: 'no CronJob agama-full' },
  ])('has no CronJob: $value, $words', ({ value, cronJobs, words }) => {
    const { create, request } = plan({ value, ...(cronJobs && { cronJobs }) });
    expect(create).toBeUndefined();
    expect(request?.problem).toContain(words);
  });

  test('is in the message of Ready, which stays True', () => {
    const [ready] = stateConditions(evidenceOf({ requestProblem: 'write something else.' })).filter(
      ({ type }) => type === 'Ready',
    );
    expect(ready).toMatchObject({ status: 'True', message: expect.stringContaining('write something else.') });
  });
});

test('whatever is written: no throw, a name that fits, a status that the API server takes', () => {
  const kind = fc.constantFrom('full', 'LocalCopy', 'local-copy', 'incremental', 'verify', 'prune', '');
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.tuple(kind, fc.string({ maxLength: 70 })).map((parts) => parts.join('@')),
  );
  const names = fc.constantFrom('agama', 'a'.repeat(253), `${'a'.repeat(30)}.${'b'.repeat(40)}`);
  fc.assert(
    fc.property(value, names, (written, name) => {
      const cronJobs = (['LocalCopy', 'Full'] as const).map((each) => {
        const { metadata } = rawCronJob({ kind: each, policy: name });
        return { ...cronJobOf(each), metadata };
      });
      const { create, request } = plan({ value: written, name, cronJobs });
      expect(backupPolicyStatus.safeParse({ lastRequestedRun: request }).error).toBeUndefined();
      expect(create?.job.metadata.name ?? 'none').toMatch(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/);
    }),
    { numRuns: 500 },
  );
});
