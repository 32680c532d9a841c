import { z } from 'zod';
import { runKind, subject } from './recovery-points.ts';
import { retention } from './schedule.ts';
import { objectName, time } from './primitives.ts';
import { rsyncTask } from './repositories/rsync.ts';
import { volumeTask } from './repositories/volume.ts';
import { gitSandbox, gitTask } from './sources/git.ts';
import { influxdbSandbox, influxdbTask } from './sources/influxdb.ts';
import { mysqlSandbox, mysqlTask } from './sources/mysql.ts';
import { directory, mountedSecret } from './task-values.ts';
import { plannedSet, restoreIdentity, restorePointAsked } from './restore-report.ts';
import { verification } from './verification.ts';

/**
 * What the operator asks of a container: one JSON object in the environment variable HOLDFAST_TASK. It carries no secret, only where
 * secrets are mounted.
 */

const common = z.object({
  kind: runKind.describe('What the run was started for.'),
  policy: z
    .object({ namespace: objectName, name: objectName })
    .describe('The policy the run belongs to; also the directory below the repository.'),
  subject: subject.describe('What the policy names: results tell of this alone.'),
  claim: directory.describe('Where the claim of the policy is mounted.'),
  scratch: directory.describe('A directory of the container’s own, with a short path, that goes with the pod.'),
  deadlineSeconds: z
    .int()
    .min(1)
    .describe(
      'After this many seconds the agent stops what it runs and reports DeadlineExceeded; below the deadline of the pod.',
    ),
});

/** The source, under the name of its block; one line an engine. */
const dumpSource = z.union([
  z.strictObject({ mysql: mysqlTask }),
  z.strictObject({ influxdb: influxdbTask }),
  z.strictObject({ git: gitTask }),
]);
export type DumpSource = z.output<typeof dumpSource>;

/** How the source is kept still while it is dumped. What was asked for and cannot be had fails the run. */
const quiesceTask = z.discriminatedUnion('by', [
  z.object({ by: z.literal('ReadOnly') }).describe('The engine has the server hold back writes.'),
  z.object({
    by: z.literal('Workloads'),
    gate: directory.describe('The file in which the operator says that the workloads are down.'),
    waitSeconds: z.int().min(1).describe('How long that is waited for, before the dump and after it.'),
  }),
]);

/** Dump the source into a new local copy. */
export const dumpTask = common.extend({
  source: dumpSource,
  keep: z.int().min(1).describe('How many local copies are kept.'),
  freezeOnShrink: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('A copy that holds less than what is stored by more than this many percent is marked; 50 when left out.'),
  quiesce: quiesceTask.optional(),
  reuse: z
    .object({
      schedule: z.string().describe('The cron line of the local copies.'),
      timeZone: z.string(),
    })
    .describe(
      'Set for a full or incremental of a policy with scheduled local copies: the copy of the newest slot is shipped when there is one that was not shipped before; one that is being made is waited for.',
    )
    .optional(),
  window: z
    .object({
      start: z.string().describe('Time of day, such as 01:00.'),
      durationSeconds: z.int().min(1),
      timeZone: z.string(),
      enforce: z.boolean().describe('Stop the dump when the window closes, and refuse one that would start outside.'),
    })
    .describe('When dumps must happen. A copy that is reused is no dump.')
    .optional(),
});
export type DumpTask = z.output<typeof dumpTask>;

/** The repository, under the name of its block; one line a kind. */
const shipRepository = z.union([z.strictObject({ rsync: rsyncTask }), z.strictObject({ volume: volumeTask })]);
export type ShipRepository = z.output<typeof shipRepository>;

/** Ship the newest local copy to the repository. */
export const shipTask = common.extend({
  kind: z.enum(['Full', 'Incremental']),
  cluster: z
    .string()
    .min(1)
    .max(64)
    .describe('Identity of the cluster for the owner marker: the UID of the namespace kube-system.'),
  repository: shipRepository,
  adopt: z.boolean().describe('Whether a directory of another cluster or policy is taken over.'),
  encryption: z
    .discriminatedUnion('method', [
      z.object({ method: z.literal('gpg'), publicKey: mountedSecret }),
      z.object({ method: z.literal('passphrase'), passphrase: mountedSecret }),
      z.object({ method: z.literal('none') }),
    ])
    .describe('How the sets are encrypted.'),
});
export type ShipTask = z.output<typeof shipTask>;

/** Remove the chains that retention no longer asks for. */
export const pruneTask = common.extend({
  kind: z.literal('Prune'),
  cluster: shipTask.shape.cluster,
  repository: shipTask.shape.repository,
  retention,
  timeZone: z.string().describe('The time zone whose calendar months count.'),
  asOf: time.describe(
    'The time by the operator’s clock. Of this and the pod’s own the earlier counts: one wrong clock removes nothing.',
  ),
  protect: z.array(z.string()).max(64).describe('Directories of chains that stay whatever their age.'),
  acceptShrink: time
    .optional()
    .describe('A loss up to the copy of this data time was meant; nothing before it is compared with.'),
  rule: z.string().max(64).describe('Digest of what is asked, for the result.'),
  fullTime: time.describe('The newest full that the operator knows, for the result.'),
});
export type PruneTask = z.output<typeof pruneTask>;

/** What opens the sets: the private half, which only pods that verify and restore have. */
const decryption = z.discriminatedUnion('method', [
  z.object({ method: z.literal('gpg'), privateKey: mountedSecret }),
  z.object({ method: z.literal('passphrase'), passphrase: mountedSecret }),
  z.object({ method: z.literal('none') }),
]);

/** Fetch sets from the repository, with no cache, for the container after it. */
export const fetchTask = common.extend({
  kind: z.literal('Verify'),
  cluster: shipTask.shape.cluster,
  repository: shipTask.shape.repository,
  decryption: decryption.describe('How the sets are decrypted.'),
  points: verification.shape.points,
  fetched: directory.describe('Where fetched sets are laid: a volume that the next container has too.'),
});
export type FetchTask = z.output<typeof fetchTask>;

/** The scratch server, under the name of the source's block; one line an engine. */
const sandbox = z.union([
  z.strictObject({ mysql: mysqlSandbox }),
  z.strictObject({ influxdb: influxdbSandbox }),
  z.strictObject({ git: gitSandbox }),
]);
export type Sandbox = z.output<typeof sandbox>;

/** Load what was fetched into the scratch server, and compare. */
export const verifyTask = common.extend({
  kind: z.literal('Verify'),
  sandbox,
  fetched: fetchTask.shape.fetched,
  queries: z.array(z.object({ query: z.string(), expect: z.string() })).describe('The policy’s own checks.'),
  startSeconds: z.int().min(1).describe('How long the scratch server may take to answer.'),
});
export type VerifyTask = z.output<typeof verifyTask>;

/** What the tasks of a restore have in common. */
const restoreCommon = common.extend({
  kind: z.literal('Restore'),
  request: z
    .object({ name: objectName, uid: z.string().min(1).max(64) })
    .describe('The RestoreRequest it is done for.'),
});

/** Find the very set that a request asks for. */
export const resolveTask = restoreCommon.extend({
  cluster: shipTask.shape.cluster,
  repository: shipTask.shape.repository,
  point: restorePointAsked.describe('The point that is asked for.'),
  acceptUnrecorded: z.boolean().describe('Whether a set that no ledger records may be taken.'),
  encryption: z
    .enum(['gpg', 'passphrase', 'none'])
    .describe('How the policy encrypts: what is stored otherwise, and not recorded, is not its own.'),
});
export type ResolveTask = z.output<typeof resolveTask>;

/** Fetch that set, and no other, from the repository, with no cache. */
export const bringTask = restoreCommon.extend({
  cluster: shipTask.shape.cluster,
  repository: shipTask.shape.repository,
  decryption: fetchTask.shape.decryption,
  set: plannedSet.describe('The set, as the plan names it.'),
  fetched: directory.describe(
    'Where it is laid: a volume that the next containers have too, or the claim that was asked for.',
  ),
});
export type BringTask = z.output<typeof bringTask>;

/** Where restored data goes on a server or repository. */
export const restoreInto = z.discriminatedUnion('by', [
  z.object({ by: z.literal('InPlace') }).describe('Beside the present data first, then in its place.'),
  z
    .object({ by: z.literal('Name'), name: z.string().min(1) })
    .describe('A new database of this name; for one database.'),
  z.object({ by: z.literal('SameNames') }).describe('By its own names, on a server that has none of them.'),
]);
export type RestoreInto = z.output<typeof restoreInto>;

/** What the containers that touch a destination have in common. */
const destinationCommon = restoreCommon.extend({
  target: dumpSource.describe('The server or repository, with what signs in there, under the name of its block.'),
  into: restoreInto,
  id: restoreIdentity,
});

/** The safety copy of an earlier restore, in the place of a set. */
const copyOf = z
  .object({
    id: restoreIdentity,
    request: objectName.describe('The request that set it aside.'),
    count: z.int().min(0).describe('How many names it had then: databases, refs, a directory.'),
  })
  .describe('The safety copy that is put back.');
export type CopyOf = z.output<typeof copyOf>;

/** Look at the destination, and touch nothing. */
export const inspectTask = destinationCommon.extend({ copyOf: copyOf.optional() });
export type InspectTask = z.output<typeof inspectTask>;

/** Load what was fetched beside the present data (or where it is to stay), and compare it with the facts. */
export const loadTask = destinationCommon.extend({
  fetched: bringTask.shape.fetched,
  set: plannedSet.describe('The set, as the plan names it.'),
});
export type LoadTask = z.output<typeof loadTask>;

/** Make a safety copy ready to be put back, beside the present data. */
export const loadCopyTask = destinationCommon.extend({
  fetched: bringTask.shape.fetched.describe('A volume that the next containers have too.'),
  copyOf,
});
export type LoadCopyTask = z.output<typeof loadCopyTask>;

const gate = z
  .object({
    file: directory.describe('The file in which the operator says that the workloads are down.'),
    waitSeconds: z.int().min(1).describe('How long that is waited for.'),
  })
  .describe('Nothing is replaced before the operator says so: also with no workloads to stop.');

/** Put it in the place of the present data, which is set aside. */
export const swapTask = loadTask.extend({ gate });
export type SwapTask = z.output<typeof swapTask>;

/** Likewise, of a safety copy. */
export const swapCopyTask = loadCopyTask.extend({ gate });
export type SwapCopyTask = z.output<typeof swapCopyTask>;

/** Compare what is in place now. */
export const checkTask = loadTask;
export type CheckTask = z.output<typeof checkTask>;

/** What each container is told: of a backup, or of a safety copy. */
export const anyLoadTask = z.union([loadTask, loadCopyTask]);
export const anySwapTask = z.union([swapTask, swapCopyTask]);
export const anyCheckTask = z.union([checkTask, loadCopyTask]);

/** Load what was fetched into a scratch server, compare, and leave it there: it can be looked at as long as the container after it runs. */
export const showTask = restoreCommon.extend({
  sandbox,
  fetched: bringTask.shape.fetched,
  set: plannedSet,
  startSeconds: verifyTask.shape.startSeconds,
});
export type ShowTask = z.output<typeof showTask>;

/** Keep the pod, and with it the scratch server, until its time is over. */
export const keepTask = restoreCommon.extend({
  keepSeconds: z.int().min(1).describe('How long it stays to be looked at.'),
});
export type KeepTask = z.output<typeof keepTask>;

/** Remove what a restore left at the destination: the safety copy when its time is over, or what was loaded for nothing. */
export const discardTask = destinationCommon.extend({
  what: z.enum(['SafetyCopy', 'Loaded']).describe('Which of them.'),
});
export type DiscardTask = z.output<typeof discardTask>;

/** A task that touches a destination. */
export type DestinationTask = InspectTask | LoadTask | LoadCopyTask | SwapTask | SwapCopyTask | CheckTask | DiscardTask;

/** What any container may be asked. */
export type AgentTask =
  | DumpTask
  | ShipTask
  | PruneTask
  | FetchTask
  | VerifyTask
  | ResolveTask
  | BringTask
  | ShowTask
  | KeepTask
  | DestinationTask;

/** Name of the environment variable that holds the task. */
export const taskVariable = 'HOLDFAST_TASK';

/** Name of the environment variable that holds the name of the Job, by the downward API. */
export const jobVariable = 'HOLDFAST_JOB';
