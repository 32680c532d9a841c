import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitTask } from '../../../../api/v1alpha1/sources/git.ts';
import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { openSession, type GitSession } from '../session.ts';
import { inRestore } from './errors.ts';

/** A directory for what is fetched from the destination: in the volume of the fetched backup where there is one, which has the room. */
export const makeScratch = async (
  { task }: RestoreContext,
  name: string,
): Promise<{ readonly path: string; remove(): Promise<void> }> => {
  const path = join('fetched' in task ? task.fetched : task.scratch, `git-${name}`);
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  await remove();
  await mkdir(path, { recursive: true });
  return { path, remove };
};

export const fetchedOf = ({ task }: RestoreContext): string => {
  if ('fetched' in task) return task.fetched;
  throw new RunError('InternalError', 'The task names no volume of what was fetched.');
};

/** Where a backup is loaded. */
export const loadedIn = (context: RestoreContext): string => join(fetchedOf(context), 'restore.git');

/** Does something with the repository that is restored. */
export const inSession = <T>(
  context: RestoreContext,
  target: GitTask,
  work: (session: GitSession) => Promise<T>,
): Promise<T> =>
  inRestore(async () => {
    const session = await openSession(context, target);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  });
