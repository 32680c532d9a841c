import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareRepository } from '../repositories/registry.ts';
import type { RunContext } from '../run.ts';
import { makeGpgHome, stopGpgAgent } from '../ship/gpg.ts';
import type { ListedFile } from '../ship/listing.ts';
import { tidy } from '../tidy.ts';
import { prepareKeys } from './keys.ts';
import { listAll } from './review.ts';
import type { FetchingTask, FetchSession, Prepared } from './session.ts';

/** Where sets are laid out. */
export interface FetchGround {
  /** Removes what an earlier run left there. @throws RunError when it is not to be used */
  begin(): Promise<void>;
  /** Removes all that was laid there. */
  clear(): Promise<void>;
}

const prepare = async <Task extends FetchingTask>(
  context: RunContext<Task>,
  scratch: string,
): Promise<Prepared<Task>> => {
  const { task } = context;
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const repository = await prepareRepository(context, task, scratch);
  const keys = await prepareKeys(context, task.decryption, await makeGpgHome(scratch));
  return { context, scratch, repository, keys };
};

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
  const scratch = join(context.task.scratch, 'fetch');
  let begun = false;
  let done = false;
  try {
    const prepared = await context.step('Prepare', async () => {
      await ground.begin();
      begun = true;
      return prepare(context, scratch);
    });
    const lock = await context.step('Lock', () => context.lock(context.layout.repositoryLock, 'repository lock'));
    try {
      const remote = prepared.repository.remote({ scratch, extra: [{ inherit: lock.fd }] });
      const listing = await context.step('Connect', () => listAll(remote));
      const made = await work({ ...prepared, lock, remote }, listing);
      done = true;
      return made;
    } finally {
      await tidy(context, () => prepared.repository.close());
      await lock.release();
    }
  } finally {
    await tidy(context, () => stopGpgAgent(context, join(scratch, 'gpg')));
    await tidy(context, () => rm(scratch, { recursive: true, force: true }));
    if (begun && !done) await tidy(context, () => ground.clear());
  }
};
