import { z } from 'zod';
import { celRules, objectName } from './primitives.ts';

/**
 * The parts of a BackupPolicy whose behaviour comes in a later version. They are in the schema, so that what a person writes is
 * checked, and they make the policy Stalled, so that nobody believes a promise that is not kept.
 */

const notYet = 'Not available yet: refused with a Stalled condition.';

const quantity = z
  .string()
  .min(1)
  .max(32)
  .regex(/^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti|k|M|G|T)?$/);

const resources = z
  .object({
    requests: z
      .object({ cpu: quantity.optional(), memory: quantity.optional() })
      .describe('What is reserved.')
      .optional(),
    limits: z
      .object({ cpu: quantity.optional(), memory: quantity.optional() })
      .describe('What may be used at most.')
      .optional(),
  })
  .describe('Compute resources of a container.');

export const verification = z
  .object({
    sandbox: z
      .object({
        image: z
          .string()
          .min(1)
          .max(512)
          .regex(/^[A-Za-z0-9._/:@-]+$/)
          .describe('Image of the scratch server; must be on the operator’s allow-list.')
          .optional(),
        resources: resources.optional(),
        storage: quantity.describe('Scratch space.').optional(),
      })
      .describe('Where a backup is restored to be compared.')
      .optional(),
    points: z
      .string()
      .max(32)
      .regex(/^(Latest|LatestAndRandom)$/)
      .describe('Which points are proven: Latest, or LatestAndRandom (an older one too).')
      .optional(),
    queries: z
      .array(
        z.object({
          query: z.string().min(1).max(4096).describe('A statement that reads.'),
          expect: z.string().max(4096).describe('The result it must have.'),
        }),
      )
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Your own checks of the restored data.')
      .optional(),
  })
  .describe(`How backups are verified. ${notYet}`);

export const restorePolicy = z
  .object({
    confirmation: z
      .string()
      .max(32)
      .regex(/^(None|OnePerson|TwoPersons)$/)
      .describe('Who must confirm the loss before data is brought back: None, OnePerson, TwoPersons.')
      .optional(),
    workloads: z
      .array(
        z.object({
          kind: z
            .string()
            .max(32)
            .regex(/^(Deployment|StatefulSet|CronJob)$/)
            .describe('Deployment, StatefulSet or CronJob.'),
          name: objectName.describe('Its name.'),
        }),
      )
      .max(32)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Workloads at zero while data is restored in place.')
      .optional(),
  })
  .describe(`How data comes back. ${notYet}`);

export const quiesce = z
  .object({
    readOnly: z.object({}).describe('The server is read-only during the dump.').optional(),
    workloads: z
      .array(z.object({ kind: z.string().max(32), name: objectName }))
      .max(32)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Workloads at zero during the dump.')
      .optional(),
  })
  .meta(
    celRules({
      rule: 'has(self.readOnly) != has(self.workloads)',
      message: 'quiesce: set exactly one of readOnly, workloads',
    }),
  )
  .describe(`Keeps the source still during the dump. ${notYet}`);

export const podTemplate = z
  .object({
    resources: resources.optional(),
    nodeSelector: z
      .record(z.string().max(316), z.string().max(63))
      .describe('Labels of the nodes that may run the pods.')
      .optional(),
    priorityClassName: objectName.describe('Priority of the pods.').optional(),
  })
  .describe(`Resources, placement and priority of the pods. ${notYet}`);

export const egressCIDRs = z
  .array(
    z
      .string()
      .max(18)
      .regex(/^[0-9]{1,3}(\.[0-9]{1,3}){3}\/[0-9]{1,2}$/),
  )
  .max(32)
  .meta({ 'x-kubernetes-list-type': 'set' })
  .describe(`Addresses that the pods may reach. ${notYet}`);
