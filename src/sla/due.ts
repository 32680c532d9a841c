import { nextTime } from '../cron/next.ts';
import type { CronSchedule } from '../cron/schedule.ts';
import type { Zone } from '../cron/zone.ts';

/**
 * When a verification is too old: at the second scheduled time after it. So one that is late, or failed to start once, does not count yet,
 * and the grace is one interval of the schedule, whatever that is on the calendar. Undefined: there are no two.
 */
export const overdueAt = (schedule: CronSchedule, zone: Zone, verified: Date): Date | undefined => {
  // `@every` counts from the last run, which is what was verified.
  const first = nextTime(schedule, zone, verified);
  return first === undefined ? undefined : nextTime(schedule, zone, first);
};

/**
 * The first time of a schedule after the newest that is accounted for: when that is past by more than a run may be late, a run was missed.
 * `@every` counts from the last start, `anchor`. Undefined: there is none.
 */
export const nextOwed = (
  schedule: CronSchedule,
  zone: Zone,
  { accounted, anchor }: { accounted: Date; anchor: Date },
): Date | undefined => nextTime(schedule, zone, accounted, anchor);
