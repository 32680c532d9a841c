import type { Duration } from '../api/v1alpha1/duration.ts';
import { wallClock } from './wall-clock.ts';
import type { Zone } from './zone.ts';

const daySeconds = 24 * 60 * 60;

/** The first instant, in seconds since 1970, at which the calendar of a zone shows a day or a later one. */
const startOfDay = (zone: Zone, year: number, month: number, day: number): number => {
  const midnight = Date.UTC(year, month, day) / 1000;
  // Zones change their offset at midnight too: then the day begins an hour late, or midnight comes twice.
  const candidates = [midnight - daySeconds, midnight + daySeconds].map((near) => midnight - zone.offsetSeconds(near));
  const reached = candidates.filter((at) => wallClock(zone, at).getTime() / 1000 >= midnight);
  return Math.min(...(reached.length > 0 ? reached : candidates));
};

const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month + 1, 0)).getUTCDate();

/**
 * Until when something of a time is kept: some calendar months later on the same day and as far into it, then the rest. A day that the
 * month lacks lasts to the month's end: what is of 31 January is kept for 1mo through the last of February. Of two times the earlier
 * never ends later, whatever clocks and calendars do.
 */
export const expiryOf = (time: Date, { months, seconds }: Duration, zone: Zone): Date => {
  const at = Math.floor(time.getTime() / 1000);
  if (months === 0) return new Date((at + seconds) * 1000);
  const wall = wallClock(zone, at);
  const [year, month, day] = [wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate()];
  const intoDay = at - startOfDay(zone, year, month, day);
  const first = new Date(Date.UTC(year, month + months, 1));
  const [lastYear, lastMonth] = [first.getUTCFullYear(), first.getUTCMonth()];
  const end =
    day > daysIn(lastYear, lastMonth)
      ? startOfDay(zone, lastYear, lastMonth + 1, 1)
      : Math.min(startOfDay(zone, lastYear, lastMonth, day) + intoDay, startOfDay(zone, lastYear, lastMonth, day + 1));
  return new Date((end + seconds) * 1000);
};
