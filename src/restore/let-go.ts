import type { DeepReadonly } from '../base/types.ts';
import type { ReconcileResult } from '../kube/controller.ts';
import { cleanJob } from '../workloads/restore-job.ts';
import { uncleaned } from './finish.ts';
import { heldOf, needsGate, openGate } from './hold.ts';
import { releaseJob, setRequestFinalizer } from './jobs.ts';
import type { Part } from './observed.ts';
import { isStoppable } from './standing.ts';
import { cancelJobs } from './start-jobs.ts';
import { makeRemoving } from './tidy-up.ts';
import { gateAgainMs, type Turn, subjectOf, orderOf } from './turn.ts';
import type { RequestView } from './views.ts';

/** Deleted with all that depends on it: a Job that is made now goes at once. */
const isTakenAlong = ({ finalizers }: DeepReadonly<RequestView>): boolean => finalizers.includes('foregroundDeletion');

/** Removes what a request that is deleted may have loaded, as far as anybody can; true: that is going on. */
const cleanUp = async (turn: Turn): Promise<boolean> => {
  const { observed, options } = turn;
  const left = uncleaned(observed).filter((part) => orderOf(turn, part) !== undefined);
  if (left.length === 0) return false;
  if (isTakenAlong(observed.request)) {
    const message = `What was loaded for ${left.map(({ name }) => name).join(', ')} may be left at the destination (databases named holdfast_…_new_…).`;
    options.events.record(subjectOf(observed.request), { type: 'Warning', reason: 'LeftBehind', message });
    return false;
  }
  await makeRemoving(
    turn,
    left.filter(({ clean }) => clean === undefined),
    cleanJob,
  );
  return true;
};

/** A request that is deleted: what can be stopped is stopped, what replaces data now is waited for, and the workloads are put back first. */
export const letGo = async (turn: Turn): Promise<ReconcileResult> => {
  const { observed, held } = turn;
  const { request, parts } = observed;
  const over = ({ restore }: Part): boolean =>
    restore === undefined ||
    restore.job.end !== undefined ||
    (restore.job.deleting === true && restore.pod === undefined);
  for (const part of parts) {
    if (over(part) || part.restore === undefined) continue;
    const isReplacing = needsGate(part, observed) && part.restore.pod?.gate !== undefined;
    if (isReplacing) await openGate(turn.pass, observed, part);
    else if (isStoppable(part)) await cancelJobs(turn, [part]);
  }
  if (!parts.every(over) || heldOf(observed, held).size > 0) return { requeueAfterMs: gateAgainMs };
  if (await cleanUp(turn)) return { requeueAfterMs: gateAgainMs };
  for (const { restore } of parts) if (restore !== undefined) await releaseJob(turn, restore);
  await setRequestFinalizer(turn, request, false);
  return {};
};
