import { z } from 'zod';
import { checks, verifiedSet } from '../../api/v1alpha1/verification.ts';
import { directory } from '../../api/v1alpha1/task-values.ts';

/**
 * What the container that fetches leaves for the one that loads and compares: one JSON file beside the sets that it fetched. Only a set that
 * is whole is handed over: of one that is not the first container says so itself, and the pod ends.
 */

/** Name of the file in the volume that both have. */
export const handoverFile = 'fetched.json';

const fetchedSet = z.object({
  set: verifiedSet,
  directory: directory.describe('Where the files of the backup lie: the dump and facts.json.'),
  checks: checks.omit({ restorable: true }).describe('What fetching it has shown.'),
  bytes: z.int().min(0).describe('Size of the files together.'),
  seconds: z.number().min(0).describe('How long it took to fetch and decrypt, in seconds.'),
});
export type FetchedSet = z.output<typeof fetchedSet>;

export const handover = z.object({ latest: fetchedSet, older: fetchedSet.optional() });
export type Handover = z.output<typeof handover>;
