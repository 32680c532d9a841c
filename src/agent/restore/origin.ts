import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckTask, CopyOf, LoadCopyTask, LoadTask, SwapCopyTask, SwapTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import { sha256OfFile } from '../disk.ts';
import { factsFile } from '../layout.ts';
import type { RunContext } from '../run.ts';
import type { PutBackEngine, RestoreEngine } from './engine.ts';
import { readFetched } from './fetched.ts';
import type { JudgedSet } from './judge.ts';
import type { RestorerFor } from './restorer.ts';

export type OriginTask = LoadTask | LoadCopyTask | SwapTask | SwapCopyTask | CheckTask;

/** Where restored data comes from: a backup that was fetched, or the safety copy of an earlier restore. */
export interface Origin {
  /** What recovers and discards, wherever the data comes from. */
  readonly engine: Pick<RestoreEngine, 'recover' | 'discardLoaded'>;
  readonly parts: Pick<RestoreEngine, 'load' | 'compare' | 'swap' | 'check'>;
  /** Where the files of the backup lie, or the engine lays what it needs of a copy. */
  readonly directory: string;
  /** In words, for the log. */
  readonly words: string;
  /** The facts that it is compared with: of a copy they are there once it is loaded. */
  facts(): Promise<JudgedSet>;
  /**
   * Whether all of it has to be witnessed before it may replace anything. Of a safety copy a person knows that it is no proven backup: what of it
   * differs is never put back, and what could not be compared is told.
   */
  readonly needsProof: boolean;
}

const isOfCopy = (task: OriginTask): task is LoadCopyTask | SwapCopyTask => 'copyOf' in task;

/** @throws RunError InternalError, DestinationUnsupported; CheckFailed BackupDamaged */
export const originOf = async <Task extends OriginTask>(
  context: RunContext<Task>,
  restorerFor: RestorerFor,
): Promise<Origin> => {
  const task: OriginTask = context.task;
  const engine = restorerFor(task);
  if (!isOfCopy(task)) {
    const { directory, set, bytes } = await readFetched({ task, signal: context.signal });
    const words = `the set of ${set.setTime} in ${set.chain}, ${bytes} bytes`;
    return { engine, parts: engine, directory, words, facts: () => Promise.resolve(set), needsProof: true };
  }
  const directory = join(task.fetched, 'copy');
  await mkdir(directory, { recursive: true });
  return {
    engine,
    parts: putBackEngine(engine, task.copyOf),
    directory,
    words: `what request ${task.copyOf.request} set aside (${task.copyOf.id})`,
    facts: async () => ({ factsDigest: await sha256OfFile(join(directory, factsFile), context.signal) }),
    needsProof: false,
  };
};

/** @throws RunError DestinationUnsupported: the engine cannot put back */
export const putBackEngine = (engine: RestoreEngine, copyOf: CopyOf): PutBackEngine => {
  const putBack = engine.puttingBack?.(copyOf);
  if (putBack !== undefined) return putBack;
  const detail =
    'A safety copy of this kind of source is put back by hand: status.policies[].safetyCopy.howToUse of the request that set it aside says how.';
  throw new RunError('DestinationUnsupported', detail);
};
