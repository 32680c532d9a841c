import type { JobKind, RunKind } from '../api/v1alpha1/recovery-points.ts';
import type { Failure, Note } from '../api/v1alpha1/result.ts';
import type { VerificationResult } from '../api/v1alpha1/verification.ts';

/** How a run ended, as far as it can be proven. */
export interface RunReport {
  kind: JobKind;
  jobName: string;
  time: string;
  outcome: 'Succeeded' | 'Failed' | 'Unknown';
  /** Set unless it succeeded. */
  failure: Failure | undefined;
  /** What the run made: a Full where an incremental was asked for, for example. */
  made: RunKind | undefined;
  notes: readonly Note[];
  /** Digest of the place that its results are about, as its task said. */
  repository?: string | undefined;
  /** What a verification found, as far as it came. */
  verification: VerificationResult | undefined;
}
