import type { LedgerChain, LedgerSet } from '../../src/agent/ledger.ts';

/** Sets and chains as the ledger remembers them, of days in a November. */

export const setOf = (time: string, extra: Partial<LedgerSet> = {}): LedgerSet => ({
  type: 'Full',
  setTime: time,
  dataTime: time,
  completionTime: time,
  durationSeconds: 1,
  sizeBytes: 1,
  sentBytes: 1,
  jobName: 'j',
  setDigest: 'a'.repeat(64),
  copy: 'c',
  files: [],
  ...extra,
});

export const day = (number: number): string => `2026-11-0${number}T01:00:00Z`;

export const chainOf = (days: readonly number[], extra: Partial<LedgerChain> = {}): LedgerChain => ({
  repository: 'r',
  directory: `chain-2026110${days[0]}T010000Z`,
  encryption: 'none',
  checkedTime: day(9),
  sets: days.map((number) => setOf(day(number))),
  ...extra,
});
