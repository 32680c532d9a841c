import { z } from 'zod';
import type { DeepReadonly } from '../../base/types.ts';
import { condition } from './conditions.ts';
import { egressCIDRs, podTemplate, quiesce } from './later.ts';
import { celRules, shortDigest, time } from './primitives.ts';
import {
  chain,
  jobKind,
  localCopies,
  localCopyPoint,
  recovery,
  retentionState,
  scheduledKinds,
  setPoint,
  sourceDigest,
  storedIn,
} from './recovery-points.ts';
import { encryption } from './encryption.ts';
import { repository } from './repository.ts';
import { restorePolicy } from './restore-policy.ts';
import { failure } from './result.ts';
import { deadlines, localCopy, objectives, retention, schedule } from './schedule.ts';
import { source } from './source.ts';
import { lastFailedVerification, lastVerification, lastVerified } from './verification-status.ts';
import { verification } from './verification.ts';

/** The API group of all resources. */
export const group = 'holdfast.dev';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;

/** What a person promises: written by people and GitOps, never by the operator. */
export const backupPolicySpec = z
  .object({
    source,
    repository,
    encryption,
    schedule,
    localCopy: localCopy.prefault({}),
    deadlines: deadlines.prefault({}),
    objectives: objectives.optional(),
    retention: retention.optional(),
    verification: verification.optional(),
    restore: restorePolicy.optional(),
    quiesce: quiesce.optional(),
    podTemplate: podTemplate.optional(),
    egressCIDRs: egressCIDRs.optional(),
    suspend: z
      .boolean()
      .default(false)
      .describe('Starts no more runs. A run that is under way goes on; what is stored stays.'),
  })
  .meta(
    celRules(
      {
        rule: '!has(self.source.files) || !has(self.repository.volume) || self.source.files.claimName != self.repository.volume.claimName',
        message: 'repository.volume.claimName: must not be the claim that is backed up; name another',
      },
      {
        rule: '!has(self.verification) || has(self.schedule.verify)',
        message: 'verification does nothing without schedule.verify: set when backups are verified, or remove it',
      },
      {
        rule: '!has(self.schedule.verify) || !has(self.encryption.gpg) || has(self.encryption.gpg.privateKeySecretRef)',
        message:
          'schedule.verify needs encryption.gpg.privateKeySecretRef: what is stored cannot be opened without the private key',
      },
      {
        rule: '!has(self.quiesce) || !has(self.quiesce.readOnly) || has(self.source.mysql)',
        message:
          'quiesce.readOnly: only a MySQL or MariaDB server can be made read-only; set quiesce.workloads, or none',
      },
      {
        rule: '!has(self.verification) || !has(self.verification.queries) || size(self.verification.queries) == 0 || has(self.source.mysql) || has(self.source.influxdb)',
        message:
          'verification.queries must not be set for a source that takes none: only MySQL, MariaDB and InfluxDB do',
      },
    ),
  )
  .describe('What is backed up, where to, when, and what was promised.');
export type BackupPolicySpec = DeepReadonly<z.output<typeof backupPolicySpec>>;

const lastRun = z.object({
  kind: jobKind.describe('What the run was started for.'),
  jobName: z.string().max(253).describe('Its Job.'),
  completionTime: time.describe('When it ended.'),
  outcome: z.enum(['Succeeded', 'Failed', 'Unknown']).describe('Unknown: it ended, and nobody can say how.'),
  reason: z.string().max(64).describe('Why it failed.').optional(),
  repository: shortDigest.describe('Digest of where the policy stored then, and of what opened it.').optional(),
});
export type LastRun = DeepReadonly<z.output<typeof lastRun>>;

const lastFailure = failure
  .extend({
    time: time.describe('When the run ended.'),
    jobName: z
      .string()
      .max(253)
      .describe('The Job of the run: `kubectl logs job/<jobName> --all-containers --ignore-errors` has the details.'),
    kind: jobKind.describe('What the run was started for.'),
  })
  .describe('The newest run that failed. It stays after later successes, as history.');
export type LastFailure = DeepReadonly<z.output<typeof lastFailure>>;

const lastDump = z.object({
  jobName: z.string().max(253).describe('The Job that dumped.'),
  startTime: time.describe('When it first asked the source for the dump.'),
  endTime: time.describe('When the dump ended, however it did.'),
});

const nextRunTimes = z.object({
  localCopy: time.describe('The next local copy.').optional(),
  full: time.describe('The next full.').optional(),
  incremental: time.describe('The next incremental.').optional(),
  verify: time.describe('The next verification.').optional(),
});

const seconds = z.int().min(0);

/** What recovery promises, beside what can be recovered. */
const recoveryState = recovery.extend({
  latest: time
    .describe(
      'The newest set in the repository that is known to be whole, and not of a chain that a verification found damaged: what the RPO is judged by.',
    )
    .optional(),
  metUntil: time
    .describe(
      'Until when `latest` is new enough for the RPO, with no further backup. True in RecoveryPointMet counts only before it: an operator that is away turns nothing False.',
    )
    .optional(),
  measuredSeconds: seconds.describe('How long the newest restore that was measured took, in seconds.').optional(),
  estimatedSeconds: seconds
    .describe('What a restore would take now: the measured one, scaled by how much the source has grown since.')
    .optional(),
});

const timetable = z.object({
  key: z.string().max(64).describe('Digest of the lines, the time zone, deadlines.start and suspend.'),
  since: time.describe('Since when they are so: no earlier time is asked for.'),
  cronJobs: z
    .array(z.enum(scheduledKinds))
    .max(scheduledKinds.length)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe(
      'The kinds of run whose CronJob was there: one that is gone with no change of the spec was deleted by somebody.',
    )
    .optional(),
});
export type Timetable = z.output<typeof timetable>;

const lastRequestedRun = z.object({
  value: z.string().max(160).describe('The value of the annotation: each starts one run.'),
  jobName: z.string().max(253).describe('The Job that was made for it.').optional(),
  problem: z.string().max(512).describe('Why none was made.').optional(),
});
export type LastRequestedRun = DeepReadonly<z.output<typeof lastRequestedRun>>;

const lastRestore = z.object({
  request: z.string().max(253).describe('Name of the RestoreRequest.'),
  completionTime: time.describe('When the request was finished.'),
  outcome: z.enum(['Completed', 'Failed', 'Cancelled']).describe('How it ended for this policy.'),
  dataTime: time.describe('State of the data that was brought back.').optional(),
  state: z.string().max(16).describe('What the destination held then; of a restore in place.').optional(),
  proof: z
    .string()
    .max(16)
    .describe('What was proven of it: Equal, EqualToCopy, PartlyUnknown or FilesWhole.')
    .optional(),
  jobName: z.string().max(253).describe('Its Job.').optional(),
  measuredSeconds: seconds.describe('How long it took, in seconds.').optional(),
  sourceBytes: z.int().min(0).describe('Size of the dump that was restored.').optional(),
  source: sourceDigest.optional(),
});
export type LastRestore = DeepReadonly<z.output<typeof lastRestore>>;

/** What is: written by the operator only. Times never go back. */
export const backupPolicyStatus = z
  .object({
    observedGeneration: z.int().min(0).describe('The generation of the spec that this status is about.').optional(),
    conditions: z
      .array(condition)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .describe('Protected summarises the others: it is True only while all of them are.')
      .optional(),
    storedIn: storedIn
      .describe(
        'The repository that this status is about. When the spec names another one, nothing here proves anything of that: the conditions say RepositoryChanged until a backup is there.',
      )
      .optional(),
    lastBackupTime: time.describe('The state of the data in the newest backup in the repository.').optional(),
    lastLocalCopy: localCopyPoint.describe('The newest local copy.').optional(),
    localCopies: localCopies.describe('The local copies on the claim.').optional(),
    lastFull: setPoint.describe('The newest full in the repository.').optional(),
    lastIncremental: setPoint.describe('The newest incremental in the repository.').optional(),
    chain: chain.describe('The newest chain in the repository.').optional(),
    retention: retentionState
      .extend({ lastPruneTime: time.describe('When retention last ran to its end.') })
      .describe('What retention found and left when it last succeeded.')
      .optional(),
    recovery: recoveryState.describe('To which points the data can be brought back, on site and off site.').optional(),
    lastRuns: z
      .array(lastRun)
      .max(8)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['kind'] })
      .describe('How the newest run of each kind ended.')
      .optional(),
    lastDump: lastDump.describe('When the newest dump ran, whatever became of it.').optional(),
    lastFailure: lastFailure.optional(),
    lastVerifiedTime: time.describe('When a backup was last restored and found equal.').optional(),
    lastVerified: lastVerified.describe('The newest verification that proved a backup.').optional(),
    lastVerification: lastVerification.describe('The newest verification, however it ended.').optional(),
    lastFailedVerification: lastFailedVerification
      .describe('The newest verification that found something wrong. It stays after later successes, as history.')
      .optional(),
    lastRestore: lastRestore
      .describe('The newest restore that was finished; it stays when the request is gone.')
      .optional(),
    lastRequestedRun: lastRequestedRun
      .describe('The newest run that the annotation holdfast.dev/run asked for.')
      .optional(),
    timetable: timetable.describe('What runs are expected by.').optional(),
    nextRunTimes: nextRunTimes.describe('When the next run of each kind starts.').optional(),
    nextRunTime: time.describe('The earliest of nextRunTimes.').optional(),
    claimName: z.string().max(253).describe('The claim that holds local copies, signatures and the ledger.').optional(),
  })
  .describe('What is there, what is proven, and what is not.');
export type BackupPolicyStatus = DeepReadonly<z.output<typeof backupPolicyStatus>>;

export const backupPolicy = z
  .object({ spec: backupPolicySpec, status: backupPolicyStatus.optional() })
  .meta(
    celRules({
      rule: `!has(self.spec.repository.volume) || self.spec.repository.volume.claimName != self.metadata.name + '-holdfast'`,
      message:
        'repository.volume.claimName: must not be the claim of the policy itself, which holds its local copies; name another',
    }),
  )
  .describe(
    'A BackupPolicy says what is backed up, where to and when, and which RPO and RTO were promised. Holdfast keeps it.',
  );

/** What the operator reads of a resource's metadata. */
export const objectMeta = z.object({
  name: z.string(),
  namespace: z.string(),
  uid: z.string(),
  generation: z.int().default(1),
  resourceVersion: z.string(),
  creationTimestamp: time,
  deletionTimestamp: time.optional(),
});
export type ObjectMeta = DeepReadonly<z.output<typeof objectMeta>>;

/** A BackupPolicy as read from the API server. */
export interface BackupPolicy {
  readonly metadata: ObjectMeta;
  readonly spec: BackupPolicySpec;
}

/** Names, short names and columns of the resource, as the CRD carries them. */
export const backupPolicyNames = {
  kind: 'BackupPolicy',
  listKind: 'BackupPolicyList',
  plural: 'backuppolicies',
  singular: 'backuppolicy',
  shortNames: ['bp'],
  categories: ['holdfast'],
} as const;

const conditionStatus = (type: string): string => `.status.conditions[?(@.type=="${type}")].status`;

/** What `kubectl get backuppolicies` shows. */
export const backupPolicyColumns = [
  {
    name: 'Protected',
    type: 'string',
    jsonPath: conditionStatus('Protected'),
    description: 'True only while everything that was promised is proven.',
  },
  {
    name: 'Last Backup',
    type: 'date',
    jsonPath: '.status.lastBackupTime',
    description: 'Age of the newest data in the repository.',
  },
  {
    name: 'Last Verified',
    type: 'date',
    jsonPath: '.status.lastVerifiedTime',
    description: 'When a backup was last restored and compared.',
  },
  {
    name: 'RPO',
    type: 'string',
    jsonPath: conditionStatus('RecoveryPointMet'),
    description: 'Whether the recovery point objective holds.',
  },
  {
    name: 'RTO',
    type: 'string',
    jsonPath: conditionStatus('RecoveryTimeMet'),
    description: 'Whether the recovery time objective holds.',
  },
  { name: 'Next', type: 'string', jsonPath: '.status.nextRunTime', description: 'When the next run starts (UTC).' },
  { name: 'Suspended', type: 'boolean', jsonPath: '.spec.suspend', description: 'Whether runs are suspended.' },
  {
    name: 'Ready',
    type: 'string',
    jsonPath: conditionStatus('Ready'),
    description: 'Whether the spec is applied.',
    priority: 1,
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age of the policy.' },
] as const;
