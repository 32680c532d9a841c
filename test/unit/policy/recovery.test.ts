import * as fc from 'fast-check';
import { recovery as recoverySchema } from '../../../src/api/v1alpha1/recovery-points.ts';
import { stateConditions } from '../../../src/policy/conditions.ts';
import { nextHistory, type History } from '../../../src/policy/history.ts';
import { localCopiesOf, recoveryOf, reportOfRecovery } from '../../../src/policy/recovery.ts';
import { nothingNew } from '../../support/operator/runs.ts';
import { evidenceOf } from '../../support/operator/evidence.ts';

const copies = (name: string) => localCopiesOf({ count: 1, newest: [{ name, sizeBytes: 1 }] }, '2026-11-22T02:00:00Z');
const report = {
  checkedTime: '2026-11-22T02:00:00Z',
  earliest: '2026-11-01T00:00:00Z',
  offSite: '2026-11-21T00:00:00Z',
};

test.each([
  {
    local: copies('20261122T000000Z'),
    found: report,
    onSite: { dataTime: '2026-11-22T00:00:00Z', where: 'LocalCopy' },
    offSite: { dataTime: '2026-11-21T00:00:00Z' },
    reason: 'a local copy that was not shipped yet counts on site only',
  },
  {
    local: copies('20261121T000000Z'),
    found: report,
    onSite: { dataTime: '2026-11-21T00:00:00Z', where: 'LocalCopy' },
    offSite: { dataTime: '2026-11-21T00:00:00Z' },
    reason: 'of two of the same moment the nearer one',
  },
  {
    local: copies('20261120T000000Z'),
    found: report,
    onSite: { dataTime: '2026-11-21T00:00:00Z', where: 'Repository' },
    offSite: { dataTime: '2026-11-21T00:00:00Z' },
    reason: 'the newest may be in the repository alone',
  },
  {
    local: undefined,
    found: report,
    onSite: { dataTime: '2026-11-21T00:00:00Z', where: 'Repository' },
    offSite: { dataTime: '2026-11-21T00:00:00Z' },
    reason: 'no local copy',
  },
  {
    local: copies('20261122T000000Z'),
    found: { checkedTime: report.checkedTime },
    onSite: { dataTime: '2026-11-22T00:00:00Z', where: 'LocalCopy' },
    offSite: undefined,
    reason: 'every chain is damaged: nothing off site',
  },
  {
    local: copies('20261122T000000Z'),
    found: undefined,
    onSite: { dataTime: '2026-11-22T00:00:00Z', where: 'LocalCopy' },
    offSite: undefined,
    reason: 'nothing was shipped yet',
  },
])('$reason', ({ local, found, onSite, offSite }) => {
  const recovery = recoveryOf(local, found);
  expect(recovery?.onSite).toEqual(onSite);
  expect(recovery?.offSite).toEqual(offSite);
  expect(recoverySchema.strict().safeParse(recovery).error).toBeUndefined();
});

test('nothing known is nothing said', () => {
  expect(recoveryOf(undefined, undefined)).toBeUndefined();
});

const instant = fc
  .integer({ min: 0, max: 1000 })
  .map((hour) => new Date(Date.UTC(2026, 10, 1, hour)).toISOString().replace('.000', ''));
const reports = fc.record({
  checkedTime: instant,
  earliest: fc.option(instant, { nil: undefined }),
  offSite: fc.option(instant, { nil: undefined }),
});

test('what status keeps of a report is the report, and a local copy is never off site', () => {
  fc.assert(
    fc.property(reports, instant, (found, copy) => {
      const local = copies(copy.replaceAll(/[-:]/g, ''));
      const recovery = recoveryOf(local, found);
      expect(reportOfRecovery(recovery)).toEqual(JSON.parse(JSON.stringify(found)));
      expect(recovery?.offSite?.dataTime).toBe(found.offSite);
      const times = [copy, ...(found.offSite === undefined ? [] : [found.offSite])].toSorted();
      expect(recovery?.onSite?.dataTime).toBe(times.at(-1));
    }),
  );
});

const newestOf = (newest: object): Parameters<typeof nextHistory>[1] => ({
  reports: [],
  newest: { ...nothingNew, ...newest },
});

test('a newer listing takes back what an older one promised; an older one changes nothing', () => {
  const first = nextHistory({}, newestOf({ recoveries: [report] }));
  const damaged = { checkedTime: '2026-11-23T00:00:00Z' };
  const second = nextHistory(first, newestOf({ recoveries: [damaged] }));
  expect(second.recovery).toEqual(damaged);
  expect(nextHistory(second, newestOf({ recoveries: [report] }))).toEqual(second);
});

test('of two listings of the same second the one that found less counts', () => {
  const less = { checkedTime: report.checkedTime };
  for (const recoveries of [
    [report, less],
    [less, report],
  ]) {
    expect(nextHistory({}, newestOf({ recoveries })).recovery).toEqual(less);
  }
});

const wordsOf = (history: History): string => {
  const statements = stateConditions(evidenceOf({ history, now: new Date(0) }));
  return statements.find(({ type }) => type === 'Protected')?.message ?? '';
};

test.each([
  {
    history: { recovery: recoveryOf(copies('20261122T000000Z'), report) },
    words:
      'The newest whole backup in the repository holds the data of 2026-11-21T00:00:00Z. The newest local copy holds the data of 2026-11-22T00:00:00Z.',
    reason: 'both',
  },
  {
    history: { recovery: recoveryOf(copies('20261121T000000Z'), report) },
    words: 'The newest whole backup in the repository holds the data of 2026-11-21T00:00:00Z.',
    reason: 'the same moment is not told twice',
  },
  {
    history: { lastBackupTime: report.offSite, recovery: recoveryOf(undefined, { checkedTime: report.checkedTime }) },
    words: 'No backup in the repository is known to be whole.',
    reason: 'what is damaged is no comfort',
  },
  {
    history: { recovery: recoveryOf(copies('20261122T000000Z'), undefined) },
    words: 'No backup is known to be in the repository. The newest local copy holds the data of 2026-11-22T00:00:00Z.',
    reason: 'a local copy alone',
  },
])('Protected says what is safe, on site and off site: $reason', ({ history, words }) => {
  expect(wordsOf(history as History)).toMatch(new RegExp(`${words.replaceAll('.', '\\.')}$`));
});
