import { sleep, type Clock } from './clock.ts';
import { createPlaces } from './places.ts';

export interface LimiterOptions {
  readonly clock: Clock;
  /** Requests a second over time. */
  readonly perSecond: number;
  /** Requests that may be sent at once after a quiet time. */
  readonly burst: number;
  /** Requests under way at the same time. */
  readonly parallel: number;
}

/** Keeps this client from flooding the API server: a token bucket, a limit in parallel, and pauses the server asks for. */
export interface RequestLimiter {
  /** Resolves when a request may be sent, with the function that gives its place back. Rejects with the signal's reason. */
  acquire(signal: AbortSignal): Promise<() => void>;
  /** Nobody sends for `ms` from now: the server answered 429 or 503 with Retry-After. */
  pause(ms: number): void;
}

export function createLimiter({ clock, perSecond, burst, parallel }: LimiterOptions): RequestLimiter {
  let tokens = burst;
  let filledAt = clock.monotonicMs();
  let pausedUntil = 0;
  const places = createPlaces(parallel);

  const refill = (): void => {
    const now = clock.monotonicMs();
    tokens = Math.min(burst, tokens + ((now - filledAt) / 1000) * perSecond);
    filledAt = now;
  };
  const waitMs = (): number => {
    refill();
    const forToken = tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000);
    return Math.max(forToken, pausedUntil - clock.monotonicMs());
  };

  return {
    async acquire(signal) {
      const release = await places.take(signal);
      for (let wait = waitMs(); wait > 0; wait = waitMs()) {
        await sleep(clock, wait, signal);
        if (!signal.aborted) continue;
        release();
        throw signal.reason;
      }
      tokens -= 1;
      return release;
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, clock.monotonicMs() + ms);
    },
  };
}
