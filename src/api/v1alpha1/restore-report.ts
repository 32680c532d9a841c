import { z } from 'zod';
import { sha256, time } from './primitives.ts';
import { verifiedSet } from './verification.ts';

/** What the containers of a restore say, each in its result. The plan and the steps in a request's status are made of it. */

/** The point that a restore is asked for. */
export const restorePointAsked = z.discriminatedUnion('by', [
  z.object({ by: z.literal('Latest') }),
  z.object({ by: z.literal('At'), time: time.describe('The newest set whose data is not younger than this.') }),
  z.object({ by: z.literal('Before'), time: time.describe('The newest set whose data is older than this.') }),
]);
export type RestorePointAsked = z.output<typeof restorePointAsked>;

const count = z.int().min(0);

/** As much room has what is said of a set that no ledger records. */
export const maxUnrecordedWords = 512;
export const maxPassedOverWords = 400;

/** A set as a plan names it. */
export const plannedSet = verifiedSet.extend({
  unrecorded: z
    .literal(true)
    .describe(
      'No ledger records it: it was found in the repository. Its data is not younger than dataTime, which is the time of the set; setDigest is of the names and sizes of its files and of its manifests, as they were stored when it was planned.',
    )
    .optional(),
});
export type PlannedSet = z.output<typeof plannedSet>;
export const restoreIdentity = z
  .string()
  .regex(/^[0-9a-f]{8}$/)
  .describe('In the names of all that a restore makes at the destination: always the same for one request and policy.');

/** The very set that is restored: resolved by the ledger and a fresh listing of the repository, never by duplicity’s own choice. */
export const restorePoint = z.object({
  set: plannedSet.describe('The set.'),
  verifiedTime: time.describe('When this very set was last restored and found equal; missing: never.').optional(),
  sets: count.describe('How many sets of its chain are read for it, itself included.'),
  storedBytes: count.describe('Their size in the repository.'),
  sourceBytes: count.describe('Size of the dump that comes out of it.').optional(),
  sourceRows: count.describe('Rows, points or objects in it, as they were counted when it was made.').optional(),
  server: z.string().max(64).describe('Engine and version of the source when it was dumped.').optional(),
  unrecorded: z
    .string()
    .max(maxUnrecordedWords)
    .describe('Of a set that no ledger records: what nothing witnesses of it, and who could have made it.')
    .optional(),
  passedOver: z
    .string()
    .max(maxPassedOverWords)
    .describe('Newer sets that are as old as was asked for and are not taken, with the reason.')
    .optional(),
  earliest: time.describe('Data of the oldest set that could be restored instead.'),
  latest: time.describe('Data of the newest one.'),
});
export type RestorePoint = z.output<typeof restorePoint>;

/** What is at the destination before anything is touched: the evidence for or against a loss. */
export const destinationEvidence = z.object({
  server: z.string().max(64).describe('Engine and version of the server, or what the destination is.').optional(),
  present: z.boolean().describe('Whether there is anything by the names that are restored.'),
  objects: count.describe('Tables, views, measurements, refs and so on that are there.'),
  rows: count.describe('Rows, points or objects, counted now.').optional(),
  missing: z
    .array(z.string().max(80))
    .max(5)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('What the newest backup holds and the destination does not; the first of them.'),
  missingCount: count.describe('How many there are of those.'),
  expectedRows: count.describe('Rows of the newest backup, to compare with.').optional(),
  expectedTime: time.describe('State of the data of that backup.').optional(),
  healthy: z.boolean().describe('Nothing is missing and the rows have not shrunk: a loss cannot be seen from here.'),
  summary: z.string().max(240).describe('The same in words.'),
});
export type DestinationEvidence = z.output<typeof destinationEvidence>;

/** What was set aside when the restored data took its place. */
export const safetyCopy = z.object({
  kind: z
    .enum(['Databases', 'LocalCopy', 'Directory', 'Refs', 'None'])
    .describe('What it is. None: there was nothing to be set aside.'),
  names: z
    .array(z.string().max(160))
    .max(8)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('Where it is: databases, a directory, refs; the first of them.'),
  count: count.describe('How many names there are.'),
  howToUse: z.string().max(320).describe('How to look at it, and how to put it back by hand.').optional(),
  putBackWith: z
    .string()
    .max(1024)
    .describe('The command that makes the request by which it is put back; of the operator.')
    .optional(),
});
export type SafetyCopy = z.output<typeof safetyCopy>;

/** A safety copy that was looked at and found whole. */
export const safetyCopyFound = z.object({
  objects: count.describe('Tables, views, measurements, refs and so on in it.'),
  rows: count.describe('Rows, points or objects, where they were counted.').optional(),
});
export type SafetyCopyFound = z.output<typeof safetyCopyFound>;

/** What the destination holds when a container has ended. */
export const destinationState = z.enum(['Untouched', 'Replaced', 'PutBack', 'Unavailable']);
export type DestinationState = z.output<typeof destinationState>;

export const restoreReport = z.object({
  point: restorePoint.describe('Of the container that resolves.').optional(),
  destination: destinationEvidence.describe('Of the container that inspects.').optional(),
  copy: safetyCopyFound.describe('Likewise, of the safety copy that is to be put back.').optional(),
  fetched: z
    .object({ bytes: count, seconds: z.number().min(0) })
    .describe('Of the container that fetches.')
    .optional(),
  compared: z
    .object({
      objects: count,
      rows: count,
      factsDigest: sha256
        .describe('SHA-256 of the facts that all of it was compared with; missing when they do not witness all.')
        .optional(),
      loadSeconds: z.number().min(0).optional(),
      compareSeconds: z.number().min(0).optional(),
      server: z.string().max(64).optional(),
    })
    .describe('What was loaded and found equal to the facts of the set: of load and check.')
    .optional(),
  safetyCopy: safetyCopy.describe('Of the container that swaps.').optional(),
  state: destinationState
    .describe(
      'Untouched: what was there before is as it was. Replaced: the restored data is in its place, whole. PutBack: the exchange failed and was undone, whole. Unavailable: neither is whole; a restore that is asked for again first puts back what was there.',
    )
    .optional(),
});
export type RestoreReport = z.output<typeof restoreReport>;
