import type { Clock } from './clock.ts';

/** A signal that aborts with the parent, or when the limit runs out. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether it was the limit and not the parent. */
  expired(): boolean;
  /** Starts the limit anew: something was heard. */
  extend(): void;
  /** Must be called when the work is over: frees the timer and the parent's listener. */
  dispose(): void;
}

/**
 * Not AbortSignal.any/timeout: the parent lives as long as the process and would keep every child, and the limit of a
 * stream moves with each byte.
 */
export function createDeadline(clock: Clock, limitMs: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  let expired = false;
  const expire = (): void => {
    expired = true;
    controller.abort(new Error(`nothing heard for ${Math.round(limitMs)} ms`));
  };
  const follow = (): void => controller.abort(parent?.reason);
  let timer = clock.setTimer(limitMs, expire);
  if (parent?.aborted === true) follow();
  parent?.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    expired: () => expired,
    extend() {
      timer.cancel();
      timer = clock.setTimer(limitMs, expire);
    },
    dispose() {
      timer.cancel();
      parent?.removeEventListener('abort', follow);
    },
  };
}
