import type { PlannedSet, RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import { RunError } from '../../errors/run-error.ts';
import type { Compared } from '../verify/engine.ts';
import { judgeCompared } from '../verify/judge.ts';

/** How strict a judgement is. */
export interface JudgeOptions {
  /** Whether what was loaded takes the place of other data. */
  readonly replaces: boolean;
}

/** What was found equal: with the digest of the facts only where these witness all of it. */
export interface Judged {
  readonly compared: NonNullable<RestoreReport['compared']>;
  /** Why it is not proven that all is equal, in words. */
  readonly unproven?: string;
}

/** What a judgement looks at of a set. */
export type JudgedSet = Pick<PlannedSet, 'factsDigest' | 'unrecorded'>;

const ownFacts =
  'No ledger records the set, so nothing witnesses that it is what was backed up: what was loaded is equal to the facts in the set itself.';

/**
 * Whether what was loaded may be kept. What differs may not, wherever it is. What is not proven to be equal may not replace anything, and may
 * stay where nothing is replaced: that is told. Of a set that no ledger records somebody confirmed that its own facts are enough; proven it
 * is not. Pure.
 * @throws CheckFailed ContentDiffers; RunError FactsUnknown
 */
export const judgeRestored = (compared: Compared, set: JudgedSet, { replaces }: JudgeOptions): Judged => {
  const { objects, rows } = compared;
  const isRecorded = set.unrecorded === undefined;
  try {
    judgeCompared(compared, isRecorded ? set : { factsDigest: 'its own' });
  } catch (error) {
    if (replaces || !(error instanceof RunError) || error.reason !== 'FactsUnknown') throw error;
    return { compared: { objects, rows }, unproven: error.detail };
  }
  if (!isRecorded) return { compared: { objects, rows }, unproven: ownFacts };
  return { compared: { objects, rows, ...(set.factsDigest !== undefined && { factsDigest: set.factsDigest }) } };
};
