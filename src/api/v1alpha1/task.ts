import { z } from 'zod';
import { runKind } from './recovery-points.ts';
import { objectName } from './primitives.ts';
import { rsyncTask } from './repositories/rsync.ts';
import { volumeTask } from './repositories/volume.ts';
import { influxdbTask } from './sources/influxdb.ts';
import { mysqlTask } from './sources/mysql.ts';
import { directory, mountedSecret } from './task-values.ts';

/**
 * What the operator asks of a container: one JSON object in the environment variable HOLDFAST_TASK. It carries no secret, only where
 * secrets are mounted.
 */

const common = z.object({
  kind: runKind.describe('What the run was started for.'),
  policy: z
    .object({ namespace: objectName, name: objectName })
    .describe('The policy the run belongs to; also the directory below the repository.'),
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
const dumpSource = z.union([z.strictObject({ mysql: mysqlTask }), z.strictObject({ influxdb: influxdbTask })]);
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

/** Name of the environment variable that holds the task. */
export const taskVariable = 'HOLDFAST_TASK';

/** Name of the environment variable that holds the name of the Job, by the downward API. */
export const jobVariable = 'HOLDFAST_JOB';
