import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RestoreContext } from '../../../restore/engine.ts';

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
