import { z } from 'zod';
import { sha256, time } from './primitives.ts';

/** What a run leaves behind and status shows. The agent reports these, the ledger on the claim remembers them, status carries them. */

export const runKinds = ['LocalCopy', 'Full', 'Incremental'] as const;

/** What a run was started for. */
export const runKind = z.enum(runKinds);
export type RunKind = z.output<typeof runKind>;

const bytes = z.int().min(0);

const point = z.object({
  dataTime: time.describe('The state of the data: when the snapshot of the dump began.'),
  completionTime: time.describe('When it was complete and checked.'),
  durationSeconds: z.int().min(0).describe('How long it took to make, in seconds.'),
  sizeBytes: bytes.describe(
    'Size in bytes: of the dump for a local copy, of what is stored for a set in the repository.',
  ),
  jobName: z.string().max(253).describe('The Job that made it.'),
  factsDigest: sha256
    .describe(
      'SHA-256 of facts.json, which says what the source held: the witness that a restore is compared with. Missing when unknown.',
    )
    .optional(),
});

/** How a source was kept still while it was dumped. */
export const quiesced = z.enum(['ReadOnly', 'Workloads']);
export type Quiesced = z.output<typeof quiesced>;

/** A dump on the claim. */
export const localCopyPoint = point.extend({
  name: z.string().max(64).describe('Its directory among the local copies.'),
  notCovered: z
    .array(z.string().max(160))
    .max(4)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('What the source holds and this copy does not, or not surely of the same moment.')
    .optional(),
  quiesced: quiesced
    .describe('How the source was kept still until the dump had ended; missing when it was not.')
    .optional(),
});
export type LocalCopyPoint = z.output<typeof localCopyPoint>;

/** A set in the repository. */
export const setPoint = point.extend({
  setTime: time.describe('The time duplicity knows the set by.'),
  sentBytes: bytes.describe('Bytes of changed data that were read into the set.'),
  setDigest: sha256.describe('SHA-256 of the manifest, which holds a hash of each volume.'),
});
export type SetPoint = z.output<typeof setPoint>;

/** The newest chain: a full and the incrementals that continue it. */
export const chain = z.object({
  fullTime: time.describe('The time duplicity knows the full by.'),
  incrementals: z.int().min(0).describe('How many incrementals continue it.'),
  intact: z
    .boolean()
    .describe('Whether every file of the chain was in the repository with its size when it was last listed.'),
  checkedTime: time.describe('When the repository was last listed.'),
  problem: z.string().max(256).describe('What is missing or differs, when the chain is not intact.').optional(),
});
export type Chain = z.output<typeof chain>;
