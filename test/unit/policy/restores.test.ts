import type { LastRestore } from '../../../src/api/v1alpha1/backuppolicy.ts';
import type { PolicyOutcome, RestoreRequestStatus } from '../../../src/api/v1alpha1/restorerequest.ts';
import { lastRestoreOf, measuredRestores } from '../../../src/policy/restores.ts';
import { requestView } from '../../../src/restore/views.ts';
import { rawRequest } from '../../support/operator/restores.ts';

const outcome: PolicyOutcome = {
  policy: 'agama',
  jobName: 'job',
  outcome: 'Completed',
  state: 'Replaced',
  proof: 'Equal',
  measuredSeconds: 17,
  sourceBytes: 8192,
};
const requestOf = (name: string, status: RestoreRequestStatus) => requestView(rawRequest({ name, status }));
const finished = (name: string, completionTime: string, changes: Partial<PolicyOutcome> = {}) =>
  requestOf(name, { phase: 'Completed', completionTime, policies: [{ ...outcome, ...changes }] });
const before: LastRestore = { request: 'before', completionTime: '2026-11-10T00:00:00Z', outcome: 'Failed' };

test.each<{ reason: string; requests: ReturnType<typeof requestOf>[]; request: string }>([
  { reason: 'no request is there any more', requests: [], request: 'before' },
  { reason: 'a newer one is finished', requests: [finished('newer', '2026-11-11T00:00:00Z')], request: 'newer' },
  { reason: 'an older one is still there', requests: [finished('older', '2026-11-09T00:00:00Z')], request: 'before' },
  {
    reason: 'a newer one is under way',
    requests: [requestOf('running', { phase: 'Restoring', policies: [outcome] })],
    request: 'before',
  },
  {
    reason: 'a newer one is of other policies',
    requests: [finished('other', '2026-11-11T00:00:00Z', { policy: 'telegraf' })],
    request: 'before',
  },
])('the newest restore is remembered: $reason', ({ requests, request }) => {
  expect(lastRestoreOf(before, requests, 'agama')?.request).toBe(request);
});

test.each<{ reason: string; changes: Partial<PolicyOutcome>; counts: boolean }>([
  { reason: 'all was loaded and compared', changes: {}, counts: true },
  { reason: 'files were fetched and nothing loaded', changes: { proof: 'FilesWhole' }, counts: false },
  { reason: 'not all of it was proven', changes: { proof: 'PartlyUnknown' }, counts: false },
  { reason: 'it failed', changes: { outcome: 'Failed' }, counts: false },
])('how long a restore takes is told by one that restored: $reason', ({ changes, counts }) => {
  const last = lastRestoreOf(undefined, [finished('one', '2026-11-11T00:00:00Z', changes)], 'agama');
  const measured = { seconds: 17, sourceBytes: 8192, time: '2026-11-11T00:00:00Z', jobName: 'job' };
  expect(measuredRestores({ lastRestore: last, storedIn: undefined })).toEqual(counts ? [measured] : []);
});
