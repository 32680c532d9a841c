import { join } from 'node:path';
import { RunError } from '../../../errors/run-error.ts';
import { errorCode } from '../../disk.ts';
import { inspectShard, readManifest, readMeta, type Manifest } from './portable-files.ts';

/**
 * Reads a portable backup from end to end before it is loaded: of a file that is missing or cut, `influxd restore` says nothing. Gives back
 * how many shards it has.
 * @throws RunError BackupNotLoadable
 */
export const checkBackup = async (directory: string, database: string, signal: AbortSignal): Promise<number> => {
  const found = await whole(signal, undefined, () => readManifest(directory));
  const files = found.files ?? [];
  const foreign = files.find((file) => file.database !== database);
  if (foreign !== undefined) {
    throw refused(`its manifest names the database "${foreign.database}" instead of "${database}"`);
  }
  await whole(signal, found.meta.fileName, () => readMeta(join(directory, found.meta.fileName), found.meta.size));
  for (const file of files) await checkShard(directory, file, signal);
  return files.length;
};

const checkShard = async (
  directory: string,
  file: NonNullable<Manifest['files']>[number],
  signal: AbortSignal,
): Promise<void> => {
  const path = join(directory, file.fileName);
  const { tombstones } = await whole(signal, file.fileName, () => inspectShard(path, file, signal));
  if (tombstones)
    throw refused(`${file.fileName} holds deletions, which a load ignores: what was deleted would return`);
};

const refused = (words: string, cause?: unknown): RunError =>
  new RunError('BackupNotLoadable', `The backup of InfluxDB is not whole: ${words}.`, { cause });

const whole = async <T>(signal: AbortSignal, name: string | undefined, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    const said = error instanceof Error ? error.message : String(error);
    const words = errorCode(error) === 'ENOENT' ? 'missing' : said;
    throw refused(name === undefined ? words : `${name}: ${words}`, error);
  }
};
