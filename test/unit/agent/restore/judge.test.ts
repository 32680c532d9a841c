import { judgeRestored, type JudgedSet } from '../../../../src/agent/restore/judge.ts';
import { isFresh } from '../../../../src/agent/restore/gate.ts';
import { runErrorOf } from '../../../../src/agent/failure-of.ts';
import type { Compared } from '../../../../src/agent/verify/engine.ts';

const equal: Compared = { objects: 3, rows: 30, mismatches: [], notWitnessed: [] };
const factsDigest = 'a'.repeat(64);

const verdict = (compared: Compared, set: JudgedSet, replaces: boolean): unknown => {
  try {
    return judgeRestored(compared, set, { replaces });
  } catch (error) {
    return runErrorOf(error).reason;
  }
};

describe('what may be kept', () => {
  test.each<{ reason: string; compared: Compared; set?: JudgedSet; inPlace: unknown; elsewhere: unknown }>([
    {
      reason: 'all is equal',
      compared: equal,
      inPlace: { compared: { objects: 3, rows: 30, factsDigest } },
      elsewhere: { compared: { objects: 3, rows: 30, factsDigest } },
    },
    {
      reason: 'something differs',
      compared: { ...equal, mismatches: ['table a: 1 row'] },
      inPlace: 'ContentDiffers',
      elsewhere: 'ContentDiffers',
    },
    {
      reason: 'something differs, and the facts were unknown',
      compared: { ...equal, mismatches: ['table a: 1 row'] },
      set: {},
      inPlace: 'ContentDiffers',
      elsewhere: 'ContentDiffers',
    },
    {
      reason: 'something is not witnessed',
      compared: { ...equal, notWitnessed: ['view v'] },
      inPlace: 'FactsUnknown',
      elsewhere: { compared: { objects: 3, rows: 30 }, unproven: expect.stringContaining('do not witness view v') },
    },
    {
      reason: 'the facts were unknown',
      compared: equal,
      set: {},
      inPlace: 'FactsUnknown',
      elsewhere: { compared: { objects: 3, rows: 30 }, unproven: expect.stringContaining('not known') },
    },
    {
      reason: 'nothing was compared',
      compared: { ...equal, objects: 0, rows: 0 },
      inPlace: 'FactsUnknown',
      elsewhere: { compared: { objects: 0, rows: 0 }, unproven: expect.stringContaining('nothing was compared') },
    },
    {
      reason: 'no ledger records the set: its own facts let it go in place, and prove nothing',
      compared: equal,
      set: { unrecorded: true },
      inPlace: { compared: { objects: 3, rows: 30 }, unproven: expect.stringContaining('No ledger records the set') },
      elsewhere: { compared: { objects: 3, rows: 30 }, unproven: expect.stringContaining('No ledger records the set') },
    },
    {
      reason: 'likewise, whatever digest of its facts is named',
      compared: equal,
      set: { unrecorded: true, factsDigest },
      inPlace: { compared: { objects: 3, rows: 30 }, unproven: expect.stringContaining('No ledger records the set') },
      elsewhere: { compared: { objects: 3, rows: 30 }, unproven: expect.stringContaining('No ledger records the set') },
    },
    {
      reason: 'no ledger records the set, and something differs from its own facts',
      compared: { ...equal, mismatches: ['table a: 1 row'] },
      set: { unrecorded: true },
      inPlace: 'ContentDiffers',
      elsewhere: 'ContentDiffers',
    },
    {
      reason: 'no ledger records the set, and its own facts do not witness all',
      compared: { ...equal, notWitnessed: ['view v'] },
      set: { unrecorded: true },
      inPlace: 'FactsUnknown',
      elsewhere: { compared: { objects: 3, rows: 30 }, unproven: expect.stringContaining('do not witness view v') },
    },
    {
      reason: 'no ledger records the set, and nothing was compared',
      compared: { ...equal, objects: 0, rows: 0 },
      set: { unrecorded: true },
      inPlace: 'FactsUnknown',
      elsewhere: { compared: { objects: 0, rows: 0 }, unproven: expect.stringContaining('nothing was compared') },
    },
  ])('$reason', ({ compared, set = { factsDigest }, inPlace, elsewhere }) => {
    expect(verdict(compared, set, true)).toEqual(inPlace);
    expect(verdict(compared, set, false)).toEqual(elsewhere);
  });
});

describe('the operator’s word counts for the moment that it is of', () => {
  const now = new Date('2026-11-22T01:00:30.000Z');
  test.each([
    { reason: 'of this moment', asOf: '2026-11-22T01:00:30.000Z', fresh: true },
    { reason: 'of 15 s ago', asOf: '2026-11-22T01:00:15.000Z', fresh: true },
    { reason: 'older by what the clocks may be apart', asOf: '2026-11-22T01:00:10.000Z', fresh: true },
    { reason: 'older than that', asOf: '2026-11-22T01:00:09.999Z', fresh: false },
    { reason: 'of yesterday', asOf: '2026-11-21T01:00:30.000Z', fresh: false },
    { reason: 'of a clock that is a little ahead', asOf: '2026-11-22T01:00:35.000Z', fresh: true },
    { reason: 'of a clock by which it would be fresh for long', asOf: '2026-11-22T01:00:35.001Z', fresh: false },
    { reason: 'of no time', asOf: 'soon', fresh: false },
  ])('$reason', ({ asOf, fresh }) => {
    expect(isFresh({ asOf }, now)).toBe(fresh);
  });
});
