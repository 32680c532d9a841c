import type { DeepReadonly } from '../base/types.ts';
import type { ReconcileResult } from '../kube/controller.ts';
import { lookForPods } from '../policy/doubts.ts';
import { heldOf, needsGate, openGate } from './hold.ts';
import { isJobThere } from './jobs.ts';
import { judgeStage } from './judge.ts';
import type { ObservedRequest, StageJob } from './observed.ts';
import type { JudgeInput, Stage } from './stage.ts';
import { makeJobs, planJobOf, startJobs, cancelJobs } from './start-jobs.ts';
import { refusedBefore, refusedOf, withStall } from './stuck.ts';
import {
  gateAgainMs,
  lookAgainMs,
  refusedAgainMs,
  type Turn,
  subjectOf,
  observeIn,
  seenAgain,
  writeStage,
} from './turn.ts';
import { outcomeIn, type RequestView } from './views.ts';
import type { RestoreWatches } from './watches.ts';

const isInPlace = ({ spec }: DeepReadonly<Pick<RequestView, 'spec'>>): boolean =>
  spec?.destination.inPlace !== undefined;

const busyPhases = ['Restoring', 'AwaitingExternal', 'Verifying'];

/** Policies of the request that another one restores in place, as this one does: whatever goes elsewhere is in nobody's way. */
const busyOf = ({ request, parts }: ObservedRequest, watches: RestoreWatches): ReadonlySet<string> =>
  new Set(
    (isInPlace(request) ? parts : [])
      .map(({ name }) => name)
      .filter((name) =>
        watches
          .ofPolicy(`${request.metadata.namespace}/${name}`)
          .some(
            (other) => other.key !== request.key && isInPlace(other) && busyPhases.includes(other.status.phase ?? ''),
          ),
      ),
  );

/** Parts whose Job was made once and is in no cache: the API server is asked, for a cache may be behind. */
const lostOf = async (turn: Turn): Promise<ReadonlySet<string>> => {
  const { request, parts } = turn.observed;
  const lost = new Set<string>();
  for (const { name, restore } of parts) {
    const made = outcomeIn(request.status, name);
    if (restore !== undefined || made?.jobName === undefined || made.outcome !== undefined) continue;
    if (!(await isJobThere(turn, request.metadata.namespace, made.jobName))) lost.add(name);
  }
  return lost;
};

/** Says in status what could not be started, after all that led to it was written; as an Event when it is another cause than before. */
const tellRefusal = async (turn: Turn, stage: Stage, before: Stage['stalled']): Promise<void> => {
  const { observed, options } = turn;
  await writeStage({ ...turn, observed: seenAgain(turn) }, stage);
  const { message = '' } = stage.stalled ?? {};
  if (message !== before?.message)
    options.events.record(subjectOf(observed.request), { type: 'Warning', reason: 'ApplyRefused', message });
};

/**
 * The pod of a Job that has ended, and is in no cache, is asked for: its watch may be behind. Not once status has what it said: pods do not stay as
 * long as requests.
 */
const withPods = async (turn: Turn): Promise<Turn> => {
  const { client, caches, observed, signal } = turn;
  const { status } = observed.request;
  const isMissing = (stage: StageJob | undefined): boolean => stage?.job.end !== undefined && stage.pod === undefined;
  const isTold = (name: string): boolean => outcomeIn(status, name)?.outcome !== undefined;
  const missing = observed.parts.filter(
    ({ name, plan, restore }) =>
      (status.plan === undefined && isMissing(plan)) || (!isTold(name) && isMissing(restore)),
  );
  for (const { policy } of missing)
    if (policy !== undefined) await lookForPods(policy.metadata, { client, pods: caches.pods, signal });
  return missing.length === 0 ? turn : { ...turn, observed: observeIn(turn, observed.request, turn.now) };
};

/** Brings a request on by a step: judged by what is there, written, and then carried out. */
export const advance = async (seenFirst: Turn): Promise<ReconcileResult> => {
  const turn = await withPods(seenFirst);
  const { observed, watches, held, options, now, signal } = turn;
  const { request } = observed;
  const input: JudgeInput = {
    observed,
    settings: options.settings,
    held: heldOf(observed, held),
    busy: busyOf(observed, watches),
    lost: await lostOf(turn),
    verdict: undefined,
    now,
  };
  let stage = judgeStage(input);
  const unplanned = refusedOf(await makeJobs(turn, stage.wanted.plan, (part) => planJobOf(turn, part)));
  stage = withStall(stage, unplanned);
  const { plan } = request.status;
  const mayCount = stage.status.startTime !== undefined || watches.hasConfirmations(request.key);
  if (stage.wanted.confirm && plan !== undefined && mayCount)
    stage = judgeStage({ ...input, verdict: await options.confirm(request, plan, signal) });
  const before = refusedBefore(request.status);
  await writeStage(turn, withStall(stage, stage.wanted.start.length > 0 ? before : undefined));
  const refused = refusedOf(await startJobs(turn, stage.wanted.start, stage.status.plan));
  if (refused !== undefined) await tellRefusal(turn, withStall(stage, refused), before);
  await cancelJobs(turn, stage.wanted.cancel);
  const seen = seenAgain(turn);
  for (const part of seen.parts) await openGate(turn.pass, seen, part);
  if (seen.parts.some((part) => needsGate(part, seen))) return { requeueAfterMs: gateAgainMs };
  const wake = stage.wakeAt === undefined ? lookAgainMs : Math.max(1000, stage.wakeAt.getTime() - now.getTime());
  if (refused !== undefined || unplanned !== undefined) return { requeueAfterMs: refusedAgainMs };
  // Also what was just planned or started is looked at with what it became.
  const isMoving = stage.wanted.start.length > 0 || input.held.size > 0 || stage.status.phase !== request.status.phase;
  return { requeueAfterMs: isMoving ? 1000 : Math.min(wake, lookAgainMs) };
};
