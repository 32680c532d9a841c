import * as fc from 'fast-check';
import { choosePoint, noPoint, type PointInput } from '../../../../src/agent/restore/choose-point.ts';
import { findPlanned } from '../../../../src/agent/restore/planned.ts';
import { verifiedSetOf } from '../../../../src/agent/fetch/choose.ts';
import { runErrorOf } from '../../../../src/agent/failure-of.ts';
import type { FoundChain } from '../../../../src/agent/restore/found/listed.ts';
import type { LedgerChain, LedgerSet } from '../../../../src/agent/ledger.ts';
import type { RestorePointAsked } from '../../../../src/api/v1alpha1/restore-report.ts';
import type { VerifiedSet } from '../../../../src/api/v1alpha1/verification.ts';
import { chainOf, day, setOf } from '../../../support/ledger.ts';

const latest: RestorePointAsked = { by: 'Latest' };
const at = (time: string): RestorePointAsked => ({ by: 'At', time });
const before = (time: string): RestorePointAsked => ({ by: 'Before', time });
const input = (asked: RestorePointAsked, ...chains: readonly LedgerChain[]): PointInput => ({
  chains,
  repository: 'r',
  asked,
});

describe('choosePoint', () => {
  test.each<{ reason: string; given: PointInput; expected: string | undefined; says?: RegExp }>([
    { reason: 'the newest of all', given: input(latest, chainOf([1, 2]), chainOf([3])), expected: day(3) },
    {
      reason: 'by the state of the data, whatever the place in the ledger',
      given: input(latest, chainOf([3]), chainOf([1, 2])),
      expected: day(3),
    },
    { reason: 'at the very time of a set: that one', given: input(at(day(2)), chainOf([1, 2, 3])), expected: day(2) },
    {
      reason: 'at a time between two: the older',
      given: input(at('2026-11-02T23:59:59Z'), chainOf([1, 2, 3])),
      expected: day(2),
    },
    {
      reason: 'in another time zone',
      given: input(at('2026-11-02T03:00:00+02:00'), chainOf([1, 2, 3])),
      expected: day(2),
    },
    {
      reason: 'before the very time of a set: the one before it',
      given: input(before(day(2)), chainOf([1, 2, 3])),
      expected: day(1),
    },
    {
      reason: 'a second later: that one',
      given: input(before('2026-11-02T01:00:01Z'), chainOf([1, 2, 3])),
      expected: day(2),
    },
    {
      reason: 'within the second of a set, whose time is rounded down: the one before it',
      given: input(before('2026-11-02T01:00:00.900Z'), chainOf([1, 2, 3])),
      expected: day(1),
    },
    {
      reason: 'of two of one second the one shipped later',
      given: input(latest, chainOf([1]), { ...chainOf([2]), sets: [setOf(day(1), { setTime: day(3) })] }),
      expected: day(1),
    },
    {
      reason: 'before the first',
      given: input(before(day(1)), chainOf([1, 2])),
      expected: undefined,
      says: /no backup with data of before 2026-11-01T01:00:00Z\. The earliest is 2026-11-01T01:00:00Z, the latest 2026-11-02T01:00:00Z\.$/,
    },
    {
      reason: 'a second before the first',
      given: input(at('2026-11-01T00:59:59Z'), chainOf([1])),
      expected: undefined,
      says: /with data of 2026-11-01T00:59:59Z or before\. The only point is 2026-11-01T01:00:00Z\.$/,
    },
    {
      reason: 'nothing at all',
      given: input(latest),
      expected: undefined,
      says: /no backup to restore\. No whole set is in the repository\.$/,
    },
    {
      reason: 'another repository, that the policy named before',
      given: input(latest, chainOf([1], { repository: 'rsync://old' }), chainOf([], { repository: 'rsync://empty' })),
      expected: undefined,
      says: /No whole set is in the repository\. The ledger has sets in rsync:\/\/old: to restore from there/,
    },
    {
      reason: 'a name that leads elsewhere',
      given: input(latest, chainOf([1], { directory: '../x' })),
      expected: undefined,
    },
    {
      reason: 'a chain that lacks a file is passed over',
      given: input(latest, chainOf([1]), chainOf([2], { problem: 'vol1 is missing' })),
      expected: day(1),
      says: /set of 2026-11-02T01:00:00Z in chain-20261102T010000Z, with data of .* is not restored: vol1 is missing\./,
    },
    {
      reason: 'one that a verification found damaged',
      given: input(latest, chainOf([1]), chainOf([2], { damaged: 'orders differs' })),
      expected: day(1),
      says: /is not restored: orders differs\./,
    },
    {
      reason: 'one that retention removes',
      given: input(latest, chainOf([1]), chainOf([2], { removing: true })),
      expected: day(1),
      says: /retention began to remove/,
    },
    {
      reason: 'one that would not have been chosen is not spoken of',
      given: input(at(day(1)), chainOf([1]), chainOf([2], { problem: 'x' })),
      expected: day(1),
    },
    {
      reason: 'all are broken: why is said',
      given: input(latest, chainOf([1], { problem: 'vol1 is missing' })),
      expected: undefined,
      says: /No whole set is in the repository\. The set of .*vol1 is missing\.$/,
    },
    {
      reason: 'the only one as old as asked is broken',
      given: input(at(day(1)), chainOf([1], { problem: 'vol1 is missing' }), chainOf([2])),
      expected: undefined,
      says: /The only point is 2026-11-02T01:00:00Z\. The set of .*vol1 is missing\.$/,
    },
  ])('$reason', ({ given, expected, says }) => {
    const choice = choosePoint(given);
    expect(choice.chosen?.set.dataTime).toBe(expected);
    const words = choice.chosen === undefined ? noPoint(given, choice) : (choice.passedOver ?? '');
    expect(words).toMatch(says ?? (expected === undefined ? /^There is no backup/ : /^$/));
  });

  test('of two of one second the later set', () => {
    const twice = [setOf(day(1), { setTime: day(3) }), setOf(day(1), { setTime: day(2) })];
    expect(choosePoint(input(latest, { ...chainOf([1]), sets: twice })).chosen?.set.setTime).toBe(day(3));
  });

  const second = 1000;
  const start = Date.parse('2026-11-01T00:00:00Z');
  const seconds = fc.integer({ min: 0, max: 40 });
  const stamp = (seconds: number): string => new Date(start + seconds * second).toISOString().replace('.000', '');
  const chains = fc.array(
    fc.record({
      sets: fc.array(seconds, { maxLength: 4 }),
      trouble: fc.constantFrom<Partial<LedgerChain>>(
        {},
        {},
        {},
        { removing: true },
        { problem: 'p' },
        { damaged: 'd' },
        { repository: 's' },
      ),
    }),
    { maxLength: 5 },
  );
  const asked = fc.oneof(
    fc.constant(latest),
    fc.record({
      by: fc.constantFrom('At' as const, 'Before' as const),
      time: fc.integer({ min: -2000, max: 42_000 }).map((ms) => new Date(start + ms).toISOString()),
    }),
  );

  test('never younger than asked, never out of what is not whole, and always the newest such', () => {
    fc.assert(
      fc.property(chains, asked, (given, point) => {
        const all = given.map(({ sets, trouble }, index): LedgerChain => ({
          ...chainOf([1]),
          directory: `chain-20261101T01000${index}Z`,
          sets: sets.map((time) => setOf(stamp(time))),
          ...trouble,
        }));
        const { chosen, passedOver, range } = choosePoint({ chains: all, repository: 'r', asked: point });
        const isGood = (chain: Omit<LedgerChain, 'sets' | 'checkedTime'>): boolean =>
          chain.repository === 'r' && !chain.removing && chain.problem === undefined && chain.damaged === undefined;
        // What may be restored, said in another way: the last moment that data of that second may be of.
        const fits = ({ dataTime }: LedgerSet): boolean => {
          if (point.by === 'Latest') return true;
          const [from, limit] = [Date.parse(dataTime), Date.parse(point.time)];
          return point.by === 'At' ? from <= limit : from + second <= limit;
        };
        const good = all.filter(isGood).flatMap(({ sets }) => sets);
        const best = Math.max(...good.filter(fits).map(({ dataTime }) => Date.parse(dataTime)));
        expect(chosen === undefined ? -Infinity : Date.parse(chosen.set.dataTime)).toBe(best);
        expect(chosen === undefined || isGood(chosen.chain)).toBe(true);
        const own = all.filter(({ repository }) => repository === 'r').flatMap(({ sets }) => sets);
        const wanted = Math.max(...own.filter(fits).map(({ dataTime }) => Date.parse(dataTime)));
        expect(wanted <= best || passedOver?.includes('is not restored')).toBe(true);
        const times = good.map(({ dataTime }) => dataTime).toSorted();
        expect(range).toEqual(good.length === 0 ? undefined : { earliest: times.at(0), latest: times.at(-1) });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('what no ledger records', () => {
  const foundOf = (days: readonly number[], extra: Partial<FoundChain> = {}): FoundChain => ({
    directory: `chain-2026110${days[0]}T000000Z`,
    sets: days.map((number, index) => ({
      type: index === 0 ? 'Full' : 'Incremental',
      setTime: day(number),
      files: [],
      recorded: false,
    })),
    ...extra,
  });
  const broken = (number: number) => ({ broken: { setTime: day(number), why: 'volume 1 is missing' } });
  interface Case {
    reason: string;
    recorded?: LedgerChain[];
    chains: FoundChain[];
    asked?: RestorePointAsked;
    accepted?: boolean;
    /** The day of the set that is taken, and where it is from. */
    expected: ['recorded' | 'found', number] | undefined;
    says?: RegExp;
  }

  test.each<Case>([
    { reason: 'an empty ledger: the newest found', chains: [foundOf([1, 2])], expected: ['found', 2] },
    { reason: 'of several chains the newest', chains: [foundOf([3]), foundOf([1, 2])], expected: ['found', 3] },
    { reason: 'one in the middle', chains: [foundOf([1, 2, 3])], asked: before(day(3)), expected: ['found', 2] },
    {
      reason: 'within the second of a set: its data may be of after the loss',
      chains: [foundOf([1, 2])],
      asked: before('2026-11-02T01:00:00.900Z'),
      expected: ['found', 1],
    },
    { reason: 'at its very time', chains: [foundOf([1, 2])], asked: at(day(2)), expected: ['found', 2] },
    {
      reason: 'before the first of them',
      chains: [foundOf([2, 3])],
      asked: before(day(2)),
      expected: undefined,
      says: /^There is no backup with data of before 2026-11-02T01:00:00Z\. The earliest is 2026-11-02T01:00:00Z, the latest 2026-11-03T01:00:00Z\.$/,
    },
    {
      reason: 'without the word it is refused, and the word is named with what is there',
      chains: [foundOf([1, 2]), foundOf([3])],
      asked: before(day(3)),
      accepted: false,
      expected: undefined,
      says: /No ledger records a whole set\. Whole sets in the repository that no ledger records: 3, of 2026-11-01T01:00:00Z to 2026-11-03T01:00:00Z\. The newest that fits is of 2026-11-02T01:00:00Z in chain-20261101T000000Z\. With acceptUnrecorded: true a request takes them too\.$/,
    },
    {
      reason: 'a recorded set of the same time',
      recorded: [chainOf([2])],
      chains: [foundOf([1, 2])],
      expected: ['recorded', 2],
    },
    {
      reason: 'a recorded set that is newer',
      recorded: [chainOf([3])],
      chains: [foundOf([2])],
      expected: ['recorded', 3],
    },
    {
      reason: 'a recorded set made later out of older data',
      recorded: [{ ...chainOf([1]), sets: [setOf(day(1), { setTime: day(3) })] }],
      chains: [foundOf([2])],
      expected: ['recorded', 1],
    },
    {
      reason: 'a recorded set that is older',
      recorded: [chainOf([1])],
      chains: [foundOf([2])],
      expected: ['found', 2],
    },
    {
      reason: 'likewise without the word: the recorded one, and what there is beside it is said',
      recorded: [chainOf([1])],
      chains: [foundOf([2])],
      accepted: false,
      expected: ['recorded', 1],
      says: /that no ledger records: 1, of 2026-11-02T01:00:00Z\. The newest that fits/,
    },
    {
      reason: 'an older one beside a recorded one is not spoken of',
      recorded: [chainOf([3])],
      chains: [foundOf([1, 2], broken(2))],
      accepted: false,
      expected: ['recorded', 3],
    },
    {
      reason: 'a recorded set that is damaged does not stand before a found one',
      recorded: [chainOf([3], { damaged: 'vol1 was changed' })],
      chains: [foundOf([2])],
      expected: ['found', 2],
      says: /vol1 was changed/,
    },
    {
      reason: 'what is not whole is passed over, and named',
      chains: [foundOf([1], broken(2))],
      expected: ['found', 1],
      says: /^The set of 2026-11-02T01:00:00Z in chain-20261101T000000Z, which no ledger records, is not whole: volume 1 is missing\.$/,
    },
    {
      reason: 'nothing of it is whole: named, also without the word',
      chains: [foundOf([1], { sets: [], ...broken(1) })],
      accepted: false,
      expected: undefined,
      says: /No ledger records a whole set\. The set of .* is not whole: volume 1 is missing\.$/,
    },
    {
      reason: 'not whole beside a recorded one, and nobody asked for it: not spoken of',
      recorded: [chainOf([1])],
      chains: [foundOf([2], { sets: [], ...broken(2) })],
      accepted: false,
      expected: ['recorded', 1],
    },
  ])('$reason', ({ recorded = [], chains, asked = latest, accepted = true, expected, says }) => {
    const given = { ...input(asked, ...recorded), found: { chains, accepted } };
    const choice = choosePoint(given);
    const taken = choice.found === undefined ? choice.chosen?.set.dataTime : choice.found.set.setTime;
    expect([choice.found === undefined ? 'recorded' : 'found', taken]).toEqual(
      expected === undefined ? ['recorded', undefined] : [expected[0], day(expected[1])],
    );
    expect([choice.found, choice.chosen].filter((each) => each !== undefined)).toHaveLength(expected ? 1 : 0);
    const words = expected === undefined ? noPoint(given, choice) : (choice.passedOver ?? choice.foundPassedOver ?? '');
    expect(words).toMatch(says ?? /^$/);
  });

  const start = Date.parse('2026-11-01T00:00:00Z');
  const stamp = (seconds: number): string => new Date(start + seconds * 1000).toISOString().replace('.000', '');
  const some = fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 5 });
  const point = fc.oneof(
    fc.constant(latest),
    fc.record({
      by: fc.constantFrom('At' as const, 'Before' as const),
      time: fc.integer({ min: -2000, max: 32_000 }).map((ms) => new Date(start + ms).toISOString()),
    }),
  );

  test('never before a recorded one as new, never younger than asked, never without the word; else the newest', () => {
    fc.assert(
      fc.property(some, some, point, fc.boolean(), (recorded, times, asked, accepted) => {
        const chain = { ...chainOf([1]), sets: recorded.map((time) => setOf(stamp(time))) };
        const found = foundOf([2], {
          sets: times
            .toSorted((a, b) => a - b)
            .map((time) => ({ type: 'Full' as const, setTime: stamp(time), files: [], recorded: false })),
        });
        const given: PointInput = { chains: [chain], repository: 'r', asked, found: { chains: [found], accepted } };
        const choice = choosePoint(given);
        const without = choosePoint({ chains: [chain], repository: 'r', asked }).chosen?.set.setTime;
        // The last moment that the data of a set may be of: the end of the second of its name.
        const fits = (time: number): boolean => {
          if (asked.by === 'Latest') return true;
          const from = start + time * 1000;
          return asked.by === 'At' ? from <= Date.parse(asked.time) : from + 1000 <= Date.parse(asked.time);
        };
        const best = Math.max(...times.filter(fits));
        const isNewer = best >= 0 && (without === undefined || Date.parse(stamp(best)) > Date.parse(without));
        expect(choice.found?.set.setTime).toBe(accepted && isNewer ? stamp(best) : undefined);
        expect(choice.chosen?.set.setTime).toBe(choice.found === undefined ? without : undefined);
        expect(choice.foundPassedOver === undefined).toBe(
          accepted || !(isNewer || (without === undefined && times.length > 0)),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe('findPlanned', () => {
  const chain: LedgerChain = {
    ...chainOf([1, 2]),
    sets: [setOf(day(1)), setOf(day(2), { factsDigest: 'b'.repeat(64), type: 'Incremental' })],
  };
  const set = chain.sets[1] ?? setOf(day(9));
  const planned = verifiedSetOf({ chain, set });
  const withSet = (extra: Partial<LedgerSet>): LedgerChain => ({
    ...chain,
    sets: [setOf(day(1)), { ...set, ...extra }],
  });

  test('the very set, whatever came after it', () => {
    const later = { ...chain, sets: [...chain.sets, setOf(day(3))] };
    expect(findPlanned({ chains: [later, chainOf([4])], repository: 'r', set: planned }).set).toBe(set);
  });

  test.each<{ reason: string; chains: LedgerChain[]; set?: VerifiedSet; says: string }>([
    {
      reason: 'its chain was removed',
      chains: [chainOf([3])],
      says: 'its chain is not recorded any more. The only point is 2026-11-03T01:00:00Z.',
    },
    { reason: 'nothing is left', chains: [], says: 'No whole set is in the repository.' },
    { reason: 'it was dropped from its chain', chains: [chainOf([1])], says: 'it is not recorded any more' },
    {
      reason: 'another set has its time',
      chains: [withSet({ setDigest: 'c'.repeat(64) })],
      says: 'its manifest is another one now',
    },
    {
      reason: 'its facts are others',
      chains: [withSet({ factsDigest: 'c'.repeat(64) })],
      says: 'its facts are others now',
    },
    {
      reason: 'its facts are not known any more',
      chains: [chainOf([1, 2])],
      says: 'its facts are others now',
    },
    { reason: 'it is of another time', chains: [withSet({ dataTime: day(1) })], says: 'something else now' },
    { reason: 'retention removes it', chains: [{ ...chain, removing: true }], says: 'retention began to remove' },
    { reason: 'its chain lacks a file', chains: [{ ...chain, problem: 'vol1 is missing' }], says: 'vol1 is missing' },
    { reason: 'it was found damaged', chains: [{ ...chain, damaged: 'vol1 was changed' }], says: 'vol1 was changed' },
    {
      reason: 'the same in another repository',
      chains: [{ ...chain, repository: 's' }],
      says: 'not recorded any more',
    },
    {
      reason: 'a name that leads elsewhere',
      chains: [{ ...chain, directory: '../x' }],
      set: { ...planned, chain: '../x' },
      says: 'not recorded any more',
    },
  ])('$reason: nothing else is taken in its place', ({ chains, set: asked = planned, says }) => {
    let thrown: unknown;
    try {
      findPlanned({ chains, repository: 'r', set: asked });
    } catch (error) {
      thrown = error;
    }
    expect(runErrorOf(thrown)).toMatchObject({ reason: 'PointNotAvailable', detail: expect.stringContaining(says) });
    expect(runErrorOf(thrown).detail).toContain('is no longer there as it was planned');
  });
});
