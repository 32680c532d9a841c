import { z } from 'zod';
import { sha256, shortDigest, time } from '../api/v1alpha1/primitives.ts';
import { jobKind, localCopyPoint, setPoint, sourceDigest } from '../api/v1alpha1/recovery-points.ts';
import { failure } from '../api/v1alpha1/result.ts';

/**
 * The ledger on the claim: what was made, from which every result reports the newest. It is written aside and renamed, under a lock.
 * A damaged or missing ledger loses no backup: the next incremental becomes a full, and local copies are read from their directories.
 */

const file = z.object({ name: z.string(), size: z.int().min(0), sha256: z.string().optional() });

export const ledgerCopy = localCopyPoint.extend({
  files: z.array(file).describe('Every file of the copy with its size and SHA-256.'),
  server: setPoint.shape.server,
  source: sourceDigest.optional(),
  takenBy: z
    .string()
    .optional()
    .describe(
      'The Job that ships this copy. A copy is taken once, so that two runs never ship the same, and none waits in vain.',
    ),
  holding: z
    .array(z.string())
    .optional()
    .describe('Names of what holds something in it (tables, measurements), to notice what is gone from the next.'),
  shippedAs: time.optional().describe('The set time of the set that holds this copy: a copy is shipped once.'),
});
export type LedgerCopy = z.output<typeof ledgerCopy>;

export const ledgerSet = setPoint.extend({
  type: z.enum(['Full', 'Incremental']),
  copy: z.string().describe('Name of the local copy it was made from.'),
  source: sourceDigest.optional(),
  sourceBytes: z.int().min(0).optional().describe('Size of that copy.'),
  sourceRows: z.int().min(0).optional().describe('Rows of that copy.'),
  files: z.array(file).describe('The files of the set in the repository, as listed after the upload.'),
  content: z
    .object({
      files: z.int().min(0).describe('How many files the copy has.'),
      digest: sha256.describe('SHA-256 of their names, sizes and SHA-256s.'),
    })
    .optional()
    .describe('What must come out of the set: the witness for every file, also when the local copy is gone.'),
  signaturesDigest: sha256
    .optional()
    .describe('SHA-256 of its signatures, decrypted and unpacked: nothing else says that they were not exchanged.'),
  verifiedTime: time.optional().describe('When this set was last restored and found equal.'),
});
export type LedgerSet = z.output<typeof ledgerSet>;

export const ledgerChain = z.object({
  repository: z.string().describe('Identity of the repository: scheme, user, host, port and path.'),
  place: shortDigest
    .optional()
    .describe('Digest of repository and encryption by the policy that last added to it: what opens all of it.'),
  directory: z.string().describe('Directory of the chain below that of the policy.'),
  encryption: z
    .string()
    .describe(
      'What the chain is encrypted with: "gpg:<fingerprint>", "passphrase" or "none". A change begins a new chain.',
    ),
  sets: z.array(ledgerSet).describe('The full, then the incrementals in order.'),
  problem: z.string().optional().describe('Why the chain is no longer continued.'),
  damaged: z
    .string()
    .optional()
    .describe('What a verification found wrong in it. That its files are all there does not mend it.'),
  removing: z
    .boolean()
    .optional()
    .describe('Retention began to remove it: it is neither continued nor restored from, and its removal is finished.'),
  checkedTime: time,
});
export type LedgerChain = z.output<typeof ledgerChain>;

export const ledgerRun = z.object({
  jobName: z.string(),
  kind: jobKind,
  startTime: time,
  completionTime: time,
  outcome: z.enum(['Succeeded', 'Failed']),
  failure: failure.optional(),
});

export type LedgerRun = z.output<typeof ledgerRun>;

/** At most this many runs are remembered. */
export const maxLedgerRuns = 200;

export const ledger = z.object({
  version: z.literal(1),
  copies: z.array(ledgerCopy).describe('Local copies, oldest first.'),
  chains: z.array(ledgerChain).describe('Chains, oldest first.'),
  runs: z.array(ledgerRun).describe('The newest runs, oldest first.'),
  acceptedShrink: time
    .optional()
    .describe('A loss up to the copy of this data time was meant: nothing before it is compared with.'),
  restored: z
    .object({ time, request: z.string().describe('Name of the RestoreRequest.') })
    .optional()
    .describe('When data was last replaced by a restore, or may have been: a full of before it is not continued.'),
});
export type Ledger = z.output<typeof ledger>;

export const emptyLedger = (): Ledger => ({ version: 1, copies: [], chains: [], runs: [] });
