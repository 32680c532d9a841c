import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { directory } from '../../api/v1alpha1/task-values.ts';
import { plannedSet } from '../../api/v1alpha1/restore-report.ts';
import { checks } from '../../api/v1alpha1/verification.ts';
import { RunError } from '../../errors/run-error.ts';
import { replaceFile } from '../disk.ts';

/**
 * What the container that fetches leaves for the one that loads and compares: one JSON file beside the sets that it fetched. Only a set that
 * is whole is handed over: of one that is not the first container says so itself, and the pod ends.
 */

/** Name of the file in the volume that both have. */
export const handoverFile = 'fetched.json';

const fetchedSet = z.object({
  set: plannedSet,
  directory: directory.describe('Where the files of the backup lie: the dump and facts.json.'),
  checks: checks.omit({ restorable: true }).describe('What fetching it has shown.'),
  bytes: z.int().min(0).describe('Size of the files together.'),
  seconds: z.number().min(0).describe('How long it took to fetch and decrypt, in seconds.'),
});
export type FetchedSet = z.output<typeof fetchedSet>;

export const handover = z.object({ latest: fetchedSet, older: fetchedSet.optional() });
export type Handover = z.output<typeof handover>;

/** Hands over what was fetched, when all of it lies there. */
export const writeHandover = (fetched: string, given: Handover): Promise<void> =>
  replaceFile(join(fetched, handoverFile), `${JSON.stringify(given)}\n`);

/** What was handed over. @throws RunError InternalError: nothing was, or what leads elsewhere */
export const readHandover = async (fetched: string): Promise<Handover> => {
  const path = join(fetched, handoverFile);
  let given: Handover;
  try {
    given = handover.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new RunError('InternalError', `What was fetched cannot be read from ${path}: ${String(error)}.`, {
      cause: error,
    });
  }
  for (const { directory } of [given.latest, ...(given.older ? [given.older] : [])]) {
    const below = relative(fetched, directory);
    if (below === '' || below.startsWith('..') || below.startsWith('/'))
      throw new RunError('InternalError', `${directory} is not in the volume of what was fetched.`);
  }
  return given;
};
