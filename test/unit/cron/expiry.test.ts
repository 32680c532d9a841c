import * as fc from 'fast-check';
import { parseDuration } from '../../../src/api/v1alpha1/duration.ts';
import { createZone } from '../../../src/cron/zone.ts';
import { expiryOf } from '../../../src/cron/expiry.ts';

const tallinn = createZone('Europe/Tallinn');
const utc = createZone('UTC');

test.each([
  {
    reason: 'weeks are of fixed length',
    time: '2026-11-01T23:05:00Z',
    keepFor: '4w',
    zone: tallinn,
    until: '2026-11-29T23:05:00Z',
  },
  {
    reason: 'a month is one on the calendar',
    time: '2026-04-10T22:05:00Z',
    keepFor: '1mo',
    zone: tallinn,
    until: '2026-05-10T22:05:00Z',
  },
  {
    reason: 'February is shorter',
    time: '2026-02-10T12:00:00Z',
    keepFor: '1mo',
    zone: utc,
    until: '2026-03-10T12:00:00Z',
  },
  {
    reason: 'a day that the month lacks lasts to its end',
    time: '2026-01-31T06:00:00Z',
    keepFor: '1mo',
    zone: utc,
    until: '2026-03-01T00:00:00Z',
  },
  {
    reason: 'likewise the day before',
    time: '2026-01-30T18:00:00Z',
    keepFor: '1mo',
    zone: utc,
    until: '2026-03-01T00:00:00Z',
  },
  {
    reason: 'a leap year has the 29th',
    time: '2028-01-29T06:00:00Z',
    keepFor: '1mo',
    zone: utc,
    until: '2028-02-29T06:00:00Z',
  },
  {
    reason: 'over the turn of the year',
    time: '2026-12-31T06:00:00Z',
    keepFor: '2mo',
    zone: utc,
    until: '2027-03-01T00:00:00Z',
  },
  {
    reason: 'months, then the rest',
    time: '2026-01-10T06:00:00Z',
    keepFor: '1mo2d',
    zone: utc,
    until: '2026-02-12T06:00:00Z',
  },
  // 01:05 in Tallinn is 23:05 UTC of the day before in winter and 22:05 in summer.
  {
    reason: 'the day is that of the zone',
    time: '2026-01-30T23:05:00Z',
    keepFor: '1mo',
    zone: tallinn,
    until: '2026-02-28T22:00:00Z',
  },
  {
    reason: 'into summer time: the same time on the clock',
    time: '2026-03-14T23:05:00Z',
    keepFor: '1mo',
    zone: tallinn,
    until: '2026-04-14T22:05:00Z',
  },
  {
    reason: 'out of summer time',
    time: '2026-10-14T22:05:00Z',
    keepFor: '1mo',
    zone: tallinn,
    until: '2026-11-14T23:05:00Z',
  },
  {
    // The 25th of October has 25 hours in Tallinn; its last half hour is past the end of a day of 24.
    reason: 'no day ends later than the next begins',
    time: '2026-10-25T21:30:00Z',
    keepFor: '1mo',
    zone: tallinn,
    until: '2026-11-25T22:00:00Z',
  },
])('$reason', ({ time, keepFor, zone, until }) => {
  expect(expiryOf(new Date(time), parseDuration(keepFor), zone).toISOString()).toBe(until.replace('Z', '.000Z'));
});

// Midnight that does not exist (Beirut, Asuncion), comes twice (Havana, Azores), a day that was left out (Apia), half an hour (Lord Howe).
const zones = [
  'UTC',
  'Europe/Tallinn',
  'Asia/Beirut',
  'America/Asuncion',
  'America/Havana',
  'Atlantic/Azores',
  'Pacific/Apia',
  'Australia/Lord_Howe',
].map(createZone);
const instants = fc.integer({ min: Date.UTC(2010, 0) / 1000, max: Date.UTC(2031, 0) / 1000 });

test('of two times the earlier never ends later, and nothing ends before the shortest months are over', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      instants,
      fc.oneof(fc.integer({ min: 0, max: 7200 }), fc.integer({ min: 0, max: 40 * 86_400 })),
      fc.integer({ min: 1, max: 14 }),
      (zone, at, distance, months) => {
        const span = { months, seconds: 0 };
        const [earlier, later] = [at, at + distance].map((each) =>
          expiryOf(new Date(each * 1000), span, zone).getTime(),
        );
        expect(later).toBeGreaterThanOrEqual(earlier ?? 0);
        expect((earlier ?? 0) - at * 1000).toBeGreaterThanOrEqual((months * 28 - 1) * 86_400_000 - 7_200_000);
        expect((earlier ?? 0) - at * 1000).toBeLessThanOrEqual((months * 31 + 2) * 86_400_000);
      },
    ),
    { numRuns: 3000 },
  );
});
