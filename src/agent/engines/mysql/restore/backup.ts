import { join } from 'node:path';
import { RunError } from '../../../../errors/run-error.ts';
import { errorCode } from '../../../disk.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { readFacts } from '../../../verify/read-facts.ts';
import { mysqlFacts, type MysqlFacts } from '../facts.ts';
import { dumpFile } from '../layout.ts';
import type { Dump } from './compose.ts';
import { indexOf } from './kept-index.ts';

/** A backup that was fetched: its facts, and which bytes of its dump hold what. */
export interface Backup {
  readonly directory: string;
  readonly facts: MysqlFacts;
  readonly dump: Dump;
  readonly databases: readonly string[];
}

/** @throws RunError BackupDamaged */
export const openBackup = async (
  context: Pick<RestoreContext, 'task' | 'signal' | 'log'>,
  directory: string,
): Promise<Backup> => {
  const facts = await readFacts(mysqlFacts, directory);
  const file = join(directory, dumpFile);
  try {
    const index = await indexOf(context, file);
    // Facts that were not taken name no database, and then nothing can be compared: the dump says what there is.
    const databases = index.databases.map(({ name }) => name);
    for (const { name } of facts.databases) {
      if (!databases.includes(name)) throw new RunError('BackupDamaged', `${dumpFile} does not hold database ${name}.`);
    }
    return { directory, facts, dump: { file, index }, databases };
  } catch (error) {
    context.signal.throwIfAborted();
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new RunError('BackupDamaged', 'A file of the backup is missing.', { cause: error });
  }
};

/** What CREATE DATABASE says of a database after its name, in the dump. */
export const optionsOf = ({ dump }: Backup, database: string): string =>
  dump.index.databases.find(({ name }) => name === database)?.options ?? '';

/** How much of the dump is rows. */
export const dataBytes = ({ dump }: Backup): number =>
  dump.index.sections.filter(({ kind }) => kind === 'data').reduce((sum, { start, end }) => sum + end - start, 0);
