import { z } from 'zod';
import type { DeepReadonly } from '../../base/types.ts';
import type { ObjectMeta } from './backuppolicy.ts';
import { celRules, objectName, sha256 } from './primitives.ts';

/** What stands in the command of a plan where a person is to write the reason: nobody has looked who leaves it. */
export const reasonPlaceholder = 'WHAT WAS LOST, AND HOW YOU KNOW';

/** A person’s word that data is lost and that a plan may be carried out: immutable, for one request and one plan. */
export const restoreConfirmationSpec = z
  .object({
    request: z
      .object({
        name: objectName.describe('Name of the RestoreRequest, in the same namespace.'),
        uid: z
          .string()
          .min(1)
          .max(64)
          .describe('Its UID: a request that was deleted and made again is another one, and needs its own.'),
      })
      .describe('The request that is confirmed.'),
    planHash: sha256.describe('The hash of the plan, as status.plan.hash shows it: another plan needs its own.'),
    confirmedBy: z
      .string()
      .min(1)
      .max(256)
      .describe('Who confirms: your own user name, as `kubectl auth whoami` shows it.'),
    groups: z
      .array(z.string().min(1).max(256))
      .max(8)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'Groups of yours by which you may confirm, where the right is bound to a group: the right is asked for again, with these, before anything is done.',
      ),
    reason: z
      .string()
      .min(1)
      .max(1024)
      .meta(
        celRules({
          rule: `self != '${reasonPlaceholder}'`,
          message: 'write what was lost and how you know, in the place of the words that stand there in the command',
        }),
      )
      .describe('What was lost, and how you know.'),
  })
  .meta(celRules({ rule: 'self == oldSelf', message: 'a confirmation cannot be changed: make another one' }))
  .describe('Who confirms which plan of which request.');
export type RestoreConfirmationSpec = DeepReadonly<z.output<typeof restoreConfirmationSpec>>;

export const restoreConfirmation = z
  .object({ spec: restoreConfirmationSpec })
  .describe(
    'A RestoreConfirmation lets a RestoreRequest go ahead. It cannot be changed, counts for one plan, and lapses 24 hours after it was made.',
  );

/** A RestoreConfirmation as read from the API server. */
export interface RestoreConfirmation {
  readonly metadata: ObjectMeta;
  readonly spec: RestoreConfirmationSpec;
}

export const restoreConfirmationNames = {
  kind: 'RestoreConfirmation',
  listKind: 'RestoreConfirmationList',
  plural: 'restoreconfirmations',
  singular: 'restoreconfirmation',
  // Not rc: by that kubectl knows ReplicationControllers.
  shortNames: ['rrc'],
  categories: ['holdfast'],
} as const;

export const restoreConfirmationColumns = [
  { name: 'Request', type: 'string', jsonPath: '.spec.request.name', description: 'The request that is confirmed.' },
  { name: 'Confirmed By', type: 'string', jsonPath: '.spec.confirmedBy', description: 'Who confirmed.' },
  {
    name: 'Plan',
    type: 'string',
    jsonPath: '.spec.planHash',
    description: 'Hash of the plan that is confirmed.',
    priority: 1,
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age of the confirmation.' },
] as const;
