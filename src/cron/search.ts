import type { FieldsSchedule } from './schedule.ts';
import { instantOf, wallClock } from './wall-clock.ts';
import type { Zone } from './zone.ts';

/**
 * The search of robfig/cron v3.0.1 (`SpecSchedule.Next`): month, day, hour and minute are moved on one by one until all match, months and
 * days on the wall clock, hours and minutes in real time. Which times it skips or repeats when clocks are put forward or back follows from
 * that order, and CronJob runs by it; so this keeps to it step by step.
 */
interface Search {
  readonly schedule: FieldsSchedule;
  readonly zone: Zone;
  /** Seconds since 1970. */
  at: number;
  /** Whether a field was moved: the first move puts the smaller fields back to their start. */
  moved: boolean;
}

/** Moves one field on. False: a larger field changed too, and all must be looked at again. */
type Seek = (search: Search) => boolean;

const minuteSeconds = 60;
const hourSeconds = 3600;
const daySeconds = 86_400;

const wallOf = (search: Search): Date => wallClock(search.zone, search.at);

/** Puts the wall clock to a date and hour of Date.UTC's numbering; days and months beyond the end carry over. */
const put = (
  search: Search,
  ...wall: [year: number, month: number, day: number, hour?: number, minute?: number]
): void => {
  search.at = instantOf(search.zone, new Date(Date.UTC(...wall)));
};

/** Adds months and days on the wall clock; the time of day stays, where it exists. */
const addToDate = (search: Search, wall: Date, months: number, days: number): void =>
  put(
    search,
    wall.getUTCFullYear(),
    wall.getUTCMonth() + months,
    wall.getUTCDate() + days,
    wall.getUTCHours(),
    wall.getUTCMinutes(),
  );

const seekMonth: Seek = (search) => {
  for (
    let wall = wallOf(search);
    !search.schedule.month.values.includes(wall.getUTCMonth() + 1);
    wall = wallOf(search)
  ) {
    if (!search.moved) {
      search.moved = true;
      put(search, wall.getUTCFullYear(), wall.getUTCMonth(), 1);
      wall = wallOf(search);
    }
    addToDate(search, wall, 1, 0);
    if (wallOf(search).getUTCMonth() === 0) return false;
  }
  return true;
};

const dayMatches = ({ dayOfMonth, dayOfWeek }: FieldsSchedule, wall: Date): boolean => {
  const byMonth = dayOfMonth.values.includes(wall.getUTCDate());
  const byWeek = dayOfWeek.values.includes(wall.getUTCDay());
  return dayOfMonth.star || dayOfWeek.star ? byMonth && byWeek : byMonth || byWeek;
};

const seekDay: Seek = (search) => {
  for (let wall = wallOf(search); !dayMatches(search.schedule, wall); wall = wallOf(search)) {
    if (!search.moved) {
      search.moved = true;
      put(search, wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate());
      wall = wallOf(search);
    }
    const start = search.at;
    addToDate(search, wall, 0, 1);
    // Where a zone left out a whole day (Samoa, 2011), the step ends where it began, and robfig never comes back. This goes on.
    if (search.at <= start) search.at = start + daySeconds;
    // Where midnight does not exist, the day begins at 1, or the step ended at 23 of the day before.
    const hour = wallOf(search).getUTCHours();
    search.at += (hour > 12 ? 24 - hour : -hour) * hourSeconds;
    if (wallOf(search).getUTCDate() === 1) return false;
  }
  return true;
};

const seekHour: Seek = (search) => {
  for (let wall = wallOf(search); !search.schedule.hour.values.includes(wall.getUTCHours()); wall = wallOf(search)) {
    if (!search.moved) {
      search.moved = true;
      put(search, wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate(), wall.getUTCHours());
    }
    search.at += hourSeconds;
    if (wallOf(search).getUTCHours() === 0) return false;
  }
  return true;
};

const seekMinute: Seek = (search) => {
  for (
    let wall = wallOf(search);
    !search.schedule.minute.values.includes(wall.getUTCMinutes());
    wall = wallOf(search)
  ) {
    if (!search.moved) {
      search.moved = true;
      search.at = Math.floor(search.at / minuteSeconds) * minuteSeconds;
    }
    search.at += minuteSeconds;
    if (wallOf(search).getUTCMinutes() === 0) return false;
  }
  return true;
};

/** To second 0 of the next minute: since 1972 all offsets are whole minutes, so the way there can be gone at once. */
const seekSecond: Seek = (search) => {
  const second = wallOf(search).getUTCSeconds();
  if (second === 0) return true;
  search.moved = true;
  search.at += minuteSeconds - second;
  return false;
};

const seeks: readonly Seek[] = [seekMonth, seekDay, seekHour, seekMinute, seekSecond];

const yearsSearched = 5;

/** The first match after an instant (both in seconds since 1970), or undefined if there is none up to the end of the fifth year after. */
export const searchNext = (schedule: FieldsSchedule, zone: Zone, afterSeconds: number): number | undefined => {
  const search: Search = { schedule, zone, at: afterSeconds + 1, moved: false };
  const lastYear = wallOf(search).getUTCFullYear() + yearsSearched;
  while (wallOf(search).getUTCFullYear() <= lastYear) {
    if (seeks.every((seek) => seek(search))) return search.at;
  }
  return undefined;
};
