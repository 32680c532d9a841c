/** How waits grow from failure to failure. */
export interface BackoffOptions {
  /** The first wait, in milliseconds. */
  readonly baseMs: number;
  /** No wait is longer, in milliseconds. */
  readonly capMs: number;
  /** A number in [0, 1), as Math.random. */
  readonly random: () => number;
}

// Below one half, so that doubling always outgrows it: each wait up to the cap is longer than the one before.
const jitterShare = 0.25;

/** The wait after `failures` failures in a row (0 = the first): doubled each time up to the cap, less up to a quarter of jitter. */
export function backoffMs(failures: number, { baseMs, capMs, random }: BackoffOptions): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(failures, 60));
  return full * (1 - jitterShare * random());
}
