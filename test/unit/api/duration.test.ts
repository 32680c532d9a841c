import * as fc from 'fast-check';

import {
  addDuration,
  durationSeconds,
  parseDuration,
  subtractDuration,
  type Duration,
} from '../../../src/api/v1alpha1/duration.ts';

test.each([
  { text: '90m', months: 0, seconds: 5400, reason: 'one unit' },
  { text: '24h', months: 0, seconds: 86_400, reason: 'hours' },
  { text: '4w', months: 0, seconds: 2_419_200, reason: 'weeks' },
  { text: '1mo', months: 1, seconds: 0, reason: 'months are not minutes' },
  { text: '1h30m', months: 0, seconds: 5400, reason: 'two units' },
  { text: '1mo1m', months: 1, seconds: 60, reason: 'months and minutes side by side' },
  { text: '2mo3w4d5h6m7s', months: 2, seconds: 3 * 604_800 + 4 * 86_400 + 5 * 3600 + 367, reason: 'all units' },
  { text: '999999s', months: 0, seconds: 999_999, reason: 'six digits' },
])('$text is read: $reason', ({ text, months, seconds }) => {
  expect(parseDuration(text)).toEqual({ months, seconds });
});

test.each([
  { text: '', reason: 'nothing' },
  { text: '90', reason: 'no unit' },
  { text: 'h', reason: 'no number' },
  { text: '0h', reason: 'zero' },
  { text: '01h', reason: 'a leading zero' },
  { text: '-1h', reason: 'a sign' },
  { text: '1.5h', reason: 'a fraction' },
  { text: '1y', reason: 'years are no unit' },
  { text: '1H', reason: 'a capital' },
  { text: '1h 30m', reason: 'a space' },
  { text: '30m1h', reason: 'from small to large' },
  { text: '1h1h', reason: 'a unit twice' },
  { text: '1m1mo', reason: 'months after minutes' },
  { text: '1000000s', reason: 'seven digits' },
  { text: '1h\n', reason: 'a line end' },
  { text: '999999mo999999w999999d999999h999999m', reason: 'more than 32 characters' },
])('"$text" is refused: $reason', ({ text }) => {
  expect(() => parseDuration(text)).toThrow(`"${text}" is not a duration`);
});

test('months have no fixed length', () => {
  expect(durationSeconds('1d12h')).toBe(129_600);
  expect(() => durationSeconds('1mo')).toThrow('write days or weeks here');
});

test.each([
  { from: '2026-03-31T05:00:00.250Z', less: '1mo', is: '2026-02-28T05:00:00.250Z', reason: 'a shorter month' },
  { from: '2024-03-31T05:00:00.000Z', less: '1mo', is: '2024-02-29T05:00:00.000Z', reason: 'a leap year' },
  { from: '2024-02-29T05:00:00.000Z', less: '12mo', is: '2023-02-28T05:00:00.000Z', reason: 'no 29th there' },
  { from: '2026-01-15T05:00:00.000Z', less: '1mo', is: '2025-12-15T05:00:00.000Z', reason: 'over new year' },
  {
    from: '2026-03-31T05:00:00.000Z',
    less: '1mo1d',
    is: '2026-02-27T05:00:00.000Z',
    reason: 'months first, then days',
  },
  { from: '2026-03-31T05:00:00.000Z', less: '4w', is: '2026-03-03T05:00:00.000Z', reason: 'weeks are 7 days' },
])('$from less $less: $reason', ({ from, less, is }) => {
  expect(subtractDuration(new Date(from), parseDuration(less)).toISOString()).toBe(is);
});

test('31 January and a month is the end of February', () => {
  expect(addDuration(new Date('2026-01-31T01:02:03Z'), parseDuration('1mo')).toISOString()).toBe(
    '2026-02-28T01:02:03.000Z',
  );
});

test('a date beyond all dates is an error', () => {
  expect(() => subtractDuration(new Date(-8.64e15), { months: 1, seconds: 0 })).toThrow(
    'beyond what can be represented',
  );
});

const dates = fc.date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true });
const spans: fc.Arbitrary<Duration> = fc.record({ months: fc.nat(600), seconds: fc.nat(1e9) });

const monthsOf = (day: Date): number => day.getUTCFullYear() * 12 + day.getUTCMonth();

test('seconds come and go', () => {
  fc.assert(
    fc.property(dates, fc.nat(1e9), (date, seconds) => {
      const span = { months: 0, seconds };
      expect(subtractDuration(addDuration(date, span), span)).toEqual(date);
      expect(addDuration(date, span).getTime() - date.getTime()).toBe(seconds * 1000);
    }),
  );
});

test('months keep the time of day and the day, or end on the last day of the right month', () => {
  fc.assert(
    fc.property(dates, fc.integer({ min: 0, max: 600 }), (date, months) => {
      const then = addDuration(date, { months, seconds: 0 });
      expect(monthsOf(then) - monthsOf(date)).toBe(months);
      expect(then.getTime() % 86_400_000).toBe(date.getTime() % 86_400_000);
      const lastDay = new Date(Date.UTC(then.getUTCFullYear(), then.getUTCMonth() + 1, 0)).getUTCDate();
      expect(then.getUTCDate()).toBe(Math.min(date.getUTCDate(), lastDay));
    }),
  );
});

test('a later date stays the later one', () => {
  fc.assert(
    fc.property(dates, dates, spans, (one, other, span) => {
      const [early, late] = one <= other ? [one, other] : [other, one];
      expect(addDuration(early, span).getTime()).toBeLessThanOrEqual(addDuration(late, span).getTime());
      expect(subtractDuration(early, span).getTime()).toBeLessThanOrEqual(subtractDuration(late, span).getTime());
    }),
  );
});

test('what is written out is read back', () => {
  const unit = fc.option(fc.integer({ min: 1, max: 999 }), { nil: undefined });
  fc.assert(
    fc.property(unit, unit, unit, unit, unit, (mo, w, d, h, s) => {
      const text = Object.entries({ mo, w, d, h, s })
        .map(([name, count]) => (count === undefined ? '' : `${count}${name}`))
        .join('');
      fc.pre(text !== '');
      const seconds = (w ?? 0) * 604_800 + (d ?? 0) * 86_400 + (h ?? 0) * 3600 + (s ?? 0);
      expect(parseDuration(text)).toEqual({ months: mo ?? 0, seconds });
    }),
  );
});
