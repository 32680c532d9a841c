import { setTimeout as sleep } from 'node:timers/promises';
import { runErrorOf } from '../failure-of.ts';
import type { RestoreContext, RestoreEngine } from './engine.ts';

type Discarding = Pick<RestoreEngine, 'discardLoaded'>;

/** How long removing what was loaded may take; shorter when the run was told to stop, since its result is written soon after. */
const undoMs = 60_000;
const stoppedUndoMs = 10_000;
/** What ends by its signal has ended by then. */
const graceMs = 2000;

/**
 * Removes what was loaded, after the work with it failed. It takes no longer than it may, and does not hide why the work failed: what is left
 * is told in a note.
 */
const discard = async (context: RestoreContext, engine: Discarding): Promise<void> => {
  const limit = context.signal.aborted
    ? stoppedUndoMs
    : Math.max(stoppedUndoMs / 2, Math.min(undoMs, context.remainingSeconds() * 1000));
  const given = new AbortController();
  try {
    await Promise.race([
      engine.discardLoaded(context.lasting(limit)),
      sleep(limit + graceMs, undefined, { signal: given.signal }).then(() => {
        throw new Error(`it was not done within ${limit / 1000} s`);
      }),
    ]);
  } catch (error) {
    context.log.warn('what was loaded could not be removed', { error });
    context.note({
      reason: 'LeftBehind',
      message: `What was loaded could not be removed: ${runErrorOf(error).detail}`,
    });
  } finally {
    given.abort();
  }
};

/** Does work with what was loaded, or loads it. When that fails, it is removed again, unless `keeps` says that it is needed. */
export const orDiscard = async <T>(
  context: RestoreContext,
  engine: Discarding,
  work: () => Promise<T>,
  keeps: () => boolean = () => false,
): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    context.fails(error);
    // What is there was there before.
    const isOthers = runErrorOf(error).reason === 'DestinationNotEmpty';
    if (!isOthers && !keeps()) await discard(context, engine);
    throw error;
  }
};
