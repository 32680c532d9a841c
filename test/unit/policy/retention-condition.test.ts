import type { BackupPolicyStatus, LastRun } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { catalogue } from '../../../src/errors/catalogue.ts';
import { retentionKept } from '../../../src/policy/retention-condition.ts';
import { retentionRule } from '../../../src/policy/retention.ts';
import type { History } from '../../../src/policy/history.ts';
import { policyView } from '../../../src/policy/views.ts';
import { rawPolicy, type Json } from '../../support/operator/policies.ts';
import { later, now, pointsOf, retentionOf } from '../../support/operator/runs.ts';

const asked = { retention: { keepFor: '4w' } };
const specOf = (spec: Json) => {
  const read = policyView(rawPolicy({ spec })).spec;
  if (read === undefined) throw new Error('unreadable');
  return read;
};
const { full, localCopy } = pointsOf('agama-full-1', '2026-11-22T02:00:00Z');
const rule = retentionRule(specOf(asked), undefined);
const pruned = (changes: Partial<BackupPolicyStatus['retention']> = {}) => ({
  ...retentionOf({ rule, fullTime: full.setTime, nextDue: '2026-11-29T00:00:00Z' }),
  lastPruneTime: '2026-11-22T02:10:00Z',
  ...changes,
});
const run = (outcome: LastRun['outcome']): LastRun => ({
  kind: 'Prune',
  jobName: 'agama-prune-1-0',
  completionTime: '2026-11-22T02:20:00Z',
  outcome,
  ...(outcome === 'Succeeded' ? {} : { reason: 'RemovalRefused' }),
});
const shrunk = { ...localCopy, shrunk: '12 rows instead of the 120000 of 2026-11-21T23:00:03Z' };

interface Given {
  spec?: Json;
  history?: History;
  acceptShrink?: string;
  at?: string;
}
const judge = ({ spec = asked, history = {}, acceptShrink, at }: Given) =>
  retentionKept({
    name: 'agama',
    spec: specOf(spec),
    history: { lastFull: full, ...history },
    acceptShrink,
    now: at === undefined ? now : new Date(at),
  });

test.each<Given & { reason: string; status: string; code: string; says: string }>([
  { reason: 'no full yet', history: { lastFull: undefined }, status: 'Unknown', code: 'NoChainYet', says: 'No full' },
  { reason: 'never pruned', status: 'Unknown', code: 'NotPruned', says: 'keepFor 4w' },
  {
    reason: 'pruned by another rule',
    history: { retention: pruned({ rule: 'other' }) },
    status: 'Unknown',
    code: 'NotPruned',
    says: 'not judged yet',
  },
  {
    reason: 'pruned',
    history: { retention: pruned() },
    status: 'True',
    code: 'Listed',
    says: '4 chains are kept (keepFor 4w)',
  },
  {
    reason: 'a new full has a day to be pruned',
    history: { retention: pruned({ fullTime: '2026-11-15T02:00:00Z' }) },
    status: 'True',
    code: 'Listed',
    says: 'oldest state',
  },
  {
    reason: 'and no longer',
    history: { retention: pruned({ fullTime: '2026-11-15T02:00:00Z' }) },
    at: later(full.completionTime, 86_401),
    status: 'Unknown',
    code: 'Overdue',
    says: '2026-11-22T02:10:00Z',
  },
  {
    reason: 'likewise a chain that came due',
    history: { retention: pruned() },
    at: '2026-11-30T00:00:01Z',
    status: 'Unknown',
    code: 'Overdue',
    says: 'was due on 2026-11-29T00:00:00Z',
  },
  {
    reason: 'within its day',
    history: { retention: pruned() },
    at: '2026-11-29T23:00:00Z',
    status: 'True',
    code: 'Listed',
    says: 'comes due',
  },
  {
    reason: 'the newest prune failed, and another run since: what to do is said all the same',
    history: { retention: pruned(), lastRuns: [run('Failed')] },
    status: 'False',
    code: 'RemovalRefused',
    says: `agama-prune-1-0 failed: RemovalRefused. ${catalogue.RemovalRefused.next}`,
  },
  {
    reason: 'how it ended is not known',
    history: { retention: pruned(), lastRuns: [run('Unknown')] },
    status: 'Unknown',
    code: 'RemovalRefused',
    says: 'how is not known',
  },
  {
    reason: 'it succeeded',
    history: { retention: pruned(), lastRuns: [run('Succeeded')] },
    status: 'True',
    code: 'Listed',
    says: '4 chains',
  },
  {
    reason: 'something is left',
    history: { retention: pruned({ left: 'chain-20260101T000000Z: a chain that the ledger does not know' }) },
    status: 'False',
    code: 'LeftInRepository',
    says: 'remove it by hand',
  },
  {
    reason: 'the source looks emptied',
    history: { retention: pruned({ lastPruneTime: '2026-11-20T00:00:00Z' }), lastLocalCopy: shrunk },
    status: 'False',
    code: 'Frozen',
    says: `kubectl annotate backuppolicy agama --overwrite holdfast.dev/accept-shrink=${shrunk.dataTime}`,
  },
  {
    reason: 'and a word that is no time accepts nothing',
    history: { lastLocalCopy: shrunk },
    acceptShrink: 'yes',
    status: 'False',
    code: 'Frozen',
    says: 'is not a time',
  },
  {
    reason: 'a prune after that copy judged it itself',
    history: { retention: pruned({ lastPruneTime: later(shrunk.completionTime, 60) }), lastLocalCopy: shrunk },
    status: 'True',
    code: 'Listed',
    says: '4 chains',
  },
  {
    reason: 'another loss was accepted since',
    history: { retention: pruned() },
    acceptShrink: shrunk.dataTime,
    status: 'Unknown',
    code: 'NotPruned',
    says: 'not judged yet',
  },
])('$reason: $status', ({ status, code, says, ...given }) => {
  const statement = judge(given);
  expect(statement).toMatchObject({ type: 'RetentionKept', status, reason: code });
  expect(statement?.message).toContain(says);
});

test('without retention nothing is said', () => {
  expect(judge({ spec: {}, history: { retention: pruned(), lastLocalCopy: shrunk } })).toBeUndefined();
});
