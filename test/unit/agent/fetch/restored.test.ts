import { judgeDataTime, judgeRestored, judgeUnrecorded, type Restored } from '../../../../src/agent/fetch/restored.ts';
import type { LedgerSet } from '../../../../src/agent/ledger.ts';
import { contentOf } from '../../../../src/agent/ship/content.ts';
import { RunError } from '../../../../src/errors/run-error.ts';

const digest = (letter: string): string => letter.repeat(64);
const facts = { name: 'facts.json', size: 2, sha256: digest('f') };
const dump = { name: 'dump.sql', size: 9, sha256: digest('d') };
const stored = [dump, facts];
const set: LedgerSet = {
  type: 'Full',
  setTime: '2026-11-22T01:05:01Z',
  dataTime: '2026-11-22T01:00:03Z',
  completionTime: '2026-11-22T01:06:00Z',
  durationSeconds: 1,
  sizeBytes: 1,
  sentBytes: 1,
  jobName: 'j',
  setDigest: digest('a'),
  factsDigest: facts.sha256,
  copy: 'c',
  files: [],
  content: contentOf(stored),
};

const judged = (restored: Restored, of: LedgerSet = set): string => {
  try {
    judgeRestored(restored, of, undefined);
    return 'whole';
  } catch (error) {
    if (error instanceof RunError) return `${error.reason}: ${error.detail}`;
    throw error;
  }
};

// The local copy is gone, as it is for most sets: what was recorded of the set is the only witness.
test.each<{ reason: string; restored: Restored; of?: LedgerSet; says: string }>([
  { reason: 'all is there', restored: { files: stored, odd: [] }, says: 'whole' },
  { reason: 'in another order', restored: { files: stored.toReversed(), odd: [] }, says: 'whole' },
  {
    reason: 'a file is another',
    restored: { files: [{ ...dump, sha256: digest('e') }, facts], odd: [] },
    says: 'BackupDamaged: The files are not those that were stored: their digests are others than recorded.',
  },
  {
    reason: 'the facts are others',
    restored: { files: [dump, { ...facts, sha256: digest('e') }], odd: [] },
    says: 'BackupDamaged: facts.json has another SHA-256 than recorded.',
  },
  {
    reason: 'the facts are as stored, and others than recorded of the set',
    restored: { files: stored, odd: [] },
    of: { ...set, factsDigest: digest('e') },
    says: 'BackupDamaged: facts.json has another SHA-256 than recorded.',
  },
  {
    reason: 'the facts are missing',
    restored: { files: [dump], odd: [] },
    says: 'BackupDamaged: facts.json is missing; 1 of 2 files came out.',
  },
  {
    reason: 'a file is missing',
    restored: { files: [facts], odd: [] },
    says: 'BackupDamaged: 1 of 2 files came out.',
  },
  {
    reason: 'a link among the files',
    restored: { files: stored, odd: ['dump.link'] },
    says: 'BackupDamaged: dump.link is not a plain file.',
  },
])('$reason', ({ restored, of, says }) => {
  expect(judged(restored, of)).toBe(says);
});

test('nothing was recorded: that is not success', () => {
  const { content: _content, ...without } = set;
  expect(judged({ files: stored, odd: [] }, without)).toMatch(/^FactsUnknown: /);
});

const thrownBy = (work: () => void): string => {
  try {
    work();
    return 'whole';
  } catch (error) {
    if (error instanceof RunError) return `${error.reason}: ${error.detail}`;
    throw error;
  }
};

test.each<{ reason: string; restored: Restored; says: string }>([
  { reason: 'plain files with facts', restored: { files: stored, odd: [] }, says: 'whole' },
  { reason: 'no facts', restored: { files: [dump], odd: [] }, says: 'BackupDamaged: facts.json is missing.' },
  { reason: 'nothing', restored: { files: [], odd: [] }, says: 'BackupDamaged: facts.json is missing.' },
  { reason: 'a link', restored: { files: stored, odd: ['l'] }, says: 'BackupDamaged: l is not a plain file.' },
])('of a set that no ledger records: $reason', ({ restored, says }) => {
  expect(thrownBy(() => judgeUnrecorded(restored))).toBe(says);
});

const chain = { repository: 'r', directory: 'chain-20261122T010000Z', encryption: 'none', sets: [set] };
const { dataTime, setTime } = set;
const unrecorded = {
  type: 'Full',
  setTime,
  dataTime: setTime,
  chain: chain.directory,
  setDigest: digest('a'),
} as const;
test.each<{ reason: string; recorded: boolean; said: string | undefined; whole: boolean }>([
  { reason: 'recorded: the very time', recorded: true, said: dataTime, whole: true },
  { reason: 'recorded: a second off', recorded: true, said: '2026-11-22T01:00:04Z', whole: false },
  { reason: 'recorded: none', recorded: true, said: undefined, whole: true },
  { reason: 'not recorded: older than the set', recorded: false, said: '2026-11-20T01:00:00Z', whole: true },
  { reason: 'not recorded: within its second', recorded: false, said: '2026-11-22T01:05:01.900Z', whole: true },
  { reason: 'not recorded: younger than the set', recorded: false, said: '2026-11-22T01:05:02Z', whole: false },
  { reason: 'not recorded: no time', recorded: false, said: undefined, whole: true },
])('the time that the facts name, $reason', ({ recorded, said, whole }) => {
  const choice = recorded
    ? { chain, set }
    : { chain, set: { ...set, dataTime: setTime }, unrecorded: { ...unrecorded, unrecorded: true as const } };
  const words = thrownBy(() => judgeDataTime(choice, said));
  expect(words).toMatch(whole ? /^whole$/ : /^BackupDamaged: facts\.json is of/);
});
