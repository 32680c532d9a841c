import { setTimeout as sleep } from 'node:timers/promises';
import type { KeepTask } from '../../api/v1alpha1/task.ts';
import type { Made, RunContext } from '../run.ts';

/** A timer that is set for longer than 24.8 days goes off at once. */
const longestTimerMs = 24 * 60 * 60 * 1000;

/** Does nothing as long as the scratch server beside it is to be looked at. To be told to stop is how it may end. */
export const keepUntil =
  (stopped: AbortSignal) =>
  async ({ task, signal, log, now }: RunContext<KeepTask>): Promise<Made> => {
    log.info(`the restored data can be looked at for ${task.keepSeconds} s`);
    const either = AbortSignal.any([stopped, signal]);
    const until = now().getTime() + task.keepSeconds * 1000;
    try {
      for (let left = until - now().getTime(); left > 0; left = until - now().getTime())
        await sleep(Math.min(left, longestTimerMs), undefined, { signal: either });
    } catch (error) {
      signal.throwIfAborted();
      if (!stopped.aborted) throw error;
      log.info('told to stop');
    }
    return {};
  };
