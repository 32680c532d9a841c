import { z } from 'zod';
import { duration, objectName, secretRef, text } from './primitives.ts';

/** How a policy's data comes back, and who must agree to that. */

const workloadKind = z.enum(['Deployment', 'StatefulSet', 'CronJob']);

/** A workload in the namespace of the resource that names it. */
export const workloadRef = z.object({
  kind: workloadKind.describe('Deployment, StatefulSet or CronJob.'),
  name: objectName.describe('Its name.'),
});

/** As many as admission can ask about, each by itself. */
export const maxRestoreWorkloads = 16;

export const confirmationMode = z.enum(['None', 'OnePerson', 'TwoPersons']);
export type ConfirmationMode = z.output<typeof confirmationMode>;

export const restorePolicy = z
  .object({
    confirmation: confirmationMode
      .default('OnePerson')
      .describe(
        'Who must confirm the loss before data is brought back: None, OnePerson (whoever may confirm, the requester included), TwoPersons (another than the requester).',
      ),
    workloads: z
      .array(workloadRef)
      .max(maxRestoreWorkloads)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe(
        'Workloads of the same namespace that are at zero while restored data takes the place of the present (CronJobs suspended and their Jobs waited for), and then put back. The operator needs the chart’s value quiesce.enabled.',
      ),
    external: text({
      max: 512,
      pattern: /^[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ .,:;()/_@+-]*$/,
      message: 'write in plain words what to stop, such as: systemctl stop telegraf on metrics-1',
    })
      .describe(
        'What uses the source from outside the cluster and must be stopped by a person before the data is replaced, in words for that person: such as "systemctl stop telegraf on metrics-1 and metrics-2". A restore in place waits until the request says externalStopped.',
      )
      .optional(),
    credentialsSecretRef: secretRef
      .describe(
        'Secret of the same type as the source’s, for the account that restores: it needs rights to write that the account that dumps should not have. Left out: the source’s own.',
      )
      .optional(),
    keepSafetyCopyFor: duration
      .default('1w')
      .describe('How long what was replaced is kept beside the restored data, for example 1w.'),
  })
  .describe('How data comes back: who confirms, and what is stopped meanwhile.');
