/** A timer that has been set. Cancelling one that fired, or twice, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time as the runtime sees it; passed in, so that tests turn the hands. */
export interface Clock {
  /** The wall clock: for what is written into resources. It may jump. */
  now(): Date;
  /** Milliseconds from an arbitrary start, never going back: for measuring and waiting. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs`; any finite delay is allowed, below zero means at once. */
  setTimer(delayMs: number, fire: () => void): Timer;
}

// setTimeout takes a 32-bit number and fires at once above it (24.8 days): a monthly schedule is longer.
const longestTimeoutMs = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire) {
    const due = performance.now() + Math.max(0, delayMs);
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const left = due - performance.now();
      handle = left > longestTimeoutMs ? setTimeout(arm, longestTimeoutMs) : setTimeout(fire, Math.max(0, left));
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Waits `delayMs`, or until `signal` aborts, whichever is first. Never rejects: callers look at the signal. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimer(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
