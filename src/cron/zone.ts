import { TimeZoneError } from './error.ts';

/** A time zone's rules: how far its wall clock is ahead of UTC at an instant. */
export interface Zone {
  /** The name as it was given. */
  readonly name: string;
  /** Seconds east of UTC at an instant, which is whole seconds since 1970. */
  readonly offsetSeconds: (unixSeconds: number) => number;
}

/**
 * Names without a slash that are in tzdata. Intl knows more (PST, IST, ACT), which Go, and so Kubernetes, does not.
 */
const singleNames: ReadonlySet<string> = new Set(
  (
    'CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran Israel Jamaica ' +
    'Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK Singapore Turkey UCT UTC Universal ' +
    'W-SU WET Zulu'
  ).split(' '),
);

/** Names are case-sensitive in Kubernetes and not in Intl. Every part of a name in tzdata begins with a capital. */
const looksLikeTzdata = (name: string): boolean => {
  if (!name.includes('/')) return singleNames.has(name);
  return !name.startsWith('SystemV/') && name.split('/').every((part) => /^[A-Z]/.test(part));
};

const formatterOf = (name: string): Intl.DateTimeFormat => {
  const advice = 'write a name of the tz database in its exact spelling, such as Europe/Berlin or UTC';
  let formatter: Intl.DateTimeFormat;
  try {
    formatter = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  } catch (error) {
    if (error instanceof RangeError) throw new TimeZoneError(name, advice);
    throw error;
  }
  const known = formatter.resolvedOptions().timeZone;
  if (known !== name && known.toLowerCase() === name.toLowerCase()) throw new TimeZoneError(name, `write ${known}`);
  if (!looksLikeTzdata(name)) throw new TimeZoneError(name, advice);
  return formatter;
};

const readOffset = (formatter: Intl.DateTimeFormat, unixSeconds: number): number => {
  const text = formatter.format(unixSeconds * 1000);
  const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (match === null)
    throw new Error(`The runtime wrote "${text}", which ends in no offset from GMT; this is a defect.`);
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return sign === '-' ? -size : size;
};

/** A stretch of time with at most one change of the offset. */
interface Stretch {
  readonly before: number;
  readonly after: number;
  /** The first instant that has the offset `after`. */
  readonly change: number;
}

// About three days. No zone of tzdata changes its offset and changes it back within that, and asking Intl is slow.
const stretchSeconds = 2 ** 18;
// Five years are 600 stretches; a zone never needs much more at once.
const stretchesKept = 4096;

const findChange = (offsetAt: (instant: number) => number, start: number, end: number): Stretch => {
  const before = offsetAt(start);
  const after = offsetAt(end);
  if (before === after) return { before, after, change: end };
  let low = start;
  let high = end;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return { before, after, change: high };
};

/**
 * The rules of a time zone, out of the runtime's copy of tzdata. What was asked is kept in the object: share it between schedules.
 *
 * @throws TimeZoneError for a name that Kubernetes' CronJob would refuse
 */
export const createZone = (name: string): Zone => {
  const formatter = formatterOf(name);
  const offsetAt = (instant: number): number => readOffset(formatter, instant);
  const stretches = new Map<number, Stretch>();

  const stretchOf = (number: number): Stretch => {
    const kept = stretches.get(number);
    if (kept !== undefined) return kept;
    if (stretches.size >= stretchesKept) stretches.clear();
    const start = number * stretchSeconds;
    const stretch = findChange(offsetAt, start, start + stretchSeconds);
    stretches.set(number, stretch);
    return stretch;
  };

  return {
    name,
    offsetSeconds: (unixSeconds) => {
      const { before, after, change } = stretchOf(Math.floor(unixSeconds / stretchSeconds));
      return unixSeconds < change ? before : after;
    },
  };
};
