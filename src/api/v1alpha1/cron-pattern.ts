import { text } from './primitives.ts';

/**
 * The cron lines that Kubernetes' CronJob takes, as a pattern for the API server: robfig/cron v3's `ParseStandard`, without the `TZ=`
 * prefix, which CronJob refuses. It refuses `7` and `L` as day of week, as robfig does. What a pattern cannot say (a range that runs
 * backwards) is found by the operator, which marks the policy Stalled. Beyond it, `H` may stand for minute and hour (src/cron/hash.ts).
 */
interface Field {
  number: string;
  names?: readonly string[];
  /** Whether `H` may stand for it: a value that Holdfast chooses for each policy. CronJob never sees it. */
  hashed?: boolean;
}

const fields: readonly Field[] = [
  { number: '[0-5]?[0-9]', hashed: true },
  { number: '([01]?[0-9]|2[0-3])', hashed: true },
  { number: '(0?[1-9]|[12][0-9]|3[01])' },
  {
    number: '(0?[1-9]|1[0-2])',
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { number: '0?[0-6]', names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

const eitherCase = (name: string): string => [...name].map((letter) => `[${letter.toUpperCase()}${letter}]`).join('');

const fieldPattern = ({ number, names = [], hashed = false }: Field): string => {
  const value = `(${[number, ...names.map(eitherCase)].join('|')})`;
  const item = `([*?]|${value}(-${value})?)(/[1-9][0-9]?)?`;
  const list = `${item}(,${item})*`;
  return hashed ? `(H(\\(${number}-${number}\\))?|${list})` : list;
};

const descriptor = '@(yearly|annually|monthly|weekly|daily|midnight|hourly|every ([1-9][0-9]{0,4}[hms])+)';

export const cronPattern = new RegExp(`^(${fields.map(fieldPattern).join(' +')}|${descriptor})$`);

/** A cron line of five fields (minute hour day-of-month month day-of-week) or a descriptor such as `@daily`. */
export const cronLine = text({
  max: 128,
  pattern: cronPattern,
  message:
    'write a cron line as Kubernetes reads it: minute hour day-of-month month day-of-week, such as "0 1 * * *", or @daily; Sunday is 0 or sun (not 7), there is no L, H or H(0-29) may stand for the minute or hour only, and the time zone goes into schedule.timeZone',
});
