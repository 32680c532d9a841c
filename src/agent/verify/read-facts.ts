import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../../errors/run-error.ts';
import { errorCode } from '../disk.ts';
import { factsFile } from '../layout.ts';

/**
 * The facts of a backup that was fetched into a directory. That they are those that were recorded is known by their digest before.
 * @throws RunError BackupDamaged
 */
export const readFacts = async <T>(schema: { parse(value: unknown): T }, directory: string): Promise<T> => {
  try {
    return schema.parse(JSON.parse(await readFile(join(directory, factsFile), 'utf8')));
  } catch (error) {
    const what =
      errorCode(error) === 'ENOENT' ? 'is not there' : 'cannot be read, or is that of another kind of source';
    throw new RunError('BackupDamaged', `${factsFile} of the backup ${what}.`, { cause: error });
  }
};
