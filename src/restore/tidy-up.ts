import type { DeepReadonly } from '../base/types.ts';
import type { ReconcileResult } from '../kube/controller.ts';
import { deleteObject } from '../kube/objects.ts';
import { resources } from '../policy/resources.ts';
import { cleanJob, discardJob } from '../workloads/restore-job.ts';
import { leftovers, tidied, uncleaned } from './finish.ts';
import { releaseJob, setRequestFinalizer } from './jobs.ts';
import type { Part } from './observed.ts';
import { nothingWanted } from './stage.ts';
import { makeJobs } from './start-jobs.ts';
import { lookAgainMs, refusedAgainMs, type Turn, subjectOf, orderOf, writeStage } from './turn.ts';
import type { RequestView } from './views.ts';

/** Other requests of the policies of this one. */
const othersOf = ({ observed: { request }, watches }: Turn): readonly DeepReadonly<RequestView>[] =>
  request.policyKeys.flatMap((key) => watches.ofPolicy(key)).filter((other) => other.key !== request.key);

/** Makes Jobs that remove what a finished request left; what is refused is an Event, and tried again. */
export const makeRemoving = async (turn: Turn, parts: readonly Part[], jobFor: typeof discardJob): Promise<boolean> => {
  const refused = await makeJobs(turn, parts, (part) => {
    const order = orderOf(turn, part);
    return order && jobFor(order);
  });
  const subject = subjectOf(turn.observed.request);
  for (const message of refused)
    turn.options.events.record(subject, { type: 'Warning', reason: 'ApplyRefused', message });
  return refused.length === 0;
};

/** Lets go what a finished request held, discards what is due, and removes it in the end. */
export const tidyUp = async (turn: Turn): Promise<ReconcileResult> => {
  const { client, observed, watches, now, signal } = turn;
  const { request } = observed;
  for (const { restore } of observed.parts) if (restore !== undefined) await releaseJob(turn, restore);
  const others = othersOf(turn);
  const { discard, clean, remove, wakeAt } = leftovers(observed, others, now);
  await writeStage(turn, { status: tidied(observed, others, now), wanted: nothingWanted });
  const isDiscarding = await makeRemoving(turn, discard, discardJob);
  const isCleaning = await makeRemoving(turn, clean, cleanJob);
  // Deleted before that is done, it would take the Job along that cleans up.
  const written = watches.request(request.key) ?? request;
  const isHeld = clean.length > 0 || uncleaned(observed).length > 0;
  const released = await setRequestFinalizer(turn, written, isHeld);
  if (released !== undefined) watches.remember(released);
  if (remove) {
    const { namespace, name, uid } = request.metadata;
    await deleteObject(client, resources.restoreRequest, { namespace, name }, { uid, signal });
    return {};
  }
  if (!isDiscarding || !isCleaning) return { requeueAfterMs: refusedAgainMs };
  if (isHeld) return { requeueAfterMs: lookAgainMs };
  return wakeAt === undefined ? {} : { requeueAfterMs: Math.max(1000, wakeAt.getTime() - now.getTime()) };
};
