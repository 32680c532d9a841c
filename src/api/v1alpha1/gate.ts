import { z } from 'zod';

/**
 * What the operator tells the dump container of a policy with `quiesce.workloads`, and the container that replaces data in a restore: an
 * annotation on the pod, which the container reads as a file, for it has no access to the API.
 */

/** On a pod: one JSON object of the form below. */
export const gateAnnotation = 'holdfast.dev/quiesced';

const instant = z.iso.datetime({ precision: 3 });

export const gate = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('Held'),
    since: instant.describe('When all workloads were first seen without pods. Another time is another hold.'),
    asOf: instant.describe('Up to this time the operator has seen that they stayed so, without a break.'),
  }),
  z.object({
    state: z.literal('Refused'),
    message: z.string().max(400).describe('Why they are not, or no longer, down.'),
    cancelled: z.literal(true).describe('Of a restore: it was cancelled, and nothing is wrong.').optional(),
  }),
]);
export type Gate = z.output<typeof gate>;

/** Undefined for an annotation that is not there or cannot be read: then nothing is held as far as anybody knows. */
export const parseGate = (text: string | undefined): Gate | undefined => {
  if (text === undefined || text === '') return undefined;
  try {
    return gate.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
};
