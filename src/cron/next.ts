import { CronError } from './error.ts';
import type { CronSchedule, EverySchedule, FieldsSchedule } from './schedule.ts';
import { searchNext } from './search.ts';
import type { Zone } from './zone.ts';

const toSeconds = (date: Date): number => {
  const seconds = Math.floor(date.getTime() / 1000);
  if (Number.isNaN(seconds)) throw new RangeError('The date is not valid.');
  return seconds;
};

const toDate = (seconds: number): Date => new Date(seconds * 1000);

/** A field of commas alone has no value: nothing ever matches, and looking for it minute by minute through five years would take seconds. */
const neverMatches = ({ minute, hour, dayOfMonth, month, dayOfWeek }: FieldsSchedule): boolean =>
  [minute, hour, month].some(({ values }) => values.length === 0) ||
  (dayOfMonth.values.length === 0 && dayOfWeek.values.length === 0);

const nextEvery = ({ seconds }: EverySchedule, after: number, anchor: number): number => {
  const gone = Math.max(0, Math.floor((after - anchor) / seconds));
  return anchor + (gone + 1) * seconds;
};

/**
 * The first scheduled time after an instant, as CronJob finds it (robfig/cron v3.0.1 `Next`): a time that the spring change leaves out is
 * skipped, one that the autumn change repeats comes twice. Undefined: there is none within five years, as for 31 February.
 *
 * `@every` counts from an anchor: CronJob's last schedule time, or its creation if it has not run. Without one it counts from `after`.
 * Schedules with fields do not look at the anchor.
 *
 * @throws RangeError for an invalid date
 */
export const nextTime = (schedule: CronSchedule, zone: Zone, after: Date, anchor: Date = after): Date | undefined => {
  const seconds = toSeconds(after);
  if (schedule.kind === 'every') return toDate(nextEvery(schedule, seconds, toSeconds(anchor)));
  if (neverMatches(schedule)) return undefined;
  const next = searchNext(schedule, zone, seconds);
  return next === undefined ? undefined : toDate(next);
};

const minuteSeconds = 60;
const daySeconds = 86_400;
const daysLookedBack = 5 * 366;

/** Starts of the search for the last match: midnights in UTC, further and further back. */
function* startsBefore(before: number): Generator<number> {
  const midnight = Math.floor(before / daySeconds) * daySeconds;
  for (let days = 1; days < daysLookedBack; days *= 2) yield midnight - days * daySeconds;
  yield midnight - daysLookedBack * daySeconds;
}

/** The last match up to `before`, found by halving, that a search from a multiple of `grain` seconds leads to; `first` is one such. */
const narrow = (schedule: FieldsSchedule, zone: Zone, first: number, before: number, grain: number): number => {
  const second = searchNext(schedule, zone, first);
  if (second === undefined || second > before) return first;
  let match = second;
  let end = Math.floor(before / grain);
  let start = Math.ceil(match / grain);
  while (start < end) {
    const middle = Math.ceil((start + end) / 2);
    const next = searchNext(schedule, zone, middle * grain - 1);
    if (next === undefined || next > before) {
      end = middle - 1;
      continue;
    }
    match = next;
    start = Math.max(middle, Math.ceil(match / grain));
  }
  return match;
};

/** From match to match, as CronJob goes: the last one up to `before`. */
const stepTo = (schedule: FieldsSchedule, zone: Zone, first: number, before: number): number => {
  let last = first;
  for (let next: number | undefined = first; next !== undefined && next <= before;) {
    last = next;
    next = searchNext(schedule, zone, last);
  }
  return last;
};

/** The last match that a search leads to, given an earlier one. Searches start at midnight UTC, when hardly a clock is changed. */
const lastFrom = (schedule: FieldsSchedule, zone: Zone, first: number, before: number): number => {
  const last = narrow(schedule, zone, first, before, daySeconds);
  return zone.offsetSeconds(last) === zone.offsetSeconds(before)
    ? narrow(schedule, zone, last, before, minuteSeconds)
    : stepTo(schedule, zone, last, before);
};

const lastFound = (schedule: FieldsSchedule, zone: Zone, before: number): number | undefined => {
  for (const start of startsBefore(before)) {
    const first = searchNext(schedule, zone, start);
    if (first === undefined || first > before) continue;
    return lastFrom(schedule, zone, first, before);
  }
  return undefined;
};

/** The day of a change, and a little more. */
const nearChangeSeconds = 26 * 3600;

/**
 * On the day that the clocks change, what a search finds can depend on where it starts: where midnight is left out (Cairo in spring), robfig gets
 * over that whole day when it comes from a day before, and not when it starts within. CronJob comes from its last run, so a match of such a day
 * counts only when the match before leads to it.
 */
const previousOfFields = (schedule: FieldsSchedule, zone: Zone, before: number): number | undefined => {
  const found = lastFound(schedule, zone, before);
  if (found === undefined || zone.offsetSeconds(found - nearChangeSeconds) === zone.offsetSeconds(found)) return found;
  const earlier = previousOfFields(schedule, zone, found - nearChangeSeconds);
  return earlier === undefined ? found : stepTo(schedule, zone, earlier, before);
};

/**
 * The latest scheduled time at or before an instant: what CronJob would have to have started. Undefined: there is none in the five years
 * (1,830 days) before, or, for `@every`, none since the anchor.
 *
 * `@every` needs the anchor that {@link nextTime} describes; schedules with fields do not look at it.
 *
 * @throws CronError for `@every` without an anchor
 * @throws RangeError for an invalid date
 */
export const previousTime = (schedule: CronSchedule, zone: Zone, before: Date, anchor?: Date): Date | undefined => {
  const seconds = toSeconds(before);
  if (schedule.kind === 'fields') {
    const previous = previousOfFields(schedule, zone, seconds);
    return previous === undefined ? undefined : toDate(previous);
  }
  if (anchor === undefined) {
    throw new CronError(
      schedule.line,
      'its last time cannot be told without the last run or the creation that it counts from',
    );
  }
  const from = toSeconds(anchor);
  const gone = Math.floor((seconds - from) / schedule.seconds);
  return gone < 1 ? undefined : toDate(from + gone * schedule.seconds);
};
