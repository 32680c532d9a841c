import type { Clock, Timer } from './clock.ts';
import { createHeap } from './heap.ts';

/** Keys that become due later, on one timer. */
export interface Delayed {
  /** The key becomes due after `delayMs`, or when it already was to be, if that is sooner. */
  add(key: string, delayMs: number): void;
  clear(): void;
}

export function createDelayed(clock: Clock, due: (key: string) => void): Delayed {
  const heap = createHeap<{ key: string; dueMs: number }>((a, b) => a.dueMs - b.dueMs);
  const dueAt = new Map<string, number>();
  let timer: Timer | undefined;
  let timerMs = Infinity;

  const disarm = (): void => {
    timer?.cancel();
    timer = undefined;
    timerMs = Infinity;
  };
  const arm = (): void => {
    const first = heap.peek();
    if (first === undefined || first.dueMs >= timerMs) return;
    disarm();
    timerMs = first.dueMs;
    timer = clock.setTimer(first.dueMs - clock.monotonicMs(), fire);
  };
  const fire = (): void => {
    disarm();
    const now = clock.monotonicMs();
    for (let first = heap.peek(); first !== undefined && first.dueMs <= now; first = heap.peek()) {
      heap.pop();
      // An entry that a sooner one replaced stays in the heap and is passed over here.
      if (dueAt.get(first.key) !== first.dueMs) continue;
      dueAt.delete(first.key);
      due(first.key);
    }
    arm();
  };

  return {
    add(key, delayMs) {
      const dueMs = clock.monotonicMs() + delayMs;
      const known = dueAt.get(key);
      if (known !== undefined && known <= dueMs) return;
      dueAt.set(key, dueMs);
      heap.push({ key, dueMs });
      arm();
    },
    clear() {
      disarm();
      dueAt.clear();
      heap.clear();
    },
  };
}
