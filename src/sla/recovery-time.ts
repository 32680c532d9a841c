import { parseDuration } from '../api/v1alpha1/duration.ts';

/** A restore whose time was taken, of a backup of known size. Verifications are such; restores of other kinds may be given too. */
export interface MeasuredRestore {
  readonly seconds: number;
  /** Size of the dump that was restored. */
  readonly sourceBytes: number;
  /** When it was over. */
  readonly time: string;
  readonly jobName: string;
  /** Digest of the source whose backup it was; undefined when that is not known. */
  readonly source?: string | undefined;
}

/** What a restore would take now. */
export interface RecoveryEstimate {
  readonly basis: MeasuredRestore;
  readonly seconds: number;
}

const shortestMonthSeconds = 28 * 24 * 60 * 60;

/**
 * What a restore of the source as it is now would take: the newest that was measured, scaled by how much the source has grown since. Never
 * less than was measured: a smaller source does not make what surrounds a restore shorter. Undefined: nothing to go by.
 */
export const estimateRecovery = (
  measured: readonly MeasuredRestore[],
  sourceBytesNow: number | undefined,
): RecoveryEstimate | undefined => {
  const [basis] = measured.toSorted((a, b) => Date.parse(b.time) - Date.parse(a.time));
  if (basis === undefined || sourceBytesNow === undefined) return undefined;
  const growth = sourceBytesNow / Math.max(1, basis.sourceBytes);
  const seconds = Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(basis.seconds * Math.max(1, growth)));
  return { basis, seconds };
};

/** Whether that is within the objective; a month counts as its shortest. @throws DurationError for what is no duration */
export const isWithinRecoveryTime = ({ seconds }: Pick<RecoveryEstimate, 'seconds'>, promised: string): boolean => {
  const { months, seconds: rest } = parseDuration(promised);
  return seconds <= months * shortestMonthSeconds + rest;
};
