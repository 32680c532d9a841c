import type { VerificationReport } from '../../../src/api/v1alpha1/verification.ts';
import type { Cost } from '../data/figures.ts';
import { rounded } from '../operator/figures.ts';

/** How long each part took, in seconds, and all of them together. */
export interface Parts {
  fetch: number;
  load: number;
  compare: number;
  all: number;
}

/** What verifying one engine's backup cost. */
export interface EngineFigures {
  engine: string;
  /** Size of the dump that was fetched. */
  sourceBytes: number;
  objectsCompared: number;
  rowsCompared: number;
  seconds: Parts;
  /** The same for each gigabyte (10^9 bytes) of dump. */
  secondsPerGB: Parts;
  /** The two containers, as processes: time, CPU, memory, and what lay in their scratch space. */
  fetch: Cost;
  verify: Cost;
  /** The scratch server: its most resident memory; 0 where there is none. */
  serverPeakRssMiB: number;
  /** What was fetched and the server's data together, when it was loaded. */
  scratchMiB: number;
}

/** The last line that the benchmark prints. */
export interface VerifyFigures {
  /** Size that was asked for; each engine's dump has about that. */
  megabytes: number;
  engines: readonly EngineFigures[];
}

const partsOf = (seconds: NonNullable<VerificationReport['seconds']>, per: number): Parts => {
  const { fetch = Number.NaN, load = Number.NaN, compare = Number.NaN } = seconds;
  return {
    fetch: rounded(fetch / per, 2),
    load: rounded(load / per, 2),
    compare: rounded(compare / per, 2),
    all: rounded((fetch + load + compare) / per, 2),
  };
};

/** The figures of a verification that found everything equal. @throws Error it did not */
export const figuresOf = (
  engine: string,
  report: VerificationReport,
  costs: Pick<EngineFigures, 'fetch' | 'verify' | 'serverPeakRssMiB' | 'scratchMiB'>,
): EngineFigures => {
  const { outcome, sourceBytes, objectsCompared, rowsCompared, seconds } = report;
  if (outcome !== 'Verified' || sourceBytes === undefined || seconds === undefined)
    throw new Error(`${engine} was not verified: ${JSON.stringify(report)}`);
  return {
    engine,
    sourceBytes,
    objectsCompared: objectsCompared ?? 0,
    rowsCompared: rowsCompared ?? 0,
    seconds: partsOf(seconds, 1),
    secondsPerGB: partsOf(seconds, sourceBytes / 1e9),
    ...costs,
  };
};
