import { z } from 'zod';

/**
 * Who keeps a workload down is written on the workload itself, in the same write that stops it: whatever is lost afterwards, the workload
 * says what it was and who asked.
 */

/** On every workload that is held: by it they are found again, also after a restart. */
export const heldLabel = 'holdfast.dev/held';
export const heldSelector = `${heldLabel}=true`;
/** One JSON object of the form below. */
export const holdAnnotation = 'holdfast.dev/held';

const instant = z.iso.datetime({ precision: 3 });

export const holder = z.object({
  for: z.string().describe('What asked for it, as kind and name in the same namespace: BackupPolicy/agama.'),
  pod: z.string().describe('The pod whose dump it is held for.'),
  uid: z.string().describe('UID of that pod: the holder’s identity.'),
  since: instant,
  until: instant.describe('It is let go then, whatever became of the pod.'),
  stop: z
    .int()
    .describe('Which stop of the workload it relies on; 0 where it was down before and nobody had to stop it.'),
  scale: z
    .string()
    .describe('Then, who had set its number of replicas; another answer means that somebody has set it since.'),
});
export type Holder = z.output<typeof holder>;

export const hold = z.object({
  replicas: z.int().min(0).describe('What it had before: of a CronJob 1, or 0 when it was suspended already.'),
  stops: z.int().min(0).describe('How often it was stopped while it was held: again after somebody had started it.'),
  holders: z.array(holder).min(1),
});
export type Hold = z.output<typeof hold>;

/** `Damaged`: there is something, and it cannot be read, so nobody knows what the workload had. */
export const parseHold = (text: string | undefined): Hold | 'Damaged' | undefined => {
  if (text === undefined) return undefined;
  try {
    return hold.safeParse(JSON.parse(text)).data ?? 'Damaged';
  } catch {
    return 'Damaged';
  }
};
