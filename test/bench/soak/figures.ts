import { rounded } from '../operator/figures.ts';

/** One look at the operator's memory. */
export interface Sample {
  /** Since the faults began. */
  readonly minutes: number;
  readonly rssMiB: number;
}

/** What one soak measured; the last line it prints. */
export interface SoakFigures {
  policies: number;
  minutes: number;
  /** `--seed` with it plays the same faults and changes in the same order. */
  seed: number;
  /** Resident memory of the operator's process: as the faults begin, after each quarter of the time, once all had settled, and the most ever. */
  rssMiB: { start: number; quarters: readonly number[]; settled: number; peak: number };
  /** Growth of the resident memory over the second half, by least squares. */
  rssSlopeMiBPerHour: number;
  /** What V8 says is used, garbage included. */
  heapUsedMiB: { start: number; end: number; settled: number };
  /** The faults that came to pass, in all and by kind. */
  faults: number;
  faultsByKind: Readonly<Record<string, number>>;
  /** What people did meanwhile. */
  changes: Readonly<Record<string, number>>;
  /** What the operator wrote while there were faults and until all had settled, the Lease left out: carried out, and refused by the API server. */
  writes: { done: number; refused: number };
  /** 0, or the operator has not held. */
  restarts: number;
  /** Lines of the operator's log by level, and lines that are not of its log. */
  logged: Readonly<Record<string, number>>;
  eventLoopLagMs: { p99: number; max: number };
  /** From the end of the faults to the last write, or to the moment at which all was as the policies say. */
  secondsToSettle: number;
  /** Policies that were not as they should be after two minutes; not 0: exit status 1. */
  notSettled: number;
}

/** Slope of the line through the samples by least squares, in MiB per hour; NaN for less than two moments. */
export const slopePerHour = (samples: readonly Sample[]): number => {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const atMean = mean(samples.map(({ minutes }) => minutes));
  const rssMean = mean(samples.map(({ rssMiB }) => rssMiB));
  const sum = (term: (sample: Sample) => number): number => samples.reduce((all, sample) => all + term(sample), 0);
  const covariance = sum(({ minutes, rssMiB }) => (minutes - atMean) * (rssMiB - rssMean));
  return (60 * covariance) / sum(({ minutes }) => (minutes - atMean) ** 2);
};

/** The memory at the end of each quarter of so many minutes: the last look before it. */
export const quartersOf = (samples: readonly Sample[], minutes: number): number[] =>
  [1, 2, 3, 4].map((quarter) => {
    const seen = samples.filter((sample) => sample.minutes <= (minutes * quarter) / 4);
    return rounded(seen.at(-1)?.rssMiB ?? Number.NaN);
  });

/** How often each word comes. */
export const countsOf = (words: readonly string[]): Record<string, number> => {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => a.localeCompare(b)));
};
