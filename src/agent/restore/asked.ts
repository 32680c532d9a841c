import type { RestorePointAsked } from '../../api/v1alpha1/restore-report.ts';

const second = 1000;

/**
 * Whether data of a time is as old as was asked for. The times in the ledger are whole seconds, rounded down: only what is of an earlier
 * second is surely of before. Pure.
 */
export const isAsked = (asked: RestorePointAsked, dataTime: string): boolean => {
  if (asked.by === 'Latest') return true;
  const [data, time] = [Date.parse(dataTime), Date.parse(asked.time)];
  return asked.by === 'At' ? data <= time : data < Math.floor(time / second) * second;
};

/** What was asked for, in words. */
export const askedWords = (asked: RestorePointAsked): string => {
  if (asked.by === 'Latest') return 'to restore';
  return asked.by === 'At' ? `with data of ${asked.time} or before` : `with data of before ${asked.time}`;
};
