import type { RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import type { VerifiedSet } from '../../api/v1alpha1/verification.ts';
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

/**
 * Whether what was loaded may be kept. What differs may not, wherever it is. What is not proven to be equal may not replace anything, and may
 * stay where nothing is replaced: that is told. Pure.
 * @throws CheckFailed ContentDiffers; RunError FactsUnknown
 */
export const judgeRestored = (
  compared: Compared,
  set: Pick<VerifiedSet, 'factsDigest'>,
  { replaces }: JudgeOptions,
): Judged => {
  const { objects, rows } = compared;
  try {
    judgeCompared(compared, set);
  } catch (error) {
    if (replaces || !(error instanceof RunError) || error.reason !== 'FactsUnknown') throw error;
    return { compared: { objects, rows }, unproven: error.detail };
  }
  return { compared: { objects, rows, ...(set.factsDigest !== undefined && { factsDigest: set.factsDigest }) } };
};
