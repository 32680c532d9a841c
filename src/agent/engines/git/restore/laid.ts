import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, replaceFile } from '../../../disk.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { fetchedOf } from './scratch.ts';

/**
 * What was laid beside a repository, as the file system has it: where each file lies, how long it is, and when it was last touched, which
 * nobody can set. It is noted when the last byte is on the disk; as long as it is the same, these are the files that were written then.
 */
const stateOf = async (directory: string): Promise<string> => {
  const names = (await readdir(directory, { recursive: true })).toSorted();
  const lines = await Promise.all(
    ['.', ...names].map(async (name) => {
      const { dev, ino, mode, size, ctimeNs } = await lstat(join(directory, name), { bigint: true });
      return JSON.stringify([name, ...[dev, ino, mode, size, ctimeNs].map(String)]);
    }),
  );
  return `${directory}\n${lines.join('\n')}\n`;
};

const noteIn = (context: RestoreContext): string => join(fetchedOf(context), 'git-laid');

/** Notes what is laid in a directory: all of it is there. */
export const noteLaid = async (context: RestoreContext, directory: string): Promise<void> =>
  replaceFile(noteIn(context), await stateOf(directory));

/** Whether a directory is what was noted, and was not touched since. */
export const isAsLaid = async (context: RestoreContext, directory: string): Promise<boolean> => {
  try {
    return (await readFile(noteIn(context), 'utf8')) === (await stateOf(directory));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
};

/** Forgets what was noted. */
export const forgetLaid = (context: RestoreContext): Promise<void> => rm(noteIn(context), { force: true });
