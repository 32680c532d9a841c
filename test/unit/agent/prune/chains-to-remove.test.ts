import * as fc from 'fast-check';
import { parseDuration } from '../../../../src/api/v1alpha1/duration.ts';
import { createZone } from '../../../../src/cron/zone.ts';
import { chainsToRemove, type ChainAge, type RetentionInput } from '../../../../src/agent/prune/chains-to-remove.ts';
import { expiryOf } from '../../../../src/cron/expiry.ts';

const zone = createZone('Europe/Tallinn');
const day = 86_400_000;
const at = (days: number): Date => new Date(Date.UTC(2026, 0, 4, 23, 5) + days * day);

/** A full and daily incrementals, named by the day of the full. */
const chain = (first: number, days = 7, intact = true): ChainAge => ({
  name: `chain-${String(first).padStart(3, '0')}`,
  points: Array.from({ length: days }, (_, index) => at(first + index)),
  intact,
});
const weekly = (weeks: number): ChainAge[] => Array.from({ length: weeks }, (_, week) => chain(week * 7));
const names = (...firsts: number[]): string[] => firsts.map((first) => chain(first).name);

const decide = (chains: readonly ChainAge[], policy: RetentionInput['policy'], now: number, protect: string[] = []) =>
  chainsToRemove({ chains, policy, protect, now: at(now), zone });

const fourWeeks = { keepFor: '4w' };

describe('what goes, and when', () => {
  test.each([
    { reason: 'nothing there', chains: [], policy: fourWeeks, now: 100, removed: [] },
    { reason: 'no rule', chains: weekly(9), policy: {}, now: 100, removed: [] },
    { reason: 'all points younger than 4 weeks', chains: weekly(3), policy: fourWeeks, now: 20, removed: [] },
    {
      reason: 'the first chain is older, the second not yet as a whole',
      chains: weekly(5),
      policy: fourWeeks,
      now: 34,
      removed: [],
    },
    {
      reason: 'a second before the second full is 4 weeks old',
      chains: weekly(6),
      policy: fourWeeks,
      now: 35 - 1 / 86_400,
      removed: [],
    },
    {
      reason: 'the second full is 4 weeks old: every moment of 4 weeks is covered without the first',
      chains: weekly(6),
      policy: fourWeeks,
      now: 35,
      removed: names(0),
    },
    { reason: 'the only chain, a year old', chains: [chain(0)], policy: fourWeeks, now: 365, removed: [] },
    {
      reason: 'after a year without backups and a new full',
      chains: [chain(0), chain(365, 1)],
      policy: fourWeeks,
      now: 366,
      removed: [],
    },
    {
      reason: 'four weeks after it',
      chains: [chain(0), chain(365, 1)],
      policy: fourWeeks,
      now: 393,
      removed: names(0),
    },
    {
      reason: 'a broken chain is no cover',
      chains: [chain(0), chain(7, 7, false), chain(14)],
      policy: fourWeeks,
      now: 36,
      removed: [],
    },
    {
      reason: 'the next intact one is',
      chains: [chain(0), chain(7, 7, false), chain(14)],
      policy: fourWeeks,
      now: 42,
      removed: names(0, 7),
    },
    {
      reason: 'a broken chain goes at its age, not before',
      chains: [chain(0, 7, false), chain(7)],
      policy: fourWeeks,
      now: 34,
      removed: [],
    },
    {
      reason: 'and then it goes',
      chains: [chain(0, 7, false), chain(7)],
      policy: fourWeeks,
      now: 35,
      removed: names(0),
    },
    {
      reason: 'only broken chains: nothing goes',
      chains: [chain(0, 7, false), chain(7, 7, false)],
      policy: fourWeeks,
      now: 365,
      removed: [],
    },
    {
      reason: 'the newest is broken: the last intact one stays',
      chains: [chain(0), chain(7, 7, false)],
      policy: fourWeeks,
      now: 365,
      removed: [],
    },
    {
      reason: 'a protected chain stays',
      chains: weekly(6),
      policy: fourWeeks,
      now: 35,
      protect: names(0),
      removed: [],
    },
    {
      reason: 'and is a cover itself',
      chains: weekly(6),
      policy: fourWeeks,
      now: 35,
      protect: names(7),
      removed: names(0),
    },
    { reason: 'by number', chains: weekly(5), policy: { keepFullChains: 2 }, now: 30, removed: names(0, 7, 14) },
    {
      reason: 'broken ones do not count among those kept by number',
      chains: [chain(0), chain(7), chain(14, 7, false)],
      policy: { keepFullChains: 2 },
      now: 30,
      removed: [],
    },
    {
      reason: 'a broken one older than those kept goes',
      chains: [chain(0, 7, false), chain(7), chain(14)],
      policy: { keepFullChains: 2 },
      now: 30,
      removed: names(0),
    },
    {
      reason: 'both rules: age alone is not enough',
      chains: weekly(3),
      policy: { ...fourWeeks, keepFullChains: 3 },
      now: 365,
      removed: [],
    },
    {
      reason: 'both rules: number alone is not enough',
      chains: weekly(5),
      policy: { ...fourWeeks, keepFullChains: 1 },
      now: 34,
      removed: [],
    },
    {
      reason: 'both rules allow it',
      chains: weekly(6),
      policy: { ...fourWeeks, keepFullChains: 5 },
      now: 35,
      removed: names(0),
    },
    {
      reason: 'a chain made with a clock ahead covers nothing yet',
      chains: [chain(0), chain(400, 1), chain(8)],
      policy: fourWeeks,
      now: 35,
      removed: [],
    },
    {
      reason: 'a chain with a newer point than its cover stays, and covers that one in turn',
      chains: [{ ...chain(0), points: [at(0), at(12)] }, chain(7, 1), chain(40)],
      policy: fourWeeks,
      now: 60,
      removed: names(7),
    },
  ])('$reason', ({ chains, policy, now, protect, removed }) => {
    expect(decide(chains, policy, now, protect).remove).toEqual(removed);
  });

  test('when the next comes due is said, as long as that needs no further backup', () => {
    expect(decide(weekly(5), fourWeeks, 30).nextDue).toEqual(at(35));
    expect(decide(weekly(6), fourWeeks, 35).nextDue).toEqual(at(42));
    expect(decide([chain(0)], fourWeeks, 30).nextDue).toBeUndefined();
    expect(decide(weekly(3), { ...fourWeeks, keepFullChains: 3 }, 30).nextDue).toBeUndefined();
    expect(decide(weekly(5), { keepFullChains: 2 }, 30).nextDue).toBeUndefined();
  });

  test('a month is one on the calendar of the zone', () => {
    const february = { name: 'a', points: [new Date('2026-02-01T23:05:00Z')], intact: true };
    const next = { name: 'b', points: [new Date('2026-02-08T23:05:00Z')], intact: true };
    const remove = (now: string) =>
      chainsToRemove({ chains: [february, next], policy: { keepFor: '1mo' }, protect: [], now: new Date(now), zone })
        .remove;
    expect(remove('2026-03-08T23:04:59Z')).toEqual([]);
    expect(remove('2026-03-08T23:05:00Z')).toEqual(['a']);
  });
});

describe('whatever the history', () => {
  // Chains may overlap, be out of order or of the same second: clocks are set back, and ledgers are damaged.
  const chains: fc.Arbitrary<ChainAge[]> = fc
    .array(
      fc.record({
        first: fc.integer({ min: 0, max: 120 }),
        steps: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 7 }),
        intact: fc.boolean(),
      }),
      { maxLength: 9 },
    )
    .map((drawn) =>
      drawn.map(({ first, steps, intact }, index) => {
        const days = steps.reduce<number[]>((all, step) => [...all, (all.at(-1) ?? 0) + step], [first]);
        return { name: `chain-${index}`, points: days.map(at), intact };
      }),
    );
  const policies = fc
    .record({
      keepFor: fc.option(fc.constantFrom('1d', '1w', '4w', '1mo', '2mo', '1mo3d'), { nil: undefined }),
      keepFullChains: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    })
    .filter(({ keepFor, keepFullChains }) => keepFor !== undefined || keepFullChains !== undefined);
  const inputs = fc.record({
    chains,
    policy: policies,
    protect: fc.subarray(['chain-0', 'chain-1', 'chain-2', 'chain-3', 'chain-4'], { maxLength: 2 }),
    now: fc.integer({ min: 0, max: 300 }).map(at),
    zone: fc.constantFrom(zone, createZone('America/Havana'), createZone('UTC')),
  });
  const after = (input: RetentionInput): readonly ChainAge[] => {
    const { remove } = chainsToRemove(input);
    return input.chains.filter(({ name }) => !remove.includes(name));
  };
  const restorable = (all: readonly ChainAge[], moment: number): number =>
    Math.max(
      -1,
      ...all
        .filter(({ intact }) => intact)
        .flatMap(({ points }) => points.map((point) => point.getTime()))
        .filter((point) => point <= moment),
    );
  const check = (property: (input: RetentionInput) => void): void =>
    fc.assert(fc.property(inputs, property), { numRuns: 2000 });

  test('an intact chain is left where there was one, with the newest point of all', () => {
    check((input) => {
      const far = Number.MAX_SAFE_INTEGER;
      expect(restorable(after(input), far)).toBe(restorable(input.chains, far));
    });
  });

  /** The days of history that are within keepFor, as the promise is worded; all of a rule without keepFor are none. */
  const promised = ({ policy, now, zone: of }: RetentionInput): Date[] => {
    if (policy.keepFor === undefined) return [];
    const span = parseDuration(policy.keepFor);
    const days = Array.from({ length: 301 }, (_, number) => at(number));
    return days.filter((time) => time <= now && expiryOf(time, span, of) > now);
  };

  test('every moment within keepFor restores to the same state as before', () => {
    check((input) => {
      const left = after(input);
      const states = (of: readonly ChainAge[]): number[] =>
        promised(input).map((time) => restorable(of, time.getTime()));
      expect(states(left)).toEqual(states(input.chains));
    });
  });

  test('protected chains and those kept by number are there', () => {
    check((input) => {
      const there = input.chains.map(({ name }) => name);
      const left = after(input).map(({ name }) => name);
      expect(left).toEqual(expect.arrayContaining(input.protect.filter((name) => there.includes(name))));
      const count = (all: readonly ChainAge[]): number => all.filter(({ intact }) => intact).length;
      const promisedCount = Math.min(input.policy.keepFullChains ?? 0, count(input.chains));
      expect(count(after(input))).toBeGreaterThanOrEqual(promisedCount);
    });
  });

  test('once removed, nothing more is due at the same moment', () => {
    check((input) => expect(chainsToRemove({ ...input, chains: after(input) }).remove).toEqual([]));
  });

  test('what is due stays due, and nothing comes due before it was said to', () => {
    fc.assert(
      fc.property(inputs, fc.integer({ min: 1, max: 200 * 24 }), (input, hours) => {
        const { remove, nextDue } = chainsToRemove(input);
        const now = new Date(input.now.getTime() + hours * 3_600_000);
        const later = chainsToRemove({ ...input, now }).remove;
        expect(later).toEqual(expect.arrayContaining([...remove]));
        expect(later.length > remove.length).toBe(nextDue !== undefined && nextDue <= now);
      }),
      { numRuns: 2000 },
    );
  });

  test('nothing older than asked stays once that is safe', () => {
    check((input) => {
      const { keepFor, keepFullChains } = input.policy;
      if (keepFor === undefined || keepFullChains !== undefined || input.protect.length > 0) return;
      const span = parseDuration(keepFor);
      const left = after(input);
      const expired = left.filter(({ points }) =>
        points.every((point) => expiryOf(point, span, input.zone) <= input.now),
      );
      // Of chains whose every point is too old one may stay: that which the oldest moment of keepFor is restored from.
      const superseded = expired.filter((old) =>
        left.some(
          (other) =>
            other.intact &&
            other.points.some(
              (point) => expiryOf(point, span, input.zone) <= input.now && old.points.every((each) => each < point),
            ),
        ),
      );
      expect(superseded).toEqual([]);
    });
  });
});

describe('what was verified last', () => {
  const verified = (given: ChainAge, days: number): ChainAge => ({ ...given, verified: at(days) });
  const broken = (given: ChainAge): ChainAge => ({ ...given, intact: false });
  const [a = chain(0), b = chain(7), c = chain(14), ...rest] = weekly(8);

  test.each([
    { reason: 'none was: by age alone', chains: [a, b, c, ...rest], removed: names(0, 7, 14) },
    { reason: 'it stays, however old', chains: [verified(a, 40), b, c, ...rest], removed: names(7, 14) },
    {
      reason: 'the last of two verifications counts, not the newest chain',
      chains: [verified(a, 40), verified(b, 39), c, ...rest],
      removed: names(7, 14),
    },
    {
      reason: 'two at once, the newest and an older one: the newer chain',
      chains: [verified(a, 40), verified(b, 40), c, ...rest],
      removed: names(0, 14),
    },
    {
      reason: 'it is broken now: it stays, and so does the intact one that was verified before it',
      chains: [verified(a, 30), broken(verified(b, 40)), c, ...rest],
      removed: names(14),
    },
    {
      reason: 'one that goes by number stays as well',
      chains: [verified(a, 40), b, c, ...rest],
      policy: { keepFullChains: 2 },
      removed: names(7, 14, 21, 28, 35),
    },
  ])('$reason', ({ chains, policy = fourWeeks, removed }) => {
    expect(decide(chains, policy, 49).remove).toEqual(removed);
  });
});
