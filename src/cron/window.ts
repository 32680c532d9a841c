import type { CronSchedule } from './schedule.ts';
import { wallClock } from './wall-clock.ts';
import type { Zone } from './zone.ts';

/**
 * A part of every day, on the wall clock of a zone. Cron lines are read on the same clock, so a line whose time lies in the window is in
 * it on every day: where a clock change leaves the hour out, neither comes; where it repeats the hour, both come twice.
 */
export interface DailyWindow {
  /** Seconds of the day at which it opens. */
  readonly startSeconds: number;
  /** For how long; less than a day. It may cross midnight. */
  readonly durationSeconds: number;
}

const daySeconds = 86_400;

/** A window by its start (`01:00`) and length. @throws RangeError for one that never opens or never closes */
export const dailyWindow = (start: string, durationSeconds: number): DailyWindow => {
  const [, hours = '', minutes = ''] = /^([01][0-9]|2[0-3]):([0-5][0-9])$/.exec(start) ?? [];
  if (hours === '') throw new RangeError(`"${start}" is not a time of day: write hours and minutes, such as "01:00"`);
  if (!(durationSeconds >= 1 && durationSeconds < daySeconds)) {
    throw new RangeError('a window is open for less than a day: write a duration such as 30m');
  }
  return { startSeconds: Number(hours) * 3600 + Number(minutes) * 60, durationSeconds };
};

/** How long a window has been open when the wall clock shows this second of the day; seconds from 0 to a day. */
const openSince = ({ startSeconds }: DailyWindow, secondOfDay: number): number =>
  (secondOfDay - startSeconds + daySeconds) % daySeconds;

const secondOfDay = (zone: Zone, unixSeconds: number): number => {
  const wall = wallClock(zone, unixSeconds);
  return wall.getUTCHours() * 3600 + wall.getUTCMinutes() * 60 + wall.getUTCSeconds();
};

const isOpen = (window: DailyWindow, zone: Zone, unixSeconds: number): boolean =>
  openSince(window, secondOfDay(zone, unixSeconds)) < window.durationSeconds;

/** The first instant after `from`, and up to `to`, with another offset. No zone changes its offset twice within a day. */
const changeBetween = (zone: Zone, from: number, to: number): number | undefined => {
  const before = zone.offsetSeconds(from);
  if (zone.offsetSeconds(to) === before) return undefined;
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offsetSeconds(middle) === before) low = middle;
    else high = middle;
  }
  return high;
};

const toSeconds = (date: Date): number => Math.floor(date.getTime() / 1000);

/** Whether an instant is in the window: its start is, its end is not. */
export const isInWindow = (window: DailyWindow, zone: Zone, at: Date): boolean => isOpen(window, zone, toSeconds(at));

/**
 * When a window that is open closes: the first instant from then on at which the wall clock shows a time outside it. Undefined when it is
 * not open.
 */
export const closingTime = (window: DailyWindow, zone: Zone, at: Date): Date | undefined => {
  const from = toSeconds(at);
  if (!isOpen(window, zone, from)) return undefined;
  let end = from;
  while (isOpen(window, zone, end)) {
    const left = window.durationSeconds - openSince(window, secondOfDay(zone, end));
    // A clock that is put forward or back meanwhile may close the window early, or keep it open: look again at the change.
    end = changeBetween(zone, end, end + left) ?? end + left;
  }
  return new Date(end * 1000);
};

/** Whether something that went on from `start` to `end` was in the window all the time. */
export const isWithinWindow = (window: DailyWindow, zone: Zone, start: Date, end: Date): boolean => {
  const closes = closingTime(window, zone, start);
  return closes !== undefined && end.getTime() <= closes.getTime();
};

/** Whether any time of a schedule lies in the window. `@every` drifts through the day, so of it nothing is said. */
export const mayComeInWindow = (schedule: CronSchedule, window: DailyWindow): boolean => {
  if (schedule.kind === 'every') return true;
  return schedule.hour.values.some((hour) =>
    schedule.minute.values.some((minute) => openSince(window, hour * 3600 + minute * 60) < window.durationSeconds),
  );
};
