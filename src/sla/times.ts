import { parseDuration } from '../api/v1alpha1/duration.ts';
import { expiryOf } from '../cron/expiry.ts';
import type { Zone } from '../cron/zone.ts';

/** A time stamp has four digits for the year. */
const lastTime = Date.parse('9999-12-31T23:59:59Z');

/**
 * When a promised span that began at a time is over: months are calendar months in the zone, as retention reads them.
 * @throws DurationError for what is no duration
 */
export const endOfSpan = (start: string, promised: string, zone: Zone): Date => {
  const end = expiryOf(new Date(start), parseDuration(promised), zone).getTime();
  return new Date(Number.isNaN(end) ? lastTime : Math.min(end, lastTime));
};
