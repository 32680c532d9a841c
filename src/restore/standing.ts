import { addDuration, parseDuration } from '../api/v1alpha1/duration.ts';
import { parseGate } from '../api/v1alpha1/gate.ts';
import type { DestinationState } from '../api/v1alpha1/restore-report.ts';
import type { Failure } from '../api/v1alpha1/result.ts';
import type { Destination, PolicyOutcome, RestoreRequestSpec } from '../api/v1alpha1/restorerequest.ts';
import { secondsBetween, timestamp } from '../base/times.ts';
import type { DeepReadonly } from '../base/types.ts';
import { catalogue } from '../errors/catalogue.ts';
import { sandboxParts } from '../workloads/sandboxes/registry.ts';
import { containerOf, saidBy, type Part, type StageJob } from './observed.ts';
import { isRecorded } from './make-plan.ts';
import { interrupted, leavesLoaded, neededContainers, outcomeOf, stateOf } from './outcome.ts';
import { putBackCommand, putsBackCopy } from './put-back.ts';
import type { JudgeInput } from './stage.ts';
import { isStopAnnounced } from './steps.ts';
import { outcomeIn, type RequestView } from './views.ts';

/** What became of one policy's part of a request so far. */
export interface Standing {
  readonly part: Part;
  readonly is: 'Waiting' | 'Running' | 'Completed' | 'Failed' | 'Cancelled';
  readonly outcome: PolicyOutcome;
  readonly failure?: Failure;
}

export const isGateOpen = (part: Part): boolean => parseGate(part.restore?.pod?.gate)?.state === 'Held';

/**
 * Whether a part can still be stopped: not since it was told that it may replace the data; and not once it was told otherwise, or has ended by
 * itself: then its pod is about to say what came of it, and a Job that is deleted takes that along.
 */
export const isStoppable = ({ restore }: Part): boolean =>
  restore !== undefined &&
  parseGate(restore.pod?.gate) === undefined &&
  containerOf(restore, 'swap')?.ended === undefined;

const connectWords = ({ policy, restore }: Part): string | undefined => {
  const pod = restore?.pod;
  const parts = policy?.spec === undefined ? undefined : sandboxParts(policy.spec.source);
  if (pod === undefined || parts === undefined) return undefined;
  return parts.connect({ namespace: pod.namespace, pod: pod.name });
};

/** What the last container that looked has found, in words of what is proven. Only files are fetched onto a claim: nothing loads them. */
const proofOf = (
  stage: StageJob,
  { destination: { volume }, ...spec }: RestoreRequestSpec,
  recorded: boolean,
): Partial<PolicyOutcome> => {
  if (volume !== undefined) {
    const proof = recorded ? 'FilesWhole' : 'PartlyUnknown';
    return saidBy(stage, 'bring')?.restore?.fetched === undefined ? {} : { proof };
  }
  const said = saidBy(stage, 'check') ?? saidBy(stage, 'load') ?? saidBy(stage, 'show');
  const compared = said?.restore?.compared;
  if (compared === undefined) return {};
  const { objects, rows, factsDigest } = compared;
  const whole = putsBackCopy(spec) ? 'EqualToCopy' : 'Equal';
  const proof = factsDigest === undefined || !recorded ? 'PartlyUnknown' : whole;
  return { proof, objectsCompared: objects, rowsCompared: rows };
};

const evidenceOf = (
  part: Part,
  stage: StageJob,
  request: DeepReadonly<RequestView>,
  { spec, recorded }: { readonly spec: RestoreRequestSpec; readonly recorded: boolean },
): Partial<PolicyOutcome> => {
  const safetyCopy = saidBy(stage, 'swap')?.restore?.safetyCopy;
  const bytes = saidBy(stage, 'bring')?.restore?.fetched?.bytes;
  const connect = spec.destination.sandbox === undefined ? undefined : connectWords(part);
  const putBackWith = safetyCopy?.kind === 'None' ? undefined : putBackCommand(request, part.name);
  return {
    ...proofOf(stage, spec, recorded),
    ...(safetyCopy !== undefined && { safetyCopy: { ...safetyCopy, ...(putBackWith && { putBackWith }) } }),
    ...(bytes !== undefined && { sourceBytes: bytes }),
    ...(connect !== undefined && { connect }),
  };
};

/** A part whose Job is not there, and is not known to be lost. */
const withoutJob = (part: Part, before: PolicyOutcome | undefined, cancel: boolean): Standing => {
  const outcome = before ?? { policy: part.name };
  if (outcome.jobName !== undefined) return { part, is: 'Running', outcome };
  if (!cancel) return { part, is: 'Waiting', outcome };
  return { part, is: 'Cancelled', outcome: { ...outcome, outcome: 'Cancelled', state: 'Untouched' } };
};

interface Surroundings {
  readonly cancel: boolean;
  /** Whether the exchange was ever allowed to begin. */
  readonly allowed: boolean;
  readonly destination: Destination | undefined;
}

/** What an end before the exchange may have left. */
const leftOf = (
  state: DestinationState,
  stage: StageJob | undefined,
  destination: Destination,
): Pick<PolicyOutcome, 'loaded'> =>
  state === 'Untouched' && leavesLoaded(stage, destination) ? { loaded: 'Left' } : {};

/** A part whose Job was deleted before it said what came of it. */
const lostStanding = (
  part: Part,
  before: PolicyOutcome | undefined,
  { cancel, allowed, destination }: Surroundings,
): Standing => {
  const state = stateOf(undefined, allowed);
  const left = destination === undefined ? {} : leftOf(state, undefined, destination);
  const outcome = { ...(before ?? { policy: part.name }), ...left };
  if (cancel && state === 'Untouched')
    return { part, is: 'Cancelled', outcome: { ...outcome, outcome: 'Cancelled', state } };
  const reason = allowed ? 'RestoreInterrupted' : 'PodLost';
  const message = `The Job ${outcome.jobName ?? ''} was deleted by somebody. ${catalogue[reason].next}`;
  const failure: Failure = { step: allowed ? 'Swap' : 'Finish', reason, message };
  return { part, is: 'Failed', outcome: { ...outcome, outcome: 'Failed', state }, failure };
};

const safetyCopyEnd = (part: Part, end: string): string => {
  const keepFor = part.policy?.spec?.restore?.keepSafetyCopyFor ?? '1w';
  return timestamp(addDuration(new Date(end), parseDuration(keepFor)));
};

const completedStanding = (part: Part, seen: PolicyOutcome, { inPlace }: Destination, end: string): Standing => {
  const hasCopy = seen.safetyCopy !== undefined && seen.safetyCopy.kind !== 'None';
  const outcome: PolicyOutcome = {
    ...seen,
    ...(hasCopy && { safetyCopyUntil: safetyCopyEnd(part, end) }),
    ...(inPlace !== undefined && { state: 'Replaced' }),
    outcome: 'Completed',
  };
  return { part, is: 'Completed', outcome };
};

const failedStanding = (
  part: Part,
  stage: StageJob,
  { seen, failure }: { readonly seen: PolicyOutcome; readonly failure: Failure },
  { cancel, allowed, destination }: Surroundings,
): Standing => {
  const state = stateOf(stage, allowed);
  const known = { ...seen, state, ...(destination !== undefined && leftOf(state, stage, destination)) };
  if (cancel && state === 'Untouched') return { part, is: 'Cancelled', outcome: { ...known, outcome: 'Cancelled' } };
  const isSeen = saidBy(stage, 'swap')?.restore?.state !== undefined;
  return {
    part,
    is: 'Failed',
    outcome: { ...known, outcome: 'Failed' },
    failure: state === 'Unavailable' && !isSeen ? interrupted(stage.job.name, failure) : failure,
  };
};

/** How one policy's part of a request stands. What status says of its end stays. Pure. */
export const standingOf = (part: Part, { observed, lost, now }: JudgeInput): Standing => {
  const { status, spec } = observed.request;
  const { restore, name } = part;
  const before = outcomeIn(status, name);
  if (before?.outcome !== undefined) return { part, is: before.outcome, outcome: before };
  const around = {
    cancel: spec?.cancel === true,
    allowed: isStopAnnounced(status, name),
    destination: spec?.destination,
  };
  const isGone = restore?.job.deleting === true && restore.pod === undefined && restore.job.end === undefined;
  if (isGone || lost.has(name)) return lostStanding(part, before, around);
  if (restore === undefined || spec === undefined) return withoutJob(part, before, around.cancel);
  const { destination } = spec;
  const recorded = isRecorded(status, name);
  const known: PolicyOutcome = {
    ...before,
    policy: name,
    jobName: restore.job.name,
    ...evidenceOf(part, restore, observed.request, { spec, recorded }),
  };
  const stays = destination.sandbox !== undefined;
  const judged = outcomeOf(restore, neededContainers(spec), { stays, recorded });
  if (judged.is === 'Running') return { part, is: 'Running', outcome: known };
  const end = restore.job.end?.time ?? timestamp(now);
  const measuredSeconds = secondsBetween(new Date(restore.job.creationTimestamp), new Date(end));
  const seen = { ...known, measuredSeconds };
  if (judged.is === 'Completed') return completedStanding(part, seen, destination, end);
  return failedStanding(part, restore, { seen, failure: judged.failure }, around);
};
