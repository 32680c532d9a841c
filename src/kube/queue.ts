import { backoffMs, type BackoffOptions } from './backoff.ts';
import type { Clock } from './clock.ts';
import { createDelayed } from './delayed.ts';

export interface QueueOptions {
  readonly clock: Clock;
  readonly backoff: BackoffOptions;
  /** Told the number of waiting keys whenever it changes. */
  readonly onDepth?: (depth: number) => void;
}

/**
 * A queue of keys after client-go's workqueue. A key waits at most once; one that is added while it is worked on waits
 * until it is done, so no two workers ever have the same key and no change is lost.
 */
export interface WorkQueue {
  add(key: string): void;
  /** Adds the key after `delayMs`; of several delays of a key the shortest counts. */
  addAfter(key: string, delayMs: number): void;
  /** Adds the key after its backoff, which doubles with each call until {@link forget}. Returns the wait, in milliseconds. */
  addRateLimited(key: string): number;
  /** The key succeeded: its next backoff is the first again. */
  forget(key: string): void;
  /** How often the key was added rate-limited since it was last forgotten. */
  failures(key: string): number;
  /** The next key, when there is one; undefined once the queue is shut down. Each must be given to {@link done}. */
  next(): Promise<string | undefined>;
  done(key: string): void;
  /** Hands out no more keys; what waits is dropped, since a start lists everything anew. */
  shutDown(): void;
  depth(): number;
  /** Keys being worked on, with how long, in milliseconds. */
  processing(): ReadonlyMap<string, number>;
}

export function createQueue({ clock, backoff, onDepth = () => {} }: QueueOptions): WorkQueue {
  // After client-go: `waiting` is in order; `dirty` needs work; `processing` is being worked on. A dirty key that is
  // being worked on is not waiting: done() puts it there.
  const waiting = new Set<string>();
  const dirty = new Set<string>();
  const processing = new Map<string, number>();
  const failures = new Map<string, number>();
  const idle: ((key: string | undefined) => void)[] = [];
  let down = false;

  const take = (key: string): string => {
    waiting.delete(key);
    dirty.delete(key);
    processing.set(key, clock.monotonicMs());
    return key;
  };
  const offer = (key: string): void => {
    const worker = idle.shift();
    if (worker === undefined) {
      waiting.add(key);
      onDepth(waiting.size);
    } else worker(take(key));
  };
  const add = (key: string): void => {
    if (down) return;
    dirty.add(key);
    if (!processing.has(key)) offer(key);
  };
  const delayed = createDelayed(clock, add);
  const addAfter = (key: string, delayMs: number): void => {
    if (down) return;
    if (delayMs <= 0) add(key);
    else delayed.add(key, delayMs);
  };

  return {
    add,
    addAfter,
    addRateLimited(key) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      const waitMs = backoffMs(count, backoff);
      addAfter(key, waitMs);
      return waitMs;
    },
    forget: (key) => {
      failures.delete(key);
    },
    failures: (key) => failures.get(key) ?? 0,
    next() {
      if (down) return Promise.resolve(undefined);
      const [first] = waiting;
      if (first === undefined) return new Promise((resolve) => idle.push(resolve));
      take(first);
      onDepth(waiting.size);
      return Promise.resolve(first);
    },
    done(key) {
      processing.delete(key);
      if (!down && dirty.has(key)) offer(key);
    },
    shutDown() {
      down = true;
      delayed.clear();
      waiting.clear();
      dirty.clear();
      onDepth(0);
      for (const worker of idle.splice(0)) worker(undefined);
    },
    depth: () => waiting.size,
    processing: () => {
      const now = clock.monotonicMs();
      return new Map([...processing].map(([key, since]) => [key, now - since]));
    },
  };
}
