import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { sha256, time } from '../../../../api/v1alpha1/primitives.ts';
import { RunError } from '../../../../errors/run-error.ts';
import { errorCode, flush, replaceFile } from '../../../disk.ts';
import { databaseExtras } from './extras.ts';

/**
 * What says, after a restore was killed, whether it had begun to replace a database, and from what that is put back. It is written when the
 * safety copy is whole and on the disk, and before the database is dropped. Where there is none, nothing was touched.
 */
const journal = z.object({
  version: z.literal(1),
  database: z.string().min(1),
  state: z.enum(['Begun', 'Done']),
  begunTime: time,
  copy: z.boolean().describe('Whether there was a database to be set aside.'),
  factsDigest: sha256.describe('SHA-256 of facts.json of the copy; there only with one.').optional(),
  extras: databaseExtras,
});
export type Journal = z.output<typeof journal>;

const journalFile = 'journal.json';

/** Where a restore keeps what it sets aside. */
export interface SafetyPlace {
  readonly id: string;
  readonly directory: string;
  /** The portable backup of what was there, with its facts. */
  readonly copy: string;
}

export const safetyPlace = (safety: string, id: string): SafetyPlace => {
  const directory = join(safety, id);
  return { id, directory, copy: join(directory, 'copy') };
};

export const writeJournal = async ({ directory }: SafetyPlace, content: Journal): Promise<void> => {
  await mkdir(directory, { recursive: true });
  await replaceFile(join(directory, journalFile), `${JSON.stringify(journal.parse(content))}\n`);
  await flush(dirname(directory));
};

/** @throws RunError ExchangeFailed: it is there and cannot be read */
export const readJournal = async ({ directory }: SafetyPlace): Promise<Journal | undefined> => {
  const path = join(directory, journalFile);
  try {
    return journal.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    const detail = `The journal of an earlier restore, ${path}, cannot be read, so it is not known whether that had ended.`;
    throw new RunError('ExchangeFailed', detail, { cause: error });
  }
};

/** The places of all restores of the policy. */
export const safetyPlaces = async (safety: string): Promise<SafetyPlace[]> => {
  const names = await readdir(safety).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => /^[0-9a-f]{8}$/.test(name))
    .toSorted()
    .map((id) => safetyPlace(safety, id));
};

/** Removes a place; its journal first, since what is half removed must not be put back. */
export const removePlace = async ({ directory }: SafetyPlace): Promise<void> => {
  await rm(join(directory, journalFile), { force: true });
  await flush(directory).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error;
  });
  await rm(directory, { recursive: true, force: true });
};

const made = z.object({ database: z.string() });

// Beside the places: it sets nothing aside.
const madeFile = ({ directory }: SafetyPlace): string => `${directory}.made.json`;

/** Notes, before it is made, that a database of another name than ours is: only such may be dropped when the restore fails. */
export const setMade = async (place: SafetyPlace, database: string): Promise<void> => {
  await mkdir(dirname(place.directory), { recursive: true });
  await replaceFile(madeFile(place), `${JSON.stringify({ database } satisfies z.input<typeof made>)}\n`);
};

export const clearMade = (place: SafetyPlace): Promise<void> => rm(madeFile(place), { force: true });

export const isMade = async (place: SafetyPlace, database: string): Promise<boolean> => {
  const text = await readFile(madeFile(place), 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  return text !== undefined && made.parse(JSON.parse(text)).database === database;
};
