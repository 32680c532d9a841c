/** What one run of the benchmark measured; the last line it prints. */
export interface Figures {
  policies: number;
  /** From the start of the operator's process until every policy is Ready in the API server. */
  secondsToReady: number;
  /** What the operator wrote until then, by the API server's own count. */
  writes: number;
  /** What it wrote when it was started again with nothing changed. */
  writesOnRestart: number;
  /** Requests of every kind, the Lease's and the watches' included, with nothing to do. */
  requestsPerMinuteAtRest: number;
  /** Resident memory of the operator's process, in MiB: at rest, and the most it ever was (VmHWM). */
  rssMiB: number;
  peakRssMiB: number;
  /** What V8 says of it at rest, garbage included. */
  heap: { usedMiB: number; totalMiB: number; externalMiB: number };
  /** CPU of the operator's process until every policy was Ready. */
  cpuSeconds: number;
  /** From a Job's end in the API server until the policy's status tells of the run. */
  jobToStatusMs: { p50: number; p99: number; runs: number };
  /** Of the operator's process, over its whole life: the 99th percentile of the worst second, and the longest. */
  eventLoopLagMs: { p99: number; max: number };
  /** What the API server takes at most, beside what the operator asked of it: the same writes by a bare client, at its own pace. */
  ceiling: { writes: number; writesPerSecond: number; operatorWritesPerSecond: number };
}

/** The value below which `share` (0 to 1) of the values lie. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
};

/** With as many decimals as it can be trusted with. */
export const rounded = (value: number, decimals = 1): number => Number(value.toFixed(decimals));
