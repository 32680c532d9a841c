import { duration } from './primitives.ts';

/** The units of a duration from large to small, with the seconds of those that are always the same length. */
const fixedUnits = { w: 604_800, d: 86_400, h: 3_600, m: 60, s: 1 } as const;

type FixedUnit = keyof typeof fixedUnits;

/** A span of time as it is written: calendar months, which have no fixed length, and seconds. */
export interface Duration {
  /** Calendar months. */
  readonly months: number;
  /** All other units together; a day has 24 hours, whatever the clocks do. */
  readonly seconds: number;
}

/** A duration that cannot be used; the message says what to write instead. */
export class DurationError extends Error {
  override readonly name = 'DurationError';
}

const isFixedUnit = (unit: string): unit is FixedUnit => unit in fixedUnits;

/**
 * Reads a duration: `90m`, `24h`, `4w`, `1mo`, `1h30m`.
 *
 * @throws DurationError if it is not one
 */
export const parseDuration = (text: string): Duration => {
  if (!duration.safeParse(text).success) {
    throw new DurationError(
      `"${text}" is not a duration: write whole numbers from 1 to 999999 with the units mo, w, d, h, m, s, each once and from large ` +
        'to small, such as 90m, 24h, 4w, 1mo or 1h30m',
    );
  }
  let months = 0;
  let seconds = 0;
  for (const [, count = '', unit = ''] of text.matchAll(/([0-9]+)([a-z]+)/g)) {
    if (isFixedUnit(unit)) seconds += Number(count) * fixedUnits[unit];
    else months += Number(count);
  }
  return { months, seconds };
};

/**
 * The seconds of a duration of fixed length.
 *
 * @throws DurationError if it is not a duration, or has months
 */
export const durationSeconds = (text: string): number => {
  const { months, seconds } = parseDuration(text);
  if (months > 0) {
    throw new DurationError(
      `"${text}" has months, which have no fixed length: write days or weeks here, such as 30d or 4w`,
    );
  }
  return seconds;
};

/** The same day and time of day in UTC some months on or back; a day that the month lacks becomes its last. */
const shiftMonths = (date: Date, months: number): Date => {
  const shifted = new Date(date);
  shifted.setUTCMonth(date.getUTCMonth() + months);
  // 31 March less a month is "31 February", which runs over into March: day 0 is the last of the month before.
  if (shifted.getUTCDate() !== date.getUTCDate()) shifted.setUTCDate(0);
  return shifted;
};

const checked = (date: Date): Date => {
  if (Number.isNaN(date.getTime())) throw new DurationError('the date that results is beyond what can be represented');
  return date;
};

/**
 * A date some time later: the months on the calendar in UTC (31 January and 1mo: the last of February), then the rest.
 *
 * @throws DurationError if there is no such date
 */
export const addDuration = (date: Date, { months, seconds }: Duration): Date =>
  checked(new Date(shiftMonths(date, months).getTime() + seconds * 1000));

/**
 * A date some time earlier: the months on the calendar in UTC (31 March less 1mo: the last of February), then the rest.
 *
 * @throws DurationError if there is no such date
 */
export const subtractDuration = (date: Date, { months, seconds }: Duration): Date =>
  checked(new Date(shiftMonths(date, -months).getTime() - seconds * 1000));
