import { CronError } from './error.ts';
import { FieldProblem, parseField, type FieldRule } from './field.ts';
import { parseGoDuration } from './go-duration.ts';
import type { CronSchedule, EverySchedule, FieldsSchedule } from './schedule.ts';

const minute: FieldRule = { name: 'minute', min: 0, max: 59, names: [] };
const hour: FieldRule = { name: 'hour', min: 0, max: 23, names: [] };
const dayOfMonth: FieldRule = { name: 'day of month', min: 1, max: 31, names: [] };
const month: FieldRule = {
  name: 'month',
  min: 1,
  max: 12,
  names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
};
const dayOfWeek: FieldRule = {
  name: 'day of week',
  min: 0,
  max: 6,
  names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
};

/** What the descriptors stand for. They are case-sensitive. */
const descriptors: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

const everyPrefix = '@every ';

const parseEvery = (line: string): EverySchedule => {
  const span = line.slice(everyPrefix.length);
  const nanoseconds = parseGoDuration(span);
  if (nanoseconds === undefined) {
    throw new CronError(
      line,
      `"${span}" is not a duration; write numbers with the units h, m or s, such as @every 1h30m`,
    );
  }
  // robfig cuts fractions of a second off and makes one second of anything shorter.
  const seconds = Math.max(1, Number(nanoseconds / 1_000_000_000n));
  return Object.freeze({ kind: 'every', line, seconds });
};

const parseFields = (line: string, text: string): FieldsSchedule => {
  const given = text.split(/\p{White_Space}+/u).filter((field) => field !== '');
  const [first, second, third, fourth, fifth, ...more] = given;
  if (
    first === undefined ||
    second === undefined ||
    third === undefined ||
    fourth === undefined ||
    fifth === undefined ||
    more.length > 0
  ) {
    throw new CronError(
      line,
      `it has ${given.length} fields, not five; write minute, hour, day of month, month, day of week, such as 30 2 * * *`,
    );
  }
  return Object.freeze({
    kind: 'fields',
    line,
    minute: parseField(first, minute),
    hour: parseField(second, hour),
    dayOfMonth: parseField(third, dayOfMonth),
    month: parseField(fourth, month),
    dayOfWeek: parseField(fifth, dayOfWeek),
  });
};

/**
 * Reads a cron line as Kubernetes' CronJob does: robfig/cron v3.0.1 `ParseStandard`, and no `TZ=` prefix (CronJob has a field for it).
 * The result is immutable.
 *
 * @throws CronError that names the field, the value and what to write instead
 */
export const parseCron = (line: string): CronSchedule => {
  if (line.includes('TZ')) {
    throw new CronError(
      line,
      'TZ= and CRON_TZ= are not allowed; leave them out and set the time zone in its own field',
    );
  }
  if (line.startsWith(everyPrefix)) return parseEvery(line);

  const fields = line.startsWith('@') ? descriptors.get(line) : line;
  if (fields === undefined) {
    throw new CronError(
      line,
      `unknown descriptor; write ${[...descriptors.keys()].join(', ')} or @every 1h30m, in small letters`,
    );
  }
  try {
    return parseFields(line, fields);
  } catch (error) {
    if (error instanceof FieldProblem) throw new CronError(line, error.message);
    throw error;
  }
};
