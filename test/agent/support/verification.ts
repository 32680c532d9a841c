import type { ShipRun } from './duplicity-bench.ts';

/** What a test looks at of a verification: the outcome and reason of the run, and of each set its outcome and those of its checks. */
export const verificationOf = ({ exitCode, result }: ShipRun): object => {
  const { failure, verification } = result;
  const brief = (report: NonNullable<typeof verification>['latest'] | undefined): unknown =>
    report && [
      report.outcome,
      ...(['created', 'readable', 'complete', 'restorable'] as const).map((name) => report.checks[name].outcome),
    ];
  return {
    exitCode,
    outcome: result.outcome,
    reason: failure?.reason,
    latest: brief(verification?.latest),
    ...(verification?.older && { older: brief(verification.older) }),
  };
};

type Outcome = 'Passed' | 'Failed' | 'Unknown';

/** A run that found something wrong with the newest set, or nothing out: never one that is green. */
export const notVerified = (
  outcome: 'Failed' | 'CouldNotVerify',
  reason: string,
  [created, readable, complete]: readonly [Outcome, Outcome, Outcome] = ['Unknown', 'Unknown', 'Unknown'],
): object => ({
  exitCode: 1,
  outcome: 'Failed',
  reason,
  latest: [outcome, created, readable, complete, 'Unknown'],
});
