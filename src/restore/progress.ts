import { addDuration, parseDuration } from '../api/v1alpha1/duration.ts';
import { parseGate } from '../api/v1alpha1/gate.ts';
import type { Failure } from '../api/v1alpha1/result.ts';
import type { PolicyOutcome, PolicyPlan, RestoreRequestStatus } from '../api/v1alpha1/restorerequest.ts';
import { secondsBetween, timestamp } from '../base/times.ts';
import { catalogue } from '../errors/catalogue.ts';
import { isWithinRecoveryTime } from '../sla/recovery-time.ts';
import { sandboxParts } from '../workloads/sandboxes/registry.ts';

import { sideBySide } from './make-plan.ts';
import { containerOf, saidBy, type Part } from './observed.ts';
import { interrupted, neededContainers, outcomeOf, stateOf } from './outcome.ts';
import { isStopAnnounced } from './steps.ts';
import { kept, nothingWanted, type JudgeInput, type Stage } from './stage.ts';

/** What became of one policy's part so far. */
interface Standing {
  readonly part: Part;
  readonly is: 'Waiting' | 'Running' | 'Completed' | 'Failed' | 'Cancelled';
  readonly outcome: PolicyOutcome;
  readonly failure?: Failure;
}

const isGateOpen = (part: Part): boolean => parseGate(part.restore?.pod?.gate)?.state === 'Held';

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

const evidenceOf = (
  part: Part,
  { destination }: { readonly destination: { readonly sandbox?: unknown } },
): Partial<PolicyOutcome> => {
  const { restore } = part;
  const compared = (saidBy(restore, 'check') ?? saidBy(restore, 'load') ?? saidBy(restore, 'show'))?.restore?.compared;
  const safetyCopy = saidBy(restore, 'swap')?.restore?.safetyCopy;
  const bytes = saidBy(restore, 'bring')?.restore?.fetched?.bytes;
  const connect = destination.sandbox === undefined ? undefined : connectWords(part);
  return {
    ...(compared !== undefined && { objectsCompared: compared.objects, rowsCompared: compared.rows }),
    ...(safetyCopy !== undefined && { safetyCopy }),
    ...(bytes !== undefined && { sourceBytes: bytes }),
    ...(connect !== undefined && { connect }),
  };
};

const safetyCopyEnd = (part: Part, end: string): string => {
  const keepFor = part.policy?.spec?.restore?.keepSafetyCopyFor ?? '1w';
  return timestamp(addDuration(new Date(end), parseDuration(keepFor)));
};

const standingOf = (part: Part, { observed, lost, now }: JudgeInput): Standing => {
  const { request } = observed;
  const before = request.status.policies?.find(({ policy }) => policy === part.name);
  const spec = request.spec;
  const { restore, name } = part;
  if (before?.outcome !== undefined) return { part, is: before.outcome, outcome: before };
  const allowed = isStopAnnounced(request.status, name);
  const isGone = restore?.job.deleting === true && restore.pod === undefined && restore.job.end === undefined;
  if (restore === undefined || spec === undefined || isGone) {
    const outcome: PolicyOutcome = before ?? { policy: name };
    if (!lost.has(name) && !isGone) {
      const isStopped = spec?.cancel === true && before?.jobName === undefined;
      return isStopped
        ? { part, is: 'Cancelled', outcome: { ...outcome, outcome: 'Cancelled', state: 'Untouched' } }
        : { part, is: before?.jobName === undefined ? 'Waiting' : 'Running', outcome };
    }
    const state = stateOf(undefined, allowed);
    if (spec?.cancel === true && state === 'Untouched')
      return { part, is: 'Cancelled', outcome: { ...outcome, outcome: 'Cancelled', state } };
    const failure: Failure = {
      step: allowed ? 'Swap' : 'Finish',
      reason: allowed ? 'RestoreInterrupted' : 'PodLost',
      message: `The Job ${before?.jobName ?? ''} was deleted by somebody. ${catalogue[allowed ? 'RestoreInterrupted' : 'PodLost'].next}`,
    };
    return { part, is: 'Failed', outcome: { ...outcome, outcome: 'Failed', state }, failure };
  }
  const seen = {
    ...before,
    policy: name,
    jobName: restore.job.name,
    ...evidenceOf(part, spec),
  } satisfies PolicyOutcome;
  const judged = outcomeOf(restore, neededContainers(spec.destination), spec.destination.sandbox !== undefined);
  if (judged.is === 'Running') return { part, is: 'Running', outcome: seen };
  const end = restore.job.end?.time ?? timestamp(now);
  const measuredSeconds = secondsBetween(new Date(restore.job.creationTimestamp), new Date(end));
  if (judged.is === 'Completed') {
    const hasCopy = seen.safetyCopy !== undefined && seen.safetyCopy.kind !== 'None';
    const state = spec.destination.inPlace === undefined ? {} : { state: 'Replaced' as const };
    const until = hasCopy ? { safetyCopyUntil: safetyCopyEnd(part, end) } : {};
    return { part, is: 'Completed', outcome: { ...seen, ...until, ...state, measuredSeconds, outcome: 'Completed' } };
  }
  const state = stateOf(restore, allowed);
  const isCancel = state === 'Untouched' && spec.cancel;
  const isSeen = saidBy(restore, 'swap')?.restore?.state !== undefined;
  const failure = state === 'Unavailable' && !isSeen ? interrupted(restore.job.name, judged.failure) : judged.failure;
  const outcome = { ...seen, state, measuredSeconds, outcome: isCancel ? 'Cancelled' : 'Failed' } as const;
  return { part, is: isCancel ? 'Cancelled' : 'Failed', outcome, ...(!isCancel && { failure }) };
};

const waitsForPerson = (
  { part }: Standing,
  plan: readonly PolicyPlan[],
  externalStopped: boolean,
): string | undefined => {
  const external = plan.find(({ policy }) => policy === part.name)?.external;
  const waits = containerOf(part.restore, 'swap')?.runningSince !== undefined && !isGateOpen(part);
  return external !== undefined && waits && !externalStopped ? external : undefined;
};

const runningPhase = (
  standings: readonly Standing[],
  input: JudgeInput,
): Pick<RestoreRequestStatus, 'phase' | 'message'> => {
  const { spec, status, metadata } = input.observed.request;
  const running = standings.filter(({ is }) => is === 'Running');
  const waiting = standings.filter(({ is }) => is === 'Waiting').length;
  for (const standing of running) {
    const external = waitsForPerson(standing, status.plan?.policies ?? [], spec?.externalStopped === true);
    if (external === undefined) continue;
    const command = `kubectl patch restorerequest ${metadata.name} --namespace ${metadata.namespace} --type merge --patch '{"spec":{"externalStopped":true}}'`;
    return {
      phase: 'AwaitingExternal',
      message:
        `${standing.part.name} is loaded and compared. Before it replaces what is there, stop: ${external}. Then say so: ${command}`.slice(
          0,
          1024,
        ),
    };
  }
  const isCompared = ({ part }: Standing): boolean => {
    const check = containerOf(part.restore, 'check');
    return check?.runningSince !== undefined || check?.ended !== undefined;
  };
  const isLast = running.length > 0 && running.every(isCompared);
  if (isLast)
    return { phase: 'Verifying', message: 'The data is in its place, and is compared with the facts once more.' };
  if (running.length === 0) return { phase: 'Restoring', message: 'The restore begins. See steps.' };
  const names = running.map(({ part }) => part.name).join(', ');
  const more = waiting === 0 ? '' : ` ${waiting} more wait for their turn.`;
  return { phase: 'Restoring', message: `Restoring ${names}.${more} See steps.` };
};

const recoveryTimeMet = (standings: readonly Standing[], seconds: number): boolean | undefined => {
  const promised = standings.flatMap(({ part }) => part.policy?.spec?.objectives?.recoveryTimeObjective ?? []);
  return promised.length === 0 ? undefined : promised.every((each) => isWithinRecoveryTime({ seconds }, each));
};

const stateWords = {
  Untouched: 'what was there is as it was',
  Replaced: 'the restored data is in its place',
  PutBack: 'what was there before was put back, whole',
  Unavailable: 'what is there is not whole, or nobody knows: do not start what uses it',
} as const;

const finishedStage = (input: JudgeInput, standings: readonly Standing[], common: Stage['status']): Stage => {
  const { now } = input;
  const failed = standings.find(({ is }) => is === 'Failed');
  const completionTime = timestamp(now);
  const measuredSeconds = secondsBetween(new Date(common.startTime ?? completionTime), now);
  const ofAll = { ...common, completionTime, measuredSeconds };
  if (failed !== undefined) {
    const { failure, outcome, part } = failed;
    const standing = outcome.state === undefined ? '' : ` Of ${part.name}, ${stateWords[outcome.state]}.`;
    const rest = standings.filter(({ is }) => is === 'Completed').map((each) => each.part.name);
    const others = rest.length === 0 ? '' : ` Restored all the same: ${rest.join(', ')}.`;
    const message =
      `${part.name} failed${failure === undefined ? '.' : ` at step ${failure.step}: ${failure.message}`}${standing}${others}`.slice(
        0,
        1024,
      );
    const reason = failure?.reason ?? input.observed.request.status.failure?.reason ?? 'InternalError';
    return {
      status: {
        ...ofAll,
        phase: 'Failed',
        message,
        failure: { policy: part.name, ...(failure && { step: failure.step }), reason, message },
      },
      wanted: nothingWanted,
    };
  }
  if (standings.some(({ is }) => is === 'Cancelled')) {
    const message =
      `The request was cancelled; ${standings.map(({ part, outcome }) => `of ${part.name}, ${stateWords[outcome.state ?? 'Untouched']}`).join('; ')}.`.slice(
        0,
        1024,
      );
    return {
      status: { ...ofAll, phase: 'Cancelled', message, failure: { reason: 'RestoreCancelled', message } },
      wanted: nothingWanted,
    };
  }
  const isMet = recoveryTimeMet(standings, measuredSeconds);
  const rto =
    isMet === undefined ? 'no RTO was promised' : isMet ? 'within the RTO' : 'longer than the RTO that was promised';
  const what = standings.map(
    ({ outcome }) =>
      `${outcome.policy} (${outcome.objectsCompared ?? 0} objects, ${outcome.rowsCompared ?? 0} rows equal to the facts)`,
  );
  return {
    status: {
      ...ofAll,
      phase: 'Completed',
      message: `Restored and compared: ${what.join(', ')}. It took ${measuredSeconds} s, ${rto}.`.slice(0, 1024),
      ...(isMet !== undefined && { recoveryTimeMet: isMet }),
    },
    wanted: nothingWanted,
  };
};

/** What has not started needs a confirmation that counts now, whatever status says of an earlier one. */
const unlessRefused = (standing: Standing, { verdict }: JudgeInput): Standing => {
  if (standing.is !== 'Waiting' || verdict === undefined || verdict.accepted !== undefined) return standing;
  const { part, outcome } = standing;
  const failure: Failure = {
    step: 'Prepare',
    reason: 'ConfirmationLapsed',
    message: `Its turn came when no confirmation counted any more. ${catalogue.ConfirmationLapsed.next}`,
  };
  return { part, is: 'Failed', outcome: { ...outcome, outcome: 'Failed', state: 'Untouched' }, failure };
};

/** What is next for a request whose restore has begun. Pure. */
export const judgeRestore = (input: JudgeInput): Stage => {
  const { observed, held } = input;
  const { spec } = observed.request;
  const standings = observed.parts.map((part) => unlessRefused(standingOf(part, input), input));
  const common = { ...kept(input), policies: standings.map(({ outcome }) => outcome) };
  const running = standings.filter(({ is }) => is === 'Running');
  const waiting = standings.filter(({ is }) => is === 'Waiting');
  if (running.length === 0 && waiting.length === 0) {
    const names = observed.parts.filter(({ name }) => held.has(name)).map(({ name }) => name);
    if (names.length === 0) return finishedStage(input, standings, common);
    const message = `The data is done with; the workloads of ${names.join(', ')} are put back.`;
    return { status: { ...common, phase: 'Verifying', message }, wanted: nothingWanted };
  }
  const cancel = spec?.cancel === true ? running.map(({ part }) => part).filter(isStoppable) : [];
  const start =
    spec?.cancel === true ? [] : waiting.slice(0, Math.max(0, sideBySide - running.length)).map(({ part }) => part);
  const mayStart = observed.request.status.plan?.confirmation === 'None' || input.verdict?.accepted !== undefined;
  return {
    status: { ...common, ...runningPhase(standings, input) },
    wanted: { ...nothingWanted, start: mayStart ? start : [], cancel, confirm: !mayStart && start.length > 0 },
  };
};
