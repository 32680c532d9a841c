import type { LastRun } from '../api/v1alpha1/backuppolicy.ts';
import { catalogue, failureReasons } from '../errors/catalogue.ts';
import type { History } from './history.ts';

/**
 * Why a run failed, and what to do, to stand after `failed`: in its own words while it is the newest to fail, else by what the catalogue says
 * of its reason.
 */
export const failureWords = (
  { lastFailure }: Pick<History, 'lastFailure'>,
  { jobName, reason }: Pick<LastRun, 'jobName' | 'reason'>,
): string => {
  if (lastFailure?.jobName === jobName) return ` at step ${lastFailure.step}: ${lastFailure.message}`;
  const known = failureReasons.find((candidate) => candidate === reason);
  return known === undefined ? '.' : `: ${known}. ${catalogue[known].next}`;
};
