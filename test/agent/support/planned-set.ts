import type { PlannedSet } from '../../../src/api/v1alpha1/restore-report.ts';

/** The set that the restores of tests are told of. */
export const plannedSet: PlannedSet = {
  type: 'Full',
  dataTime: '2026-11-22T01:00:01Z',
  chain: 'chain-20261122T010003Z',
  setTime: '2026-11-22T01:00:03Z',
  setDigest: 'a'.repeat(64),
};
