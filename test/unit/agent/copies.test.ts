import * as fc from 'fast-check';
import { chooseCopy } from '../../../src/agent/dump/decide.ts';
import { surplusCopies } from '../../../src/agent/dump/tidy.ts';
import type { LedgerCopy } from '../../../src/agent/ledger.ts';
import { subject } from '../../support/subject.ts';

const copy = (dataTime: string, extra: Partial<LedgerCopy> = {}): LedgerCopy => ({
  name: dataTime.replaceAll(/[-:]/g, ''),
  dataTime,
  completionTime: dataTime,
  durationSeconds: 1,
  sizeBytes: 1,
  jobName: 'job',
  source: subject.source,
  files: [{ name: 'dump.sql', size: 1 }],
  ...extra,
});

const slot = new Date('2026-11-22T01:00:00Z');
const fresh = copy('2026-11-22T01:00:03Z');

test.each([
  { reason: 'the copy of the slot', input: { slot, newest: fresh, filesPresent: true }, reuse: true },
  {
    reason: 'exactly at the slot',
    input: { slot, newest: copy('2026-11-22T01:00:00Z'), filesPresent: true },
    reuse: true,
  },
  {
    reason: 'no schedule of local copies',
    input: { slot: undefined, newest: fresh, filesPresent: true },
    reuse: false,
  },
  { reason: 'no copy', input: { slot, newest: undefined, filesPresent: false }, reuse: false },
  {
    reason: 'one second before the slot',
    input: { slot, newest: copy('2026-11-22T00:59:59Z'), filesPresent: true },
    reuse: false,
  },
  {
    reason: 'shipped before',
    input: { slot, newest: { ...fresh, shippedAs: '2026-11-22T01:05:00Z' }, filesPresent: true },
    reuse: false,
  },
  {
    reason: 'another run is shipping it',
    input: { slot, newest: { ...fresh, takenBy: 'agama-full-1' }, filesPresent: true },
    reuse: false,
  },
  {
    reason: 'made while the source was written to, where it is to be kept still',
    input: { slot, newest: fresh, filesPresent: true, quiesce: 'ReadOnly' as const },
    reuse: false,
  },
  {
    reason: 'kept still in another way than the policy asks for now',
    input: {
      slot,
      newest: { ...fresh, quiesced: 'Workloads' as const },
      filesPresent: true,
      quiesce: 'ReadOnly' as const,
    },
    reuse: false,
  },
  {
    reason: 'kept still as the policy asks',
    input: {
      slot,
      newest: { ...fresh, quiesced: 'ReadOnly' as const },
      filesPresent: true,
      quiesce: 'ReadOnly' as const,
    },
    reuse: true,
  },
  {
    reason: 'kept still, and nobody asks',
    input: { slot, newest: { ...fresh, quiesced: 'ReadOnly' as const }, filesPresent: true },
    reuse: true,
  },
  {
    reason: 'made of what the policy named before',
    input: { slot, newest: { ...fresh, source: 'a'.repeat(16) }, filesPresent: true },
    reuse: false,
  },
  {
    reason: 'made by a version that did not say of what',
    input: { slot, newest: { ...fresh, source: undefined }, filesPresent: true },
    reuse: false,
  },
  { reason: 'a file is gone', input: { slot, newest: fresh, filesPresent: false }, reuse: false },
])('which copy is shipped: $reason', ({ input, reuse }) => {
  expect('reuse' in chooseCopy({ source: subject.source, ...input })).toBe(reuse);
});

const times = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 12 });

test('of many copies the newest and the one just made are kept', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 6 }), fc.nat(), (seconds, keep, pick) => {
      const copies = seconds.map((second) => copy(new Date(second * 1000).toISOString()));
      const made = copies[pick % copies.length]?.name ?? '';
      const surplus = surplusCopies(copies, keep, made, new Date());
      expect(surplus).not.toContain(made);
      expect(copies.length - surplus.length).toBe(Math.min(keep, copies.length));
      const kept = copies.filter(({ name }) => !surplus.includes(name) && name !== made);
      const removed = copies.filter(({ name }) => surplus.includes(name));
      for (const old of removed) for (const young of kept) expect(old.dataTime < young.dataTime).toBe(true);
    }),
  );
});

test('before a dump the newest are kept, as many as are to be', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 6 }), (seconds, keep) => {
      const copies = seconds.map((second) => copy(new Date(second * 1000).toISOString()));
      const surplus = surplusCopies(copies, keep, undefined, new Date());
      const newest = copies.toSorted((a, b) => (a.dataTime < b.dataTime ? 1 : -1)).slice(0, keep);
      const kept = copies.filter(({ name }) => !surplus.includes(name));
      expect(new Set(kept)).toEqual(new Set(newest));
    }),
  );
});

test.each([
  { reason: 'another run is about to ship it', changes: { takenBy: 'agama-full-1' }, kept: true },
  { reason: 'it was shipped', changes: { takenBy: 'agama-full-1', shippedAs: '2026-11-22T01:05:00Z' }, kept: false },
  { reason: 'nobody took it', changes: {}, kept: false },
])('a copy beyond those to keep is kept or not: $reason', ({ changes, kept }) => {
  const old = { ...copy('2026-11-22T01:00:00Z'), completionTime: '2026-11-22T01:01:00Z', ...changes };
  const made = copy('2026-11-22T02:00:00Z');
  const surplus = (now: string): string[] => surplusCopies([old, made], 1, made.name, new Date(now));
  expect(surplus('2026-11-22T02:00:00Z')).toEqual(kept ? [] : [old.name]);
  // Its run is long over, however it ended.
  expect(surplus('2026-11-23T02:00:00Z')).toEqual([old.name]);
});
