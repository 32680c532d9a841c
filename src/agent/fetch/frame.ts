import { withRemote, type RemoteUse } from '../repositories/with-remote.ts';
import type { RunContext } from '../run.ts';
import { makeGpgHome, stopGpgAgent } from '../ship/gpg.ts';
import type { ListedFile } from '../ship/listing.ts';
import { tidy } from '../tidy.ts';
import { prepareKeys, type Keys } from './keys.ts';
import { listAll } from './review.ts';
import type { FetchingTask, FetchSession } from './session.ts';

/** Where sets are laid out. */
export interface FetchGround {
  /** Removes what an earlier run left there. @throws RunError when it is not to be used */
  begin(): Promise<void>;
  /** Removes all that was laid there. */
  clear(): Promise<void>;
}

/**
 * Makes ready what a fetch needs, and holds the lock on the repository while the work is done. Nothing is left in the scratch space; what was
 * laid out stays only when the work succeeded.
 * @throws StepFailure with a RunError of the catalogue
 */
export const withRepository = async <Task extends FetchingTask, T>(
  context: RunContext<Task>,
  ground: FetchGround,
  work: (session: FetchSession<Task>, listing: readonly ListedFile[]) => Promise<T>,
): Promise<T> => {
  let begun = false;
  let done = false;
  try {
    await context.step('Prepare', () => ground.begin());
    begun = true;
    return await withRemote(context, useOf(context), async ({ ready: keys, ...open }) => {
      const listing = await context.step('Connect', () => listAll(open.remote));
      const made = await work({ context, keys, ...open }, listing);
      done = true;
      return made;
    });
  } finally {
    if (begun && !done) await tidy(context, () => ground.clear());
  }
};

const useOf = (context: RunContext<FetchingTask>): RemoteUse<Keys> => ({
  directory: 'fetch',
  prepare: async (scratch) => prepareKeys(context, context.task.decryption, await makeGpgHome(scratch)),
  end: (scratch) => stopGpgAgent(context, scratch),
});
