import * as fc from 'fast-check';
import { compareCopy, fitHolding, goneFrom } from '../../../src/agent/dump/compare-copy.ts';
import { emptyLedger, type Ledger, type LedgerCopy } from '../../../src/agent/ledger.ts';
import { measuresOf, shrinkOf, type Measure } from '../../../src/agent/shrink.ts';
import type { Note } from '../../../src/api/v1alpha1/result.ts';
import type { DumpTask } from '../../../src/api/v1alpha1/task.ts';

const on = (day: number): string => `2026-01-${String(day).padStart(2, '0')}T01:00:03Z`;
const of = (day: number, rows: number | undefined, bytes = 1000): Measure => ({ dataTime: on(day), bytes, rows });
const judge = (copy: Measure, stored: readonly Measure[], accepted?: string, percent = 50) =>
  shrinkOf(copy, stored, { percent, accepted });

test.each([
  { reason: 'the first copy of all', copy: of(1, 0), stored: [], shrunk: false },
  { reason: 'half of the rows', copy: of(2, 50), stored: [of(1, 100)], shrunk: false },
  { reason: 'less than half', copy: of(2, 49), stored: [of(1, 100)], shrunk: true },
  { reason: 'an emptied source', copy: of(2, 0), stored: [of(1, 1)], shrunk: true },
  { reason: 'an empty source that stays empty', copy: of(2, 0), stored: [of(1, 0)], shrunk: false },
  { reason: 'as many rows in fewer bytes', copy: of(2, 100, 400), stored: [of(1, 100, 1000)], shrunk: true },
  { reason: 'rows that are not known are not compared', copy: of(2, undefined), stored: [of(1, 100)], shrunk: false },
  { reason: 'nor those before them', copy: of(3, 10), stored: [of(1, undefined), of(2, 15)], shrunk: false },
  {
    reason: 'small steps: the largest that is stored counts',
    copy: of(5, 45),
    stored: [of(1, 100), of(2, 80), of(3, 65), of(4, 55)],
    shrunk: true,
  },
  { reason: 'a copy before the largest', copy: of(1, 10), stored: [of(2, 100)], shrunk: false },
  { reason: 'itself', copy: of(1, 10), stored: [of(1, 10)], shrunk: false },
  { reason: 'accepted as meant', copy: of(2, 10), stored: [of(1, 100)], accepted: on(2), shrunk: false },
  {
    reason: 'a later loss than was accepted',
    copy: of(3, 10),
    stored: [of(1, 100), of(2, 50)],
    accepted: on(2),
    shrunk: true,
  },
  { reason: 'a tolerant policy', copy: of(2, 21), stored: [of(1, 100)], percent: 80, shrunk: false },
  { reason: '100: never', copy: of(2, 0, 0), stored: [of(1, 100)], percent: 100, shrunk: false },
])('$reason: $shrunk', ({ copy, stored, accepted, percent, shrunk }) => {
  expect(judge(copy, stored, accepted, percent) !== undefined).toBe(shrunk);
});

test('however small the steps, a loss against what is stored is found, unless it was accepted', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 25 }), (percents) => {
      let rows = 1_000_000;
      const stored: Measure[] = [of(1, rows)];
      percents.forEach((percent, index) => {
        rows = Math.floor(rows * (1 - percent / 100));
        const copy = of(index + 2, rows);
        expect(judge(copy, stored) !== undefined).toBe(rows < 500_000);
        expect(judge(copy, stored, copy.dataTime)).toBeUndefined();
        stored.push(copy);
      });
    }),
  );
});

const copyOf = (day: number, rows: number, holding?: string[]): LedgerCopy => ({
  name: `copy-${day}`,
  dataTime: on(day),
  completionTime: on(day),
  durationSeconds: 1,
  sizeBytes: 1000,
  jobName: 'a',
  rows,
  ...(holding && { holding }),
  files: [],
});

describe('a new copy', () => {
  const told = (ledger: Ledger, copy: LedgerCopy) => {
    const notes: Note[] = [];
    const task = { kind: 'LocalCopy' } as DumpTask;
    const marks = compareCopy({ task, note: (note) => notes.push(note) }, ledger, copy);
    return { marks, notes };
  };
  const before = (...copies: LedgerCopy[]): Ledger => ({ ...emptyLedger(), copies });

  test('is marked, and it is noted, when it holds so much less', () => {
    const { marks, notes } = told(before(copyOf(1, 100)), copyOf(2, 10));
    expect(marks.shrunk).toBe(`10 rows instead of the 100 of ${on(1)}`);
    expect(notes).toMatchObject([{ reason: 'SourceShrunk' }]);
    const again = told(before(copyOf(1, 100), { ...copyOf(2, 10), ...marks }), copyOf(3, 10));
    expect(again).toEqual({ marks, notes: [] });
    expect(told({ ...before(copyOf(1, 100)), acceptedShrink: on(2) }, copyOf(2, 10)).notes).toEqual([]);
  });

  test('is told of what lost everything, a small table among large ones too', () => {
    const { marks, notes } = told(
      before(copyOf(1, 1_000_005, ['agama.logs', 'agama.users'])),
      copyOf(2, 1_000_000, ['agama.logs']),
    );
    expect(marks).toEqual({});
    expect(notes).toEqual([
      { reason: 'ContentGone', message: `Held something on ${on(1)} and nothing now: agama.users.` },
    ]);
  });

  test('says nothing when names are not known, or there are more', () => {
    expect(told(before(copyOf(1, 5, ['a.b'])), copyOf(2, 5)).notes).toEqual([]);
    expect(told(before(copyOf(1, 5)), copyOf(2, 5, ['a.b'])).notes).toEqual([]);
    expect(told(before(copyOf(1, 5, ['a.b'])), copyOf(2, 5, ['a.b', 'a.c'])).notes).toEqual([]);
  });
});

test('names are kept sorted, and not when they are too many', () => {
  expect(fitHolding(['b', 'a'])).toEqual(['a', 'b']);
  expect(fitHolding(undefined)).toBeUndefined();
  expect(fitHolding(Array.from({ length: 5001 }, (_, index) => `a.${index}`))).toBeUndefined();
  expect(fitHolding(Array.from({ length: 4000 }, (_, index) => `${'ü'.repeat(60)}.${index}`))).toBeUndefined();
  expect(goneFrom(['a', 'b'], ['b', 'c'])).toEqual(['a']);
});

test('what is stored is what the copies and the sets hold', () => {
  const set = { dataTime: on(1), sourceBytes: 7, sourceRows: 3 };
  const chains = [{ sets: [set, { dataTime: on(2) }] }] as unknown as Ledger['chains'];
  expect(measuresOf({ copies: [copyOf(3, 9)], chains })).toEqual([of(3, 9), { dataTime: on(1), bytes: 7, rows: 3 }]);
});
