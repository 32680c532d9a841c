import { z } from 'zod';
import type { DeepReadonly } from '../../base/types.ts';
import { failureReasons } from '../../errors/catalogue.ts';
import type { ObjectMeta } from './backuppolicy.ts';
import { condition } from './conditions.ts';
import { celRules, duration, exactlyOneOf, objectName, sha256, time } from './primitives.ts';
import { confirmationMode, workloadRef } from './restore-policy.ts';
import {
  destinationEvidence,
  destinationState,
  maxPassedOverWords,
  maxUnrecordedWords,
  plannedSet,
  restoreIdentity,
  safetyCopy,
} from './restore-report.ts';
import { runSteps } from './result.ts';
import { influxdbSource } from './sources/influxdb.ts';
import { mysqlSource } from './sources/mysql.ts';
import { databaseName } from './sources/database-name.ts';

/** As many policies one request may bring back side by side. */
export const maxPolicyRefs = 16;

const inPlace = z
  .object({
    overwriteHealthy: z
      .literal(true)
      .describe(
        'Replaces data that looks whole as well: without this word a restore over a destination where nothing is missing is refused.',
      )
      .optional(),
  })
  .describe('Where the data came from: what is there now is set aside.');

const newDatabase = z
  .object({ name: databaseName.describe('Name of the database, which must not be there yet.') })
  .describe('A new database on the server of the source, beside the present one. For a backup of one database.');

const server = z
  .object({
    mysql: mysqlSource
      .omit({ databases: true, all: true, accounts: true })
      .describe('A MySQL or MariaDB server.')
      .optional(),
    influxdb: influxdbSource.omit({ database: true }).describe('An InfluxDB 1.x server.').optional(),
  })
  .meta(celRules(exactlyOneOf('server', ['mysql', 'influxdb'])))
  .describe('Another server, which must not have databases of these names.');

const volume = z
  .object({ claimName: objectName.describe('A claim in the same namespace with room for the dump.') })
  .describe('The files of the backup on a claim, as they were dumped, in a directory named after the request.');

const sandbox = z
  .object({
    keepFor: duration
      .default('1h')
      .describe('How long the restored data can be looked at before it is thrown away, for example 1h.'),
  })
  .describe('A check of your own: restored into a scratch server, compared, shown for a while, thrown away.');

const destination = z
  .object({
    inPlace: inPlace.optional(),
    newDatabase: newDatabase.optional(),
    server: server.optional(),
    volume: volume.optional(),
    sandbox: sandbox.optional(),
  })
  .meta(celRules(exactlyOneOf('destination', ['inPlace', 'newDatabase', 'server', 'volume', 'sandbox'])))
  .describe('Where the data is brought to. Exactly one.');
export type Destination = DeepReadonly<z.output<typeof destination>>;

/** What of a request never changes. */
export const immutableRequestFields = [
  'policyRefs',
  'pointInTime',
  'lossTime',
  'acceptUnrecorded',
  'safetyCopyOf',
  'destination',
  'reason',
  'evidence',
  'requestedBy',
  'ttlAfterFinished',
];

/** What a person asks for. Nothing of it changes but for `cancel` and `externalStopped`, which only ever become true. */
export const restoreRequestSpec = z
  .object({
    policyRefs: z
      .array(z.object({ name: objectName.describe('Name of a BackupPolicy in the same namespace.') }))
      .min(1)
      .max(maxPolicyRefs)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe('What is brought back: one service, or several side by side.'),
    pointInTime: time
      .describe('The newest backup whose data is not younger than this. Not together with lossTime.')
      .optional(),
    lossTime: time
      .describe('When data was lost or damaged: the newest backup whose data is older than this is taken.')
      .optional(),
    acceptUnrecorded: z
      .literal(true)
      .describe(
        'Takes a set that is in the repository and that no ledger records as well, where none is recorded that is as new: in a new cluster, or when the claim was lost. Nothing witnesses what is in it, so the restore is never said to be proven.',
      )
      .optional(),
    safetyCopyOf: z
      .object({
        name: objectName.describe('Name of the finished request, in the same namespace and of the same policies.'),
      })
      .describe(
        'Puts back what that request set aside when it replaced the data, instead of a backup: in place alone, and not together with pointInTime, lossTime or acceptUnrecorded. What is there now becomes the safety copy of this request. It needs no overwriteHealthy: it always replaces what a restore brought.',
      )
      .optional(),
    destination,
    reason: z
      .enum(['Corrupted', 'Modified', 'Stolen', 'Deleted', 'HardwareFailure', 'SoftwareFailure', 'Drill'])
      .describe('Why: what happened to the data.'),
    evidence: z.string().max(2048).describe('What was seen, in words.').optional(),
    requestedBy: z
      .string()
      .min(1)
      .max(256)
      .describe('Who asks: your own user name, as `kubectl auth whoami` shows it.'),
    ttlAfterFinished: duration
      .default('4w')
      .describe('How long a finished request stays. The policy’s status keeps its last restore.'),
    cancel: z
      .boolean()
      .default(false)
      .describe('Stops it, as long as the present data was not replaced. Cannot be taken back.'),
    externalStopped: z
      .boolean()
      .default(false)
      .describe(
        'The word that what restore.external of the policy names is stopped: the restored data may take its place. Cannot be taken back.',
      ),
  })
  .meta(
    celRules(
      {
        rule: '!has(self.pointInTime) || !has(self.lossTime)',
        message: 'set pointInTime, lossTime, or neither for the newest backup; not both',
      },
      {
        rule: '!has(self.safetyCopyOf) || (!has(self.pointInTime) && !has(self.lossTime) && !has(self.acceptUnrecorded))',
        message:
          'a safety copy is of one time, and no backup: with safetyCopyOf set neither pointInTime, lossTime nor acceptUnrecorded',
      },
      {
        rule: '!has(self.safetyCopyOf) || has(self.destination.inPlace)',
        message: 'a safety copy is put back where it was: with safetyCopyOf set destination.inPlace',
      },
      ...immutableRequestFields.map((field) => ({
        rule: `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
        message: `${field} cannot be changed: what is confirmed is what was asked for. Make another request`,
      })),
      {
        rule: '!oldSelf.cancel || self.cancel',
        message: 'cancel cannot be taken back: make another request',
      },
      {
        rule: '!oldSelf.externalStopped || self.externalStopped',
        message: 'externalStopped cannot be taken back: cancel, and make another request',
      },
    ),
  )
  .describe('What is brought back, to which point, where to, and why.');
export type RestoreRequestSpec = DeepReadonly<z.output<typeof restoreRequestSpec>>;

export const restorePhases = [
  'Pending',
  'AwaitingConfirmation',
  'Queued',
  'Restoring',
  'AwaitingExternal',
  'Verifying',
  'Completed',
  'Failed',
  'Expired',
  'Cancelled',
] as const;
export type RestorePhase = (typeof restorePhases)[number];

const seconds = z.int().min(0);

const plannedCopy = z.object({
  request: objectName.describe('Name of the request that set it aside.'),
  uid: z.string().min(1).max(64).describe('Its UID.'),
  id: restoreIdentity,
  count: z.int().min(0).describe('How many names it had then: databases, refs, a directory.'),
  setAsideTime: time.describe(
    'When it was set aside: the data is as it was then. It is no backup, and was not verified as one.',
  ),
  objects: z.int().min(0).describe('Tables, views, measurements, refs and so on in it, as they were just found whole.'),
  rows: z.int().min(0).describe('Rows, points or objects in it, where they were counted.').optional(),
  summary: z.string().max(320).describe('The same in words.'),
});
export type PlannedCopy = DeepReadonly<z.output<typeof plannedCopy>>;

const policyPlan = z.object({
  policy: objectName.describe('Name of the policy.'),
  specDigest: sha256.describe(
    'SHA-256 of what the policy says of source, repository, encryption and restore: with another the plan does not hold.',
  ),
  set: plannedSet.describe('The very set that is restored; missing when a safety copy is put back.').optional(),
  copy: plannedCopy.describe('The safety copy that is put back, instead of a set.').optional(),
  verifiedTime: time.describe('When this set was last proven; missing: never.').optional(),
  sourceBytes: z.int().min(0).describe('Size of the dump that comes out of it.').optional(),
  sourceRows: z.int().min(0).describe('Rows, points or objects in it.').optional(),
  server: z.string().max(64).describe('Engine and version of the source when it was dumped.').optional(),
  unrecorded: z
    .string()
    .max(maxUnrecordedWords)
    .describe('No ledger records the set: what nothing witnesses of it, and who could have made it.')
    .optional(),
  passedOver: z
    .string()
    .max(maxPassedOverWords)
    .describe('Newer sets that are as old as was asked for and are not taken, with the reason.')
    .optional(),
  latest: time.describe('The newest data that could be restored instead.').optional(),
  earliest: time.describe('The oldest.').optional(),
  destination: destinationEvidence.describe('What is at the destination now.').optional(),
  ofAnotherSource: z
    .string()
    .max(240)
    .describe('That the set is not of what spec.source of the policy names now.')
    .optional(),
  lost: z.string().max(320).describe('What is lost: everything written after the data of the set.'),
  overwritten: z.string().max(320).describe('What is replaced, and what becomes of it.'),
  workloads: z
    .array(workloadRef)
    .max(16)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('What is at zero meanwhile.'),
  external: z.string().max(512).describe('What a person must stop.').optional(),
  confirmation: confirmationMode.describe('Who must confirm, as the policy says.'),
  estimatedSeconds: seconds.describe('What it is estimated to take.').optional(),
  basis: z.string().max(240).describe('What that estimate goes by.'),
});
export type PolicyPlan = DeepReadonly<z.output<typeof policyPlan>>;

const plan = z.object({
  policies: z
    .array(policyPlan)
    .max(maxPolicyRefs)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['policy'] })
    .describe('What will be done, a policy each.'),
  dataTime: time.describe('State of the data that is brought back; of several policies, of the oldest.').optional(),
  confirmation: confirmationMode.describe('Who must confirm: the strictest of the policies.'),
  estimatedSeconds: seconds.describe('In all, those that run side by side counted so.').optional(),
  plannedTime: time.describe('When it was made.'),
  hash: sha256.describe('SHA-256 of what is confirmed: a confirmation names it.'),
  confirmWith: z.string().max(1024).describe('The command by which somebody entitled confirms it.').optional(),
});
export type RestorePlan = DeepReadonly<z.output<typeof plan>>;

const step = z.object({
  policy: objectName.describe('Name of the policy.'),
  name: z
    .enum(['Resolve', 'Inspect', 'Fetch', 'Load', 'StopWorkloads', 'Swap', 'Check', 'StartWorkloads', 'Discard'])
    .describe('What is done.'),
  state: z.enum(['Running', 'Succeeded', 'Failed', 'Cancelled']).describe('How far it is.'),
  startTime: time.describe('When it began.').optional(),
  completionTime: time.describe('When it ended.').optional(),
  message: z.string().max(320).describe('What was done, or why it failed.').optional(),
});
export type RestoreStep = DeepReadonly<z.output<typeof step>>;

/** What can be proven of restored data. */
const restoreProofs = ['Equal', 'EqualToCopy', 'PartlyUnknown', 'FilesWhole'] as const;

const policyOutcome = z.object({
  policy: objectName.describe('Name of the policy.'),
  jobName: z.string().max(253).describe('The Job that restores.').optional(),
  outcome: z.enum(['Completed', 'Failed', 'Cancelled']).describe('How it ended; missing while it goes on.').optional(),
  state: destinationState.describe('What the destination holds.').optional(),
  proof: z
    .enum(restoreProofs)
    .describe(
      'What is proven of the restored data. Equal: all that the facts of the set say was compared, and is equal. EqualToCopy: all of it was compared with the safety copy that was put back, and is equal; no backup witnesses that. PartlyUnknown: it was loaded, and the facts do not witness all of it, or no ledger records the set. FilesWhole: its files are those that were stored; nothing has loaded them. Missing: nothing.',
    )
    .optional(),
  objectsCompared: z.int().min(0).describe('Compared with the facts of the set, and equal.').optional(),
  rowsCompared: z.int().min(0).describe('Likewise.').optional(),
  safetyCopy: safetyCopy.describe('What was set aside.').optional(),
  safetyCopyUntil: time
    .describe('Until when that is kept; as long as a request that puts it back is not finished, it stays.')
    .optional(),
  putBackBy: z.string().max(253).describe('The request that has put the safety copy back since.').optional(),
  loaded: z
    .enum(['Left', 'Discarded'])
    .describe(
      'Of a restore that ended before its exchange and could not clean up. Left: what it had loaded may still be at the destination, and a Job removes it. Discarded: that was done.',
    )
    .optional(),
  connect: z.string().max(512).describe('How to look at the restored data, of a sandbox.').optional(),
  measuredSeconds: seconds.describe('From the start of its Job until the workloads were put back.').optional(),
  sourceBytes: z.int().min(0).describe('Size of the dump that was restored.').optional(),
});
export type PolicyOutcome = DeepReadonly<z.output<typeof policyOutcome>>;

const failed = z.object({
  policy: objectName.describe('Name of the policy.').optional(),
  step: z.enum(runSteps).describe('The step that failed.').optional(),
  reason: z.enum(failureReasons).describe('The cause, from the catalogue of failures.'),
  message: z.string().max(1024).describe('What happened, what was left as it was, and what to do next.'),
});

/** What is: written by the operator only. */
export const restoreRequestStatus = z
  .object({
    observedGeneration: z.int().min(0).describe('The generation of the spec that this status is about.').optional(),
    phase: z.enum(restorePhases).describe('How far it is.').optional(),
    conditions: z
      .array(condition)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .describe('Planned, Confirmed, Restored; Ready, Reconciling, Stalled as kstatus reads them.')
      .optional(),
    message: z.string().max(1024).describe('What happens now, and what you can do.').optional(),
    plan: plan.describe('What will be done, to be read before it is confirmed.').optional(),
    confirmation: z
      .object({
        name: objectName.describe('Name of the RestoreConfirmation.'),
        uid: z.string().max(64).describe('Its UID.'),
        confirmedBy: z.string().max(256).describe('Who confirmed.'),
        time: time.describe('When it was made.'),
        acceptedTime: time.describe('When it was found to hold.'),
      })
      .describe('The confirmation that was acted upon.')
      .optional(),
    refused: z
      .array(
        z.object({
          name: z.string().max(253).describe('Name of the RestoreConfirmation.'),
          reason: z.string().max(64).describe('Why it does not count.'),
          message: z.string().max(400).describe('The same in words, with what to do.'),
        }),
      )
      .max(8)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Confirmations of this request that do not count.')
      .optional(),
    policies: z
      .array(policyOutcome)
      .max(maxPolicyRefs)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['policy'] })
      .describe('What came of it, a policy each.')
      .optional(),
    steps: z
      .array(step)
      .max(160)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('What was done, in order.')
      .optional(),
    failure: failed.describe('Why it failed.').optional(),
    startTime: time.describe('When the restore began: after the confirmation.').optional(),
    completionTime: time.describe('When it was finished, however it ended.').optional(),
    measuredSeconds: seconds.describe('From startTime until everything was back, in seconds.').optional(),
    recoveryTimeMet: z
      .boolean()
      .describe('Whether that is within the RTO of every policy; missing: none promised.')
      .optional(),
  })
  .describe('What is planned, who confirmed it, and how far it is.');
export type RestoreRequestStatus = DeepReadonly<z.output<typeof restoreRequestStatus>>;

export const restoreRequest = z
  .object({ spec: restoreRequestSpec, status: restoreRequestStatus.optional() })
  .describe(
    'A RestoreRequest brings data back: it is planned, shown, confirmed, carried out and measured. Nothing is touched before it is confirmed.',
  );

/** A RestoreRequest as read from the API server. */
export interface RestoreRequest {
  readonly metadata: ObjectMeta;
  readonly spec: RestoreRequestSpec;
}

export const restoreRequestNames = {
  kind: 'RestoreRequest',
  listKind: 'RestoreRequestList',
  plural: 'restorerequests',
  singular: 'restorerequest',
  shortNames: ['rr'],
  categories: ['holdfast'],
} as const;

/** What `kubectl get restorerequests` shows. */
export const restoreRequestColumns = [
  { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: 'How far it is.' },
  { name: 'Reason', type: 'string', jsonPath: '.spec.reason', description: 'What happened to the data.' },
  {
    name: 'Data Of',
    type: 'string',
    jsonPath: '.status.plan.dataTime',
    description: 'State of the data that is brought back; of several policies, of the oldest.',
  },
  {
    name: 'Est. Seconds',
    type: 'integer',
    jsonPath: '.status.plan.estimatedSeconds',
    description: 'Seconds that it is estimated to take.',
  },
  { name: 'Seconds', type: 'integer', jsonPath: '.status.measuredSeconds', description: 'Seconds that it took.' },
  {
    name: 'Confirmed By',
    type: 'string',
    jsonPath: '.status.confirmation.confirmedBy',
    description: 'Who confirmed it.',
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age of the request.' },
  {
    name: 'Message',
    type: 'string',
    jsonPath: '.status.message',
    description: 'What happens now, and what you can do.',
    priority: 1,
  },
] as const;
