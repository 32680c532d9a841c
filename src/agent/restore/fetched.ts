import { isDeepStrictEqual } from 'node:util';
import type { LoadTask, ShowTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import { type FetchedSet, readHandover } from '../fetch/handover.ts';
import type { RunContext } from '../run.ts';
import { checkFacts } from '../verify/check-facts.ts';

/**
 * The set that the container before fetched: the one that was planned, with the facts that were recorded.
 * @throws RunError InternalError; CheckFailed BackupDamaged
 */
export const readFetched = async ({
  task,
  signal,
}: Pick<RunContext<LoadTask | ShowTask>, 'task' | 'signal'>): Promise<FetchedSet> => {
  const { latest } = await readHandover(task.fetched);
  if (!isDeepStrictEqual(latest.set, task.set))
    throw new RunError(
      'InternalError',
      `The set of ${latest.set.setTime} in ${latest.set.chain} was fetched, and that of ${task.set.setTime} in ${task.set.chain} was planned.`,
    );
  await checkFacts({ signal }, latest);
  return latest;
};
