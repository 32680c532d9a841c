import { z } from 'zod';
import { failureReasons } from '../../errors/catalogue.ts';
import { shortDigest, time } from './primitives.ts';
import {
  chain,
  copiesReport,
  jobKind,
  localCopyPoint,
  recoveryReport,
  retentionState,
  runKind,
  setPoint,
} from './recovery-points.ts';
import { restoreReport } from './restore-report.ts';
import { verificationResult } from './verification.ts';

/**
 * What a container says at its end: one JSON object of at most 2 KiB in its termination message. Both sides read it with this schema.
 */

/** Kubelet gives all containers of a pod 12 KiB of termination messages together; a result keeps to this many bytes. */
export const maxResultBytes = 2048;

/** The steps of a run, as failures name them. */
export const runSteps = [
  'Prepare',
  'Connect',
  'Quiesce',
  'Dump',
  'Facts',
  'Lock',
  'Repository',
  'Upload',
  'Remove',
  'Fetch',
  'Sandbox',
  'Load',
  'Compare',
  'Check',
  'Resolve',
  'Inspect',
  'Wait',
  'Swap',
  'PutBack',
  'Discard',
  'Finish',
] as const;

/** The containers of Holdfast’s pods, as `agent` is called for each. */
export const containerNames = [
  'decide',
  'dump',
  'ship',
  'prune',
  'fetch',
  'verify',
  'resolve',
  'inspect',
  'bring',
  'load',
  'swap',
  'check',
  'show',
  'keep',
  'discard',
] as const;
export type ContainerName = (typeof containerNames)[number];

export const failure = z.object({
  step: z.enum(runSteps).describe('The step that failed.'),
  reason: z.enum(failureReasons).describe('The cause, from the catalogue of failures.'),
  message: z.string().max(640).describe('What happened and what to do next.'),
});
export type Failure = z.output<typeof failure>;

/** Something a person should know about a run that succeeded. */
export const note = z.object({
  reason: z
    .enum([
      'FullInsteadOfIncremental',
      'ChainBroken',
      'FactsUnknown',
      'PartialSetRemoved',
      'NotCovered',
      'SourceShrunk',
      'ContentGone',
      'ChainRemoved',
      'OutsideWindow',
      'SpaceLow',
      'FullAfterRestore',
      'SetPassedOver',
      'PutBackFirst',
      'LeftBehind',
    ])
    .describe('What kind of thing.'),
  message: z.string().max(320),
});
export type Note = z.output<typeof note>;

/** The result of one container. */
export const result = z.object({
  version: z.literal(1),
  container: z.enum(containerNames),
  kind: jobKind.describe('What the run was started for.'),
  outcome: z.enum(['Succeeded', 'Failed']),
  startTime: time,
  completionTime: time,
  repository: shortDigest
    .describe('What `newest`, `retention` and `verification` are of: as the task said. Without it they prove nothing.')
    .optional(),
  made: runKind
    .describe('What this container made: a Full where an incremental was asked for, for example.')
    .optional(),
  dumps: z
    .boolean()
    .describe('Of the container that decides: whether the run has to dump, so that workloads have to be stopped.')
    .optional(),
  failure: failure.optional(),
  dump: z
    .object({
      startTime: time.describe('When the source was first asked for the dump.'),
      endTime: time.describe('When the dump ended, however it did; rounded up.'),
    })
    .describe('When this container dumped; missing when it made no dump.')
    .optional(),
  notes: z.array(note).max(2).default([]),
  retention: retentionState.describe('What a prune that succeeded found and left.').optional(),
  verification: verificationResult
    .describe('What a verification found; also of one that failed, as far as it came.')
    .optional(),
  restore: restoreReport
    .describe('What a container of a restore found or did; also of one that failed, as far as it came.')
    .optional(),
  newest: z
    .object({
      localCopy: localCopyPoint.optional(),
      full: setPoint.optional(),
      incremental: setPoint.optional(),
      chain: chain.optional(),
      copies: copiesReport.describe('The local copies, newest first.').optional(),
      recovery: recoveryReport.describe('What can be restored from the repository.').optional(),
    })
    .describe(
      'The newest of each kind by the ledger on the claim, this run included: status recovers from any result.',
    ),
});
export type Result = z.output<typeof result>;
