import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../../run.ts';

/** What is tried again, and how often. */
export interface Tries {
  /** Before each further try. */
  readonly waitsMs: readonly number[];
  /** What is logged when it is tried again. */
  readonly words: string;
  /** Whether an error may be over by then; every one when left out. */
  readonly isPassing?: (error: unknown) => boolean;
}

/** Does a work until it succeeds, within bounds; not once the run was told to stop. @throws the last error */
export const tryAgain = async <T>(
  { signal, log }: Pick<RunContext, 'signal' | 'log'>,
  { waitsMs, words, isPassing = () => true }: Tries,
  work: () => Promise<T>,
): Promise<T> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const wait = waitsMs[attempt];
      if (wait === undefined || !isPassing(error)) throw error;
      log.warn(words, { error, waitMs: wait });
      await sleep(wait, undefined, { signal });
    }
  }
};
