import { apiVersion, type BackupPolicy } from '../api/v1alpha1/backuppolicy.ts';
import { restoreRequestNames, type RestorePlan, type RestoreRequest } from '../api/v1alpha1/restorerequest.ts';
import type { DeepReadonly } from '../base/types.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { ReconcileContext, ReconcileResult } from '../kube/controller.ts';
import type { EventRecorder } from '../kube/events.ts';
import { lookingAgain } from '../kube/look-again.ts';
import { deleteObject } from '../kube/objects.ts';
import { writeStatusAndRemember } from '../kube/status.ts';
import type { Caches } from '../policy/caches.ts';
import { lookForPods } from '../policy/doubts.ts';
import { resources } from '../policy/resources.ts';
import type { Pass } from '../quiesce/serve.ts';
import type { HeldWatches } from '../quiesce/watches.ts';
import { cleanJob, discardJob, putBackPlanJob, restoreJob, restorePlanJob } from '../workloads/restore-job.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';
import type { Job } from '../workloads/types.ts';
import { statusOf } from './conditions.ts';
import { requestEvents } from './events.ts';
import { leftovers, tidied, uncleaned } from './finish.ts';
import { needsGate, openGate, refuseGate } from './hold.ts';
import { isJobThere, makeJob, releaseJob, setRequestFinalizer, stopJob, type Scope as JobScope } from './jobs.ts';
import { judgeStage } from './judge.ts';
import { readLive } from './live.ts';
import { pointAsked } from './make-plan.ts';
import { observeRequest, type ObservedRequest, type Part, type StageJob } from './observed.ts';
import { copyOf } from './put-back.ts';
import { isStoppable } from './standing.ts';
import { nothingWanted, type JudgeInput, type Stage, type Verdict } from './stage.ts';
import { refusedBefore, refusedOf, withStall } from './stuck.ts';
import { isFinished, outcomeIn, type RequestView } from './views.ts';
import type { RestoreWatches } from './watches.ts';

/** What is known in the namespace of a request. */
export interface RestoreScope {
  readonly caches: Caches;
  readonly watches: RestoreWatches;
  /** Undefined where this operator may not stop workloads. */
  readonly held: HeldWatches | undefined;
}

export interface RestoreReconcilerOptions {
  readonly client: KubeClient;
  /** By the key of a request. */
  readonly scopeOf: (key: string) => RestoreScope | undefined;
  /** Reads request, confirmations, admission and rights past every cache, and says whether the restore may go ahead. */
  readonly confirm: (request: DeepReadonly<RequestView>, plan: RestorePlan, signal: AbortSignal) => Promise<Verdict>;
  readonly events: EventRecorder;
  readonly settings: WorkloadSettings;
  readonly clock: Clock;
}

/** How soon a pod that waits for its workloads is looked at again, and one that runs, should an event be lost. */
const gateAgainMs = 2000;
const lookAgainMs = 60_000;
/** How soon a Job is tried again that was refused: a quota that is raised sends no event. */
const refusedAgainMs = 15_000;

type Options = RestoreReconcilerOptions;

/** One look at one request. */
interface Turn extends RestoreScope, JobScope {
  readonly caches: Caches;
  readonly options: Options;
  readonly observed: ObservedRequest;
  readonly now: Date;
  readonly pass: Pass;
}

const subjectOf = ({ metadata: { namespace, name, uid } }: DeepReadonly<RequestView>) => ({
  apiVersion,
  kind: restoreRequestNames.kind,
  namespace,
  name,
  uid,
});

const orderOf = ({ observed: { request }, options: { settings } }: Turn, { policy }: Part) => {
  const { spec, metadata } = request;
  if (spec === undefined || policy?.spec === undefined) return undefined;
  const asked: RestoreRequest = { metadata, spec };
  const of: BackupPolicy = { metadata: policy.metadata, spec: policy.spec };
  return { request: asked, policy: of, settings };
};

/** What is known about a request now, with the one whose safety copy it puts back. */
const observeIn = ({ caches, watches }: RestoreScope, request: DeepReadonly<RequestView>, now: Date): ObservedRequest =>
  observeRequest(request, caches, now, watches.request);

/** What is known about the request of a turn as it is once it was written to. */
const seenAgain = (turn: Turn): ObservedRequest => {
  const { request } = turn.observed;
  return observeIn(turn, turn.watches.request(request.key) ?? request, turn.now);
};

/** Policies of the request whose workloads are held: for its pods, or for a dump. */
const heldOf = ({ request, parts }: ObservedRequest, held: HeldWatches | undefined): ReadonlySet<string> =>
  new Set(
    held === undefined
      ? []
      : parts
          .filter(
            ({ name, restore }) =>
              restore !== undefined && held.ofPolicy(`${request.metadata.namespace}/${name}`).length > 0,
          )
          .map(({ name }) => name),
  );

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

/** Makes the Jobs that parts are to have. Gives why the API server refuses some. */
const makeJobs = async (
  turn: Turn,
  parts: readonly Part[],
  jobFor: (part: Part) => Job | undefined,
): Promise<string[]> => {
  const refused: string[] = [];
  for (const part of parts) {
    const job = jobFor(part);
    const why = job === undefined ? undefined : await makeJob(turn, job);
    if (why !== undefined) refused.push(why);
  }
  return refused;
};

const planJobOf = (turn: Turn, part: Part): Job | undefined => {
  const order = orderOf(turn, part);
  if (order === undefined) return undefined;
  const { spec } = order.request;
  if (spec.safetyCopyOf === undefined) return restorePlanJob(order, pointAsked(spec));
  const copy = copyOf(part.name, turn.observed);
  return copy === undefined ? undefined : putBackPlanJob(order, copy);
};

/** Makes the Jobs that restore: after all is written that led to them, and for the request as it is now. */
const startJobs = async (turn: Turn, parts: readonly Part[], plan: RestorePlan | undefined): Promise<string[]> => {
  if (parts.length === 0 || plan === undefined) return [];
  const live = await readLive(turn, turn.observed.request);
  if (live === undefined) return [];
  const held = await setRequestFinalizer(turn, live, true);
  if (held !== undefined) turn.watches.remember(held);
  return makeJobs(turn, parts, (part) => {
    const order = orderOf(turn, part);
    const planned = plan.policies.find(({ policy }) => policy === part.name);
    const job = order === undefined || planned === undefined ? undefined : restoreJob(order, planned);
    if (job === undefined) throw new Error(`no Job can be made that restores ${part.name}`);
    return job;
  });
};

const cancelJobs = async (turn: Turn, parts: readonly Part[]): Promise<void> => {
  for (const part of parts) {
    if (part.restore === undefined) continue;
    if (!(await refuseGate(turn.pass, turn.observed, part))) await stopJob(turn, part.restore);
  }
};

const writeStage = async (turn: Turn, stage: Stage): Promise<void> => {
  const { client, signal, observed, now, watches, options } = turn;
  const { request } = observed;
  const next = statusOf(observed, stage, now);
  const written = { desired: next, observed: request.rawStatus, memory: watches, signal };
  await writeStatusAndRemember(client, resources.restoreRequest, request.metadata, written);
  for (const event of requestEvents(request.status, next)) options.events.record(subjectOf(request), event);
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

const advance = async (seenFirst: Turn): Promise<ReconcileResult> => {
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

/** Other requests of the policies of this one. */
const othersOf = ({ observed: { request }, watches }: Turn): readonly DeepReadonly<RequestView>[] =>
  request.policyKeys.flatMap((key) => watches.ofPolicy(key)).filter((other) => other.key !== request.key);

/** Makes Jobs that remove what a finished request left; what is refused is an Event, and tried again. */
const makeRemoving = async (turn: Turn, parts: readonly Part[], jobFor: typeof discardJob): Promise<boolean> => {
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
const tidyUp = async (turn: Turn): Promise<ReconcileResult> => {
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
const letGo = async (turn: Turn): Promise<ReconcileResult> => {
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

/** observe → judge → write → carry out, for one request. */
export const createRestoreReconciler = (options: Options) => {
  const reconcile = async ({ key, signal, logger }: ReconcileContext): Promise<ReconcileResult> => {
    const scope = options.scopeOf(key);
    const request = scope?.watches.request(key);
    if (scope === undefined || request === undefined) return {};
    const { client, clock } = options;
    const now = clock.now();
    const tell = (reason: string, message: string): void =>
      options.events.record(subjectOf(request), { type: 'Normal', reason, message });
    const { namespace } = request.metadata;
    const remember: Pass['remember'] = (kind, raw) => scope.held?.remember(kind, raw);
    const pass: Pass = { client, namespace, caches: scope.caches, remember, now, signal, logger, tell };
    const observed = observeIn(scope, request, now);
    const turn: Turn = { ...scope, client, signal, options, observed, now, pass };
    if (request.metadata.deletionTimestamp !== undefined) return letGo(turn);
    return isFinished(request.status) ? tidyUp(turn) : advance(turn);
  };
  return lookingAgain('the cache is behind', reconcile);
};
