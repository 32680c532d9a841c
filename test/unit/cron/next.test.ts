import * as fc from 'fast-check';

import { nextTime, previousTime } from '../../../src/cron/next.ts';
import { parseCron } from '../../../src/cron/parse.ts';
import { wallClock } from '../../../src/cron/wall-clock.ts';
import { createZone } from '../../../src/cron/zone.ts';

const at = (text: string): Date => new Date(text);

test.each([
  {
    line: '30 2 * * *',
    zone: 'Europe/Berlin',
    before: '2026-03-29T12:00:00Z',
    is: '2026-03-28T01:30:00Z',
    reason: 'skipped in spring',
  },
  {
    line: '30 2 * * *',
    zone: 'Europe/Berlin',
    before: '2026-10-25T12:00:00Z',
    is: '2026-10-25T01:30:00Z',
    reason: 'twice: the second',
  },
  {
    line: '30 2 * * *',
    zone: 'Europe/Berlin',
    before: '2026-10-25T01:00:00Z',
    is: '2026-10-25T00:30:00Z',
    reason: 'twice: the first',
  },
  {
    line: '0 4 */5 * *',
    zone: 'Africa/Cairo',
    before: '2024-04-27T00:00:00Z',
    is: '2024-04-21T02:00:00Z',
    reason: 'CronJob gets over the 26th, which has no midnight, when it comes from the day before',
  },
  { line: '0 0 29 2 *', zone: 'UTC', before: '2027-06-01T00:00:00Z', is: '2024-02-29T00:00:00Z', reason: 'years back' },
  {
    line: '* * * * *',
    zone: 'UTC',
    before: '2026-06-01T10:00:00Z',
    is: '2026-06-01T10:00:00Z',
    reason: 'the instant itself counts',
  },
  {
    line: '* * * * *',
    zone: 'UTC',
    before: '2026-06-01T09:59:59.999Z',
    is: '2026-06-01T09:59:00Z',
    reason: 'the instant before does not',
  },
])('the last time of "$line" in $zone at $before: $reason', ({ line, zone, before, is }) => {
  expect(previousTime(parseCron(line), createZone(zone), at(before))).toEqual(at(is));
});

test('a date that never comes has neither a next nor a last time', () => {
  const never = parseCron('0 0 30 2 *');
  expect(nextTime(never, createZone('UTC'), at('2026-01-01T00:00:00Z'))).toBeUndefined();
  expect(previousTime(never, createZone('UTC'), at('2026-01-01T00:00:00Z'))).toBeUndefined();
});

test('a zone that leaves out a whole day is got over', () => {
  const next = nextTime(parseCron('0 0 1 * *'), createZone('Pacific/Apia'), at('2011-12-29T12:00:00Z'));
  expect(next).toEqual(at('2011-12-31T10:00:00Z'));
});

test('an invalid date is an error, not "never"', () => {
  expect(() => nextTime(parseCron('@daily'), createZone('UTC'), at('soon'))).toThrow(RangeError);
  expect(() => previousTime(parseCron('@daily'), createZone('UTC'), at('soon'))).toThrow(RangeError);
});

describe('@every', () => {
  const every = parseCron('@every 90m');
  const utc = createZone('UTC');
  const anchor = at('2026-01-01T00:10:00Z');

  test.each([
    { when: '2026-01-01T00:00:00Z', next: '2026-01-01T01:40:00Z', last: undefined, reason: 'before the anchor' },
    { when: '2026-01-01T00:10:00Z', next: '2026-01-01T01:40:00Z', last: undefined, reason: 'at the anchor' },
    { when: '2026-01-01T01:40:00Z', next: '2026-01-01T03:10:00Z', last: '2026-01-01T01:40:00Z', reason: 'at a time' },
    { when: '2026-01-01T05:00:00Z', next: '2026-01-01T06:10:00Z', last: '2026-01-01T04:40:00Z', reason: 'later' },
  ])('counts from the anchor: $reason', ({ when, next, last }) => {
    expect(nextTime(every, utc, at(when), anchor)).toEqual(at(next));
    expect(previousTime(every, utc, at(when), anchor)).toEqual(last === undefined ? undefined : at(last));
  });

  test('without an anchor it counts from now, and has no last time', () => {
    expect(nextTime(every, utc, at('2026-01-01T00:00:00.700Z'))).toEqual(at('2026-01-01T01:30:00Z'));
    expect(() => previousTime(every, utc, anchor)).toThrow('cannot be told');
  });
});

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo', 'Asia/Kathmandu'].map(
  createZone,
);
const field = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min, max }).map(String),
    fc.integer({ min: 2, max: 9 }).map((step) => `*/${step}`),
    fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 3 }).map((values) => values.join(',')),
  );
const schedules = fc
  .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
  .map((fields) => parseCron(fields.join(' ')));
const instants = fc.date({ min: at('2024-01-01'), max: at('2030-12-31'), noInvalidDate: true });
const cases: [typeof schedules, fc.Arbitrary<(typeof zones)[number]>, typeof instants] = [
  schedules,
  fc.constantFrom(...zones),
  instants,
];

test('the next time is later, on a minute, and what the wall clock shows is in the fields', () => {
  fc.assert(
    fc.property(...cases, (schedule, zone, instant) => {
      const next = nextTime(schedule, zone, instant);
      if (next === undefined || schedule.kind !== 'fields') return;
      expect(next.getTime()).toBeGreaterThan(instant.getTime());
      expect(next.getTime() % 60_000).toBe(0);
      const wall = wallClock(zone, next.getTime() / 1000);
      expect(schedule.minute.values).toContain(wall.getUTCMinutes());
      expect(schedule.hour.values).toContain(wall.getUTCHours());
      expect(schedule.month.values).toContain(wall.getUTCMonth() + 1);
      const days = [
        schedule.dayOfMonth.values.includes(wall.getUTCDate()),
        schedule.dayOfWeek.values.includes(wall.getUTCDay()),
      ];
      const both = schedule.dayOfMonth.star || schedule.dayOfWeek.star;
      expect(both ? days.every(Boolean) : days.some(Boolean)).toBe(true);
    }),
  );
});

const hourMs = 3_600_000;
/** Hours in which a clock is changed. */
const changes = zones.flatMap((zone) =>
  Array.from({ length: 7 * 366 * 24 }, (_unused, hour) => at('2024-01-01').getTime() + hour * hourMs)
    .filter((time) => zone.offsetSeconds(time / 1000) !== zone.offsetSeconds((time + hourMs) / 1000))
    .map((time) => ({ zone, time })),
);

test.each([
  { when: 'at any time', places: fc.record({ zone: fc.constantFrom(...zones), instant: instants }), numRuns: 100 },
  {
    when: 'in the days around a change of the clock',
    places: fc
      .tuple(fc.constantFrom(...changes), fc.integer({ min: -72 * 60, max: 72 * 60 }))
      .map(([{ zone, time }, minutes]) => ({ zone, instant: new Date(time + minutes * 60_000) })),
    numRuns: 2000,
  },
])('there is nothing between the last time and the next, $when', ({ places, numRuns }) => {
  fc.assert(
    fc.property(schedules, places, (schedule, { zone, instant }) => {
      const last = previousTime(schedule, zone, instant);
      if (last === undefined) return;
      expect(last.getTime()).toBeLessThanOrEqual(instant.getTime());
      expect(previousTime(schedule, zone, last)).toEqual(last);
      const after = nextTime(schedule, zone, last);
      expect(after?.getTime() ?? Infinity).toBeGreaterThan(instant.getTime());
    }),
    { numRuns },
  );
});

test('in UTC a later start does not find an earlier time', () => {
  const utc = createZone('UTC');
  fc.assert(
    fc.property(schedules, instants, fc.nat(1e9), (schedule, instant, more) => {
      const early = nextTime(schedule, utc, instant);
      const late = nextTime(schedule, utc, new Date(instant.getTime() + more));
      if (late === undefined || early === undefined) return;
      expect(early.getTime()).toBeLessThanOrEqual(late.getTime());
    }),
  );
});
