import * as fc from 'fast-check';
import { nextTime } from '../../../src/cron/next.ts';
import { parseCron } from '../../../src/cron/parse.ts';
import {
  closingTime,
  dailyWindow,
  isInWindow,
  isWithinWindow,
  mayComeInWindow,
  type DailyWindow,
} from '../../../src/cron/window.ts';
import { createZones } from '../../../src/cron/zones.ts';

const zoneOf = createZones();
const at = (text: string): Date => new Date(text);
const minute = 60_000;

test.each([
  { when: '2026-11-21T22:59:59.999Z', open: false, reason: 'the moment before' },
  { when: '2026-11-21T23:00:00Z', open: true, reason: 'its start is in it' },
  { when: '2026-11-21T23:29:59.999Z', open: true, reason: 'the last moment' },
  { when: '2026-11-21T23:30:00Z', open: false, reason: 'its end is not in it' },
])('01:00 for 30m in Tallinn at $when: $reason', ({ when, open }) => {
  expect(isInWindow(dailyWindow('01:00', 1800), zoneOf('Europe/Tallinn'), at(when))).toBe(open);
});

test.each([
  {
    window: ['01:00', 1800],
    zone: 'Europe/Tallinn',
    from: '2026-11-21T23:10:00Z',
    closes: '2026-11-21T23:30:00Z',
    reason: 'a day as any other',
  },
  {
    window: ['23:30', 5400],
    zone: 'Europe/Tallinn',
    from: '2026-11-21T21:40:00Z',
    closes: '2026-11-21T23:00:00Z',
    reason: 'over midnight',
  },
  {
    window: ['23:30', 5400],
    zone: 'Europe/Tallinn',
    from: '2026-11-21T22:30:00Z',
    closes: '2026-11-21T23:00:00Z',
    reason: 'after midnight in a window of the day before',
  },
  {
    window: ['01:30', 3600],
    zone: 'Europe/Berlin',
    from: '2026-03-29T00:30:00Z',
    closes: '2026-03-29T01:00:00Z',
    reason: 'the clock jumps over its end',
  },
  {
    window: ['02:30', 3600],
    zone: 'Europe/Berlin',
    from: '2026-10-25T00:30:00Z',
    closes: '2026-10-25T01:00:00Z',
    reason: 'the clock is put back to before its start: it closes, and opens again',
  },
  {
    window: ['02:30', 3600],
    zone: 'Europe/Berlin',
    from: '2026-10-25T01:30:00Z',
    closes: '2026-10-25T02:30:00Z',
    reason: 'the second time',
  },
  {
    window: ['01:00', 9000],
    zone: 'Europe/Berlin',
    from: '2026-10-24T23:00:00Z',
    closes: '2026-10-25T02:30:00Z',
    reason: 'the clock is put back inside it: an hour longer',
  },
  {
    window: ['01:00', 3600],
    zone: 'Australia/Lord_Howe',
    from: '2026-10-03T14:30:00Z',
    closes: '2026-10-03T15:30:00Z',
    reason: 'half an hour is left out right after it',
  },
  {
    window: ['01:45', 1800],
    zone: 'Australia/Lord_Howe',
    from: '2026-10-03T15:20:00Z',
    closes: '2026-10-03T15:30:00Z',
    reason: 'half an hour is left out in the middle: its end is past',
  },
] as const)(
  '$window in $zone from $from closes at $closes: $reason',
  ({ window: [start, length], zone, from, closes }) => {
    expect(closingTime(dailyWindow(start, length), zoneOf(zone), at(from))).toEqual(at(closes));
  },
);

test('a window in the hour that is left out does not open that day', () => {
  const window = dailyWindow('02:00', 3600);
  const zone = zoneOf('Europe/Berlin');
  const opened = Array.from({ length: 24 * 60 }, (_, index) => new Date(Date.UTC(2026, 2, 28, 23) + index * minute));
  expect(opened.some((time) => isInWindow(window, zone, time))).toBe(false);
});

test.each([
  { start: '01:00', end: '2026-11-21T23:30:00Z', kept: true, reason: 'to the very end' },
  { start: '01:00', end: '2026-11-21T23:30:00.001Z', kept: false, reason: 'a moment too long' },
  { start: '01:06', end: '2026-11-21T23:20:00Z', kept: false, reason: 'begun before it opened' },
  { start: '01:00', end: '2026-11-22T23:10:00Z', kept: false, reason: 'ended in the window of the next day' },
])('something from 01:05 to $end in a window from $start: $reason', ({ start, end, kept }) => {
  const window = dailyWindow(start, 1800);
  expect(isWithinWindow(window, zoneOf('Europe/Tallinn'), at('2026-11-21T23:05:00Z'), at(end))).toBe(kept);
});

test.each([
  { start: '24:00', seconds: 60, reason: 'no such time' },
  { start: '1:00', seconds: 60, reason: 'an hour of one digit' },
  { start: '01:00', seconds: 0, reason: 'never open' },
  { start: '01:00', seconds: 86_400, reason: 'never closed' },
  { start: '01:00', seconds: Number.NaN, reason: 'no length' },
])('$start for $seconds s is no window: $reason', ({ start, seconds }) => {
  expect(() => dailyWindow(start, seconds)).toThrow(RangeError);
});

test.each([
  { line: '0 1 * * *', may: true, reason: 'its start' },
  { line: '29 1 * * 0', may: true, reason: 'its last minute' },
  { line: '30 1 * * *', may: false, reason: 'its end' },
  { line: '59 0 * * *', may: false, reason: 'before it' },
  { line: '0 */6 * * *', may: false, reason: 'four times a day, none inside' },
  { line: '15 */6,1 * * *', may: true, reason: 'one of several' },
  { line: '@daily', may: false, reason: 'midnight' },
  { line: '@every 7h', may: true, reason: 'it drifts through the day' },
])('"$line" and the window 01:00 for 30m: $reason', ({ line, may }) => {
  expect(mayComeInWindow(parseCron(line), dailyWindow('01:00', 1800))).toBe(may);
});

/** The oracle: a set of what a clock on the wall may show, and a walk from minute to minute. It knows no offsets. */
const oracleOf = (start: string, minutes: number, timeZone: string) => {
  const [hour = 0, first = 0] = start.split(':').map(Number);
  const pad = (value: number): string => String(value).padStart(2, '0');
  const shown = new Set(
    Array.from({ length: minutes }, (_, index) => {
      const minuteOfDay = (hour * 60 + first + index) % 1440;
      return `${pad(Math.floor(minuteOfDay / 60))}:${pad(minuteOfDay % 60)}`;
    }),
  );
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const isOpen = (time: Date): boolean => shown.has(clock.format(time));
  const closes = (time: Date): Date | undefined => {
    if (!isOpen(time)) return undefined;
    let end = Math.floor(time.getTime() / minute) * minute;
    while (isOpen(new Date(end))) end += minute;
    return new Date(end);
  };
  return { isOpen, closes };
};

// Every way there is to change a clock: by an hour, by half an hour, at midnight, by a whole day, for Ramadan.
const changes = [
  ['Europe/Tallinn', '2026-03-29T01:00:00Z'],
  ['Europe/Tallinn', '2026-10-25T01:00:00Z'],
  ['America/New_York', '2026-03-08T07:00:00Z'],
  ['America/Havana', '2026-03-08T05:00:00Z'],
  ['America/Havana', '2026-11-01T05:00:00Z'],
  ['America/St_Johns', '2026-11-01T04:30:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
  ['Africa/Cairo', '2026-04-23T22:00:00Z'],
  ['Africa/Casablanca', '2025-02-23T02:00:00Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00:00Z'],
  ['Asia/Tehran', '2022-03-21T20:30:00Z'],
  ['Asia/Kathmandu', '2026-01-01T00:00:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00:00Z'],
  ['UTC', '2026-01-01T00:00:00Z'],
] as const;

const startTimes = fc.nat(1439).map((value) => {
  const pad = (part: number): string => String(part).padStart(2, '0');
  return `${pad(Math.floor(value / 60))}:${pad(value % 60)}`;
});
const windowsNearChanges = fc.record({
  change: fc.constantFrom(...changes),
  start: startTimes,
  minutes: fc.oneof(fc.integer({ min: 1, max: 180 }), fc.integer({ min: 1, max: 1439 })),
  off: fc.integer({ min: -30 * 3_600_000, max: 30 * 3_600_000 }),
});

test('open or not, and when it closes: the same as by looking at the clock every minute', () => {
  fc.assert(
    fc.property(windowsNearChanges, ({ change: [zone, when], start, minutes, off }) => {
      const window: DailyWindow = dailyWindow(start, minutes * 60);
      const time = new Date(Date.parse(when) + off);
      const oracle = oracleOf(start, minutes, zone);
      expect(isInWindow(window, zoneOf(zone), time)).toBe(oracle.isOpen(time));
      expect(closingTime(window, zoneOf(zone), time)).toEqual(oracle.closes(time));
    }),
    { numRuns: 300 },
  );
});

test('a time of a line that lies in the window is in it on every day, whatever the clocks do', () => {
  fc.assert(
    fc.property(windowsNearChanges, fc.nat(1438), ({ change: [zone, when], start, minutes, off }, later) => {
      const window = dailyWindow(start, minutes * 60);
      const [hour = 0, first = 0] = start.split(':').map(Number);
      const minuteOfDay = (hour * 60 + first + (later % minutes)) % 1440;
      const line = parseCron(`${minuteOfDay % 60} ${Math.floor(minuteOfDay / 60)} * * *`);
      expect(mayComeInWindow(line, window)).toBe(true);
      const next = nextTime(line, zoneOf(zone), new Date(Date.parse(when) + off));
      if (next === undefined) throw new Error('a daily line always comes');
      expect(isInWindow(window, zoneOf(zone), next)).toBe(true);
    }),
    { numRuns: 300 },
  );
});
