/** A time stamp as results and the ledger have it: RFC 3339 in UTC, whole seconds (rounded down: never newer than it was). */
export const timestamp = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z');

/** The same, rounded up: for an end, never earlier than it was. */
export const timestampAfter = (time: Date): string => timestamp(new Date(Math.ceil(time.getTime() / 1000) * 1000));

/** Whole seconds between two times, never below zero (a clock may be set back). */
export const secondsBetween = (from: Date, to: Date): number =>
  Math.max(0, Math.round((to.getTime() - from.getTime()) / 1000));
