import { z } from 'zod';
import { time } from './primitives.ts';

/** A condition as Kubernetes' API conventions have it (metav1.Condition). `Unknown` is never compliant. */
export const condition = z.object({
  type: z
    .string()
    .max(316)
    .regex(/^[A-Za-z0-9./_-]+$/)
    .describe('What the condition is about.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('True, False or Unknown. What was not checked is Unknown.'),
  observedGeneration: z.int().min(0).describe('The generation of the spec that was judged.').optional(),
  lastTransitionTime: time.describe('When the status last changed.'),
  reason: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
    .describe('The reason in one word.'),
  message: z.string().max(32768).describe('The reason in words, with the next thing to do.'),
});
export type Condition = z.output<typeof condition>;

/**
 * The conditions of a BackupPolicy; `Reconciling` and `Stalled` are there only while they are True (kstatus), `WindowKept` while there is a
 * window.
 */
export const policyConditionTypes = [
  'Protected',
  'LastBackupSucceeded',
  'ChainIntact',
  'Verified',
  'RecoveryPointMet',
  'RecoveryTimeMet',
  'RunsOnTime',
  'RetentionKept',
  'WindowKept',
  'Ready',
  'Reconciling',
  'Stalled',
] as const;
export type PolicyConditionType = (typeof policyConditionTypes)[number];
