import { z } from 'zod';
import { sha256, shortDigest, time } from './primitives.ts';

/** What a run leaves behind and status shows. The agent reports these, the ledger on the claim remembers them, status carries them. */

export const runKinds = ['LocalCopy', 'Full', 'Incremental'] as const;

/** What a run that backs up was started for. */
export const runKind = z.enum(runKinds);
export type RunKind = z.output<typeof runKind>;

/** What a policy schedules: a CronJob each. */
export const scheduledKinds = [...runKinds, 'Verify'] as const;
export type ScheduledKind = (typeof scheduledKinds)[number];

/** What a Job was started for: a backup, a Job that the operator makes itself for retention or a restore, or a verification. */
export const jobKind = z.enum([...runKinds, 'Prune', 'Verify', 'Restore']);
export type JobKind = z.output<typeof jobKind>;

/** What a source is told by: it goes with every copy and set, so that what was backed up of another proves nothing of this one. */
export const sourceDigest = shortDigest.describe(
  'Digest of what spec.source named when the data was dumped: host, port, databases, URL; not what signs in.',
);

/** What evidence is about, as the operator tells the agent: of the policy as it was when the pod was made. */
export const subject = z.object({
  source: sourceDigest,
  repository: shortDigest.describe('Digest of where backups are stored and how they are encrypted.'),
});
export type Subject = z.output<typeof subject>;

/** Where what status remembers is stored. */
export const storedIn = z.object({
  repository: z.string().max(1024).describe('The repository.'),
  encryption: z.string().max(1024).describe('What opens it.'),
  since: time.describe('Since when it is this one; missing when it was never another.').optional(),
});
export type StoredIn = z.output<typeof storedIn>;

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
  rows: z.int().min(0).describe('How much it holds: rows, points or files, whatever the engine counts.').optional(),
  shrunk: z
    .string()
    .max(160)
    .describe('What it holds less than what is stored, when that is so much that the source may have been emptied.')
    .optional(),
  quiesced: quiesced
    .describe('How the source was kept still until the dump had ended; missing when it was not.')
    .optional(),
});
export type LocalCopyPoint = z.output<typeof localCopyPoint>;

/** Engine and version of the source, for a scratch server of the same release: `mariadb 10.11.6`. */
const server = z.string().max(64).describe('Engine and version of the source that was dumped.');

/** A set in the repository. */
export const setPoint = point.extend({
  setTime: time.describe('The time duplicity knows the set by.'),
  sentBytes: bytes.describe('Bytes of changed data that were read into the set.'),
  setDigest: sha256.describe('SHA-256 of the manifest, which holds a hash of each volume.'),
  server: server.optional(),
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

/** What retention left behind when it last ran. */
export const retentionState = z.object({
  rule: z
    .string()
    .max(64)
    .describe('Digest of what was asked: retention, time zone, what was accepted. Another one is judged anew.'),
  fullTime: time.describe('The newest full at that time.'),
  removed: z.int().min(0).describe('How many chains that run removed.'),
  chains: z.int().min(0).describe('How many chains are kept, broken ones included.'),
  oldestPointTime: time.describe('The oldest state of the data that can be restored.').optional(),
  nextDue: time.describe('When the next chain comes due; missing when that takes another full.').optional(),
  left: z
    .string()
    .max(200)
    .describe('What is older than asked and was not removed, since Holdfast did not make it or does not know it.')
    .optional(),
});
export type RetentionState = z.output<typeof retentionState>;

/** As many local copies are listed one by one. */
export const maxListedCopies = 8;

const copyName = z
  .string()
  .regex(/^\d{8}T\d{6}Z$/)
  .describe('Its directory among the local copies, named by the state of its data.');

/** The local copies as a result tells of them: short, since a result has 2 KiB in all. */
export const copiesReport = z.object({
  count: z.int().min(0),
  newest: z
    .array(z.object({ name: copyName, sizeBytes: bytes, shipped: z.literal(true).optional() }))
    .max(maxListedCopies),
});
export type CopiesReport = z.output<typeof copiesReport>;

/** What can be restored from the repository, as it was last listed. */
export const recoveryReport = z.object({
  checkedTime: time,
  earliest: time.optional(),
  offSite: time.optional(),
  source: sourceDigest.describe('Of what the newest set holds.').optional(),
  earliestSource: sourceDigest.describe('Of what the oldest set holds.').optional(),
});
export type RecoveryReport = z.output<typeof recoveryReport>;

/** The local copies as status shows them. */
export const localCopies = z.object({
  listedTime: time.describe('When they were last listed.'),
  count: z.int().min(0).describe('How many there are.'),
  newest: z
    .array(
      z.object({
        name: copyName,
        dataTime: time.describe('The state of the data.'),
        sizeBytes: bytes.describe('Size in bytes.'),
        shipped: z.boolean().describe('Whether it was shipped to the repository.'),
      }),
    )
    .max(maxListedCopies)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe(`The newest of them, newest first; at most ${maxListedCopies}.`),
});

/** To which points the data can be brought back, as far as is known. Ages are not stored: they change by themselves. */
export const recovery = z.object({
  onSite: z
    .object({
      dataTime: time.describe('The state of the data.'),
      where: z.enum(['LocalCopy', 'Repository']).describe('Where it lies: on the claim, or in the repository.'),
    })
    .describe('The newest point at all. A local copy counts here only: it goes with the cluster.')
    .optional(),
  offSite: z
    .object({ dataTime: time.describe('The state of the data.'), source: sourceDigest.optional() })
    .describe('The newest set in the repository whose chain was whole when it was last listed.')
    .optional(),
  earliest: time.describe('The oldest set in the repository whose chain was whole when it was last listed.').optional(),
  earliestSource: sourceDigest.optional(),
  checkedTime: time.describe('When the repository was last listed.').optional(),
});
