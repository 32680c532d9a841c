import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../../src/kube/clock.ts';

/** A clock whose hands the test turns. */
export interface ManualClock extends Clock {
  /** Moves on, firing the timers that come due, in their order; promises get their turn after each. */
  advance(ms: number): Promise<void>;
  /** Timers that are set and have not fired. */
  timers(): number;
}

export function createManualClock(start = '2026-01-01T00:00:00Z'): ManualClock {
  const startMs = Date.parse(start);
  const timers = new Set<{ dueMs: number; fire: () => void }>();
  let elapsedMs = 0;

  const first = (untilMs: number): { dueMs: number; fire: () => void } | undefined =>
    [...timers].filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];

  return {
    now: () => new Date(startMs + elapsedMs),
    monotonicMs: () => elapsedMs,
    setTimer(delayMs, fire) {
      const timer = { dueMs: elapsedMs + Math.max(0, delayMs), fire };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      await settled();
      for (let timer = first(untilMs); timer !== undefined; timer = first(untilMs)) {
        timers.delete(timer);
        elapsedMs = Math.max(elapsedMs, timer.dueMs);
        timer.fire();
        await settled();
      }
      elapsedMs = untilMs;
      await settled();
    },
    timers: () => timers.size,
  };
}

// A worker lets the event loop turn before each key.
const turns = 200;

/** All promises that can go on without a timer or a socket have gone on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await setImmediate();
}
