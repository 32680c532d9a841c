import { z } from 'zod';
import { resources } from './amounts.ts';
import { celRules, objectName, text } from './primitives.ts';

/**
 * The parts of a BackupPolicy whose behaviour comes in a later version. They are in the schema, so that what a person writes is
 * checked, and they make the policy Stalled, so that nobody believes a promise that is not kept.
 */

const notYet = 'Not available yet: refused with a Stalled condition.';

const workloadKind = z.enum(['Deployment', 'StatefulSet', 'CronJob']);

/** As many as admission can ask about, each by itself. */
export const maxQuiesceWorkloads = 16;

export const quiesce = z
  .object({
    readOnly: z
      .object({})
      .describe(
        'MySQL and MariaDB: the server takes no writes, from whatever account, until the dump has ended; writers wait and then go on. The account needs RELOAD.',
      )
      .optional(),
    workloads: z
      .array(
        z.object({
          kind: workloadKind.describe('Deployment, StatefulSet or CronJob.'),
          name: objectName.describe('Its name.'),
        }),
      )
      .min(1)
      .max(maxQuiesceWorkloads)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe(
        'Workloads of the same namespace that are stopped during the dump (Deployments and StatefulSets scaled to zero, CronJobs suspended and their Jobs waited for) and then put back. The operator needs the chart’s value quiesce.enabled.',
      )
      .optional(),
  })
  .meta(
    celRules({
      rule: 'has(self.readOnly) != has(self.workloads)',
      message: 'quiesce: set exactly one of readOnly, workloads',
    }),
  )
  .describe('Keeps the source still during the dump. Exactly one of readOnly, workloads.');

export const podTemplate = z
  .object({
    resources: resources.optional(),
    nodeSelector: z
      .record(z.string(), z.string().max(63))
      .meta({
        maxProperties: 32,
        ...celRules({
          rule: 'self.all(key, key.size() <= 316)',
          message: 'write labels of at most 316 characters, such as kubernetes.io/arch',
        }),
      })
      .describe('Labels of the nodes that may run the pods.')
      .optional(),
    priorityClassName: objectName.describe('Priority of the pods.').optional(),
  })
  .describe(`Resources, placement and priority of the pods. ${notYet}`);

export const egressCIDRs = z
  .array(
    text({
      max: 18,
      pattern: /^[0-9]{1,3}(\.[0-9]{1,3}){3}\/[0-9]{1,2}$/,
      message: 'write an IPv4 network, such as 192.0.2.0/24',
    }),
  )
  .max(32)
  .meta({ 'x-kubernetes-list-type': 'set' })
  .describe(`Addresses that the pods may reach. ${notYet}`);
