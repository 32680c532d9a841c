import type { ConfirmationMode } from '../api/v1alpha1/restore-policy.ts';
import type { RestoreRequestStatus } from '../api/v1alpha1/restorerequest.ts';
import { timestamp } from '../base/times.ts';
import { catalogue, type FailureReason } from '../errors/catalogue.ts';
import { restoreTarget } from '../workloads/restore-target.ts';
import { confirmationFor, isPlanWhole, makePlan, specDigest } from './make-plan.ts';
import { saidBy, type ObservedRequest, type Part } from './observed.ts';
import { noResult, outcomeOf, type Outcome } from './outcome.ts';
import { judgeRestore } from './progress.ts';
import { noCopy, putsBackCopy } from './put-back.ts';
import { kept, nothingWanted, type JudgeInput, type Stage, type Wanted } from './stage.ts';
import { podless, podsDueAt, waitingWords, withStall } from './stuck.ts';
import { unsuitable } from './suitable.ts';

/** How long a plan can be confirmed, and a confirmation acted upon: what was looked at for it ages. */
export const planValidMs = 24 * 60 * 60 * 1000;

const pending = (input: JudgeInput, message: string, wanted: Partial<Wanted> = {}): Stage => ({
  status: { ...kept(input), phase: 'Pending', message },
  wanted: { ...nothingWanted, ...wanted },
});

interface Ending {
  readonly phase: 'Failed' | 'Expired' | 'Cancelled';
  readonly reason: FailureReason;
  readonly message: string;
  readonly policy?: string;
  readonly step?: NonNullable<RestoreRequestStatus['failure']>['step'];
}

/** The end of a request that has touched nothing. */
const ended = (input: JudgeInput, { phase, reason, message, policy, step }: Ending): Stage => {
  const words = message.slice(0, 1024);
  return {
    status: {
      ...kept(input),
      phase,
      message: words,
      failure: { ...(policy !== undefined && { policy }), ...(step !== undefined && { step }), reason, message: words },
      completionTime: timestamp(input.now),
    },
    wanted: nothingWanted,
  };
};

const cancelled = (input: JudgeInput): Stage =>
  ended(input, {
    phase: 'Cancelled',
    reason: 'RestoreCancelled',
    message: `The request was cancelled before anything was begun. ${catalogue.RestoreCancelled.next}`,
  });

const problemOf = ({ observed, settings }: JudgeInput): { reason: string; message: string } | undefined => {
  const { spec } = observed.request;
  for (const { name, policy } of observed.parts) {
    if (policy === undefined)
      return {
        reason: 'PolicyNotFound',
        message: `There is no BackupPolicy ${name} in the namespace. Make it, or make a request that names one that is there.`,
      };
    if (policy.spec === undefined || spec === undefined)
      return {
        reason: 'PolicyUnreadable',
        message: `The BackupPolicy ${name} cannot be read: ${policy.specProblem ?? 'see its condition Stalled'}.`,
      };
    const why = unsuitable(policy.spec, spec, settings);
    if (why !== undefined) return { reason: 'DestinationUnsupported', message: `BackupPolicy ${name}: ${why}.` };
  }
  return undefined;
};

/** What became of a part's plan Job. Where there is nothing to look at, the set alone is found. */
const planOutcome = ({ policy, plan }: Part, { request }: ObservedRequest): Outcome => {
  if (plan === undefined || policy?.spec === undefined || request.spec === undefined) return { is: 'Running' };
  if (putsBackCopy(request.spec)) {
    const found = outcomeOf(plan, ['inspect']);
    // An agent that knows of no copies says nothing of one.
    const isTold = saidBy(plan, 'inspect')?.restore?.copy !== undefined;
    return found.is !== 'Completed' || isTold ? found : { is: 'Failed', failure: noResult(plan) };
  }
  const target = restoreTarget(policy.spec, request.spec.destination);
  return outcomeOf(plan, target === undefined ? ['resolve'] : ['resolve', 'inspect']);
};

/** Whether the data looks whole, and nobody said to replace it all the same. */
const healthyPart = (input: JudgeInput, plan: NonNullable<RestoreRequestStatus['plan']>) => {
  const { inPlace } = input.observed.request.spec?.destination ?? {};
  // What replaces the outcome of a restore says by that what it replaces.
  const isSaid = inPlace?.overwriteHealthy === true || input.observed.request.spec?.safetyCopyOf !== undefined;
  if (inPlace === undefined || isSaid) return undefined;
  return plan.policies.find(({ destination }) => destination?.healthy === true);
};

const lookingMessage = 'The backups are looked for, and the destination is looked at.';

/** The plan Jobs are there, and have not said all. */
const looking = (input: JudgeInput): Stage => {
  const { parts } = input.observed;
  const running = parts.filter((part) => planOutcome(part, input.observed).is === 'Running');
  const stuck = running.flatMap(({ name, plan }) => waitingWords(name, plan) ?? []);
  const [stalled] = running.flatMap(({ plan }) => podless(plan, input.now) ?? []);
  const stage = pending(input, [lookingMessage, ...stuck].join(' ').slice(0, 1024));
  const wakeAt = podsDueAt(
    running.map(({ plan }) => plan),
    input.now,
  );
  return withStall({ ...stage, wakeAt }, stalled);
};

/** The end of a request that is to put back what is not there to be put back, as far as the request says that set it aside. */
const withoutCopy = (input: JudgeInput, now?: Date): Stage | undefined => {
  const { request, parts } = input.observed;
  if (request.spec === undefined || !putsBackCopy(request.spec)) return undefined;
  for (const { name } of parts) {
    const why = noCopy(name, input.observed, now);
    if (why === undefined) continue;
    const message = `${why}. ${catalogue.SafetyCopyUnavailable.next}`;
    return ended(input, { phase: 'Failed', reason: 'SafetyCopyUnavailable', step: 'Inspect', policy: name, message });
  }
  return undefined;
};

/** Likewise, once it is planned: what was planned is held for it, but another one may have put it back. What that says counts only of the very request. */
const withoutCopySince = (input: JudgeInput): Stage | undefined => {
  const { origin, request } = input.observed;
  const isSame = request.status.plan?.policies.every(({ copy }) => copy?.uid === origin?.request.metadata.uid);
  return origin === undefined || isSame !== true ? undefined : withoutCopy(input);
};

const planning = (input: JudgeInput): Stage => {
  const { observed, now } = input;
  if (observed.request.spec?.cancel === true) return cancelled(input);
  const problem = problemOf(input);
  if (problem !== undefined) return { ...pending(input, problem.message), stalled: problem };
  const copyless = withoutCopy(input, now);
  if (copyless !== undefined) return copyless;
  const missing = observed.parts.filter(({ plan }) => plan === undefined);
  if (missing.length > 0) return pending(input, lookingMessage, { plan: missing });
  const outcomes = observed.parts.map((part) => ({ part, outcome: planOutcome(part, observed) }));
  for (const { part, outcome } of outcomes) {
    if (outcome.is !== 'Failed') continue;
    const { reason, step, message } = outcome.failure;
    return ended(input, {
      phase: 'Failed',
      reason,
      step,
      policy: part.name,
      message: `No plan could be made for ${part.name}; nothing was touched. ${message}`,
    });
  }
  const isDone = outcomes.every(({ outcome }) => outcome.is === 'Completed');
  const plan = isDone ? makePlan(observed, now) : undefined;
  if (plan === undefined) return looking(input);
  const healthy = healthyPart(input, plan);
  if (healthy !== undefined) {
    const message = `Nothing was touched: at the destination of ${healthy.policy} a loss cannot be seen. ${healthy.destination?.summary ?? ''} ${catalogue.DestinationHealthy.next}`;
    const end = ended(input, { phase: 'Failed', reason: 'DestinationHealthy', policy: healthy.policy, message });
    return { ...end, status: { ...end.status, plan } };
  }
  return awaiting({ ...input, observed: withPlan(observed, plan) });
};

const withPlan = (observed: ObservedRequest, plan: NonNullable<RestoreRequestStatus['plan']>): ObservedRequest => ({
  ...observed,
  request: { ...observed.request, status: { ...observed.request.status, plan } },
});

const confirmers: Record<ConfirmationMode, string> = {
  None: 'Nobody has to confirm it.',
  OnePerson: 'Somebody who may confirm restores has to confirm it.',
  TwoPersons: 'Somebody who may confirm restores, another than the one who asked, has to confirm it.',
};

const expiryOf = (plannedTime: string): Date => new Date(Date.parse(plannedTime) + planValidMs);

const awaiting = (input: JudgeInput): Stage => {
  // What was written of an earlier look does not count: nothing was begun.
  const { confirmation: _confirmation, startTime: _startTime, ...rest } = kept(input);
  const { plan } = rest;
  const expiry = expiryOf(plan?.plannedTime ?? '');
  const { refused = [], blocked } = input.verdict ?? {};
  const notCounted =
    refused.length === 0 ? '' : ` ${refused.length} of the confirmations that are there do not count: see refused.`;
  return {
    status: {
      ...rest,
      phase: 'AwaitingConfirmation',
      message:
        `Read the plan. ${confirmers[plan?.confirmation ?? 'OnePerson']} The command is in plan.confirmWith; it can be confirmed until ${timestamp(expiry)}.${notCounted}${blocked === undefined ? '' : ` It cannot go on: ${blocked.message}`}`.slice(
          0,
          1024,
        ),
      refused: refused.slice(0, 8),
    },
    wanted: { ...nothingWanted, confirm: true },
    wakeAt: new Date(Math.min(expiry.getTime(), input.verdict?.wakeAt?.getTime() ?? Infinity) + 1000),
  };
};

const begun = (input: JudgeInput): Stage => {
  const { observed, verdict, busy, now } = input;
  const { status } = observed.request;
  const accepted = verdict?.accepted;
  const others = observed.parts.filter(({ name }) => busy.has(name)).map(({ name }) => name);
  // It may have been begun before, and its Job refused: then it counts from there.
  const isSame = status.confirmation?.uid === accepted?.uid;
  const acceptedTime = (isSame ? status.confirmation?.acceptedTime : undefined) ?? timestamp(now);
  const confirmation = accepted && { ...accepted, acceptedTime };
  const common = {
    ...kept(input),
    ...(confirmation !== undefined && { confirmation }),
    refused: [...(verdict?.refused ?? [])].slice(0, 8),
  };
  if (others.length > 0)
    return {
      status: {
        ...common,
        phase: 'Queued',
        message: `Another request restores ${others.join(', ')} now: this one begins after it.`,
      },
      wanted: nothingWanted,
      wakeAt: new Date(now.getTime() + 15_000),
    };
  const startTime = (isSame && status.phase === 'Restoring' ? status.startTime : undefined) ?? timestamp(now);
  const next = { ...status, ...common, startTime };
  return judgeRestore({ ...input, observed: { ...observed, request: { ...observed.request, status: next } } });
};

const confirming = (input: JudgeInput): Stage => {
  const { observed, verdict, now } = input;
  const { spec, status } = observed.request;
  const { plan } = status;
  if (spec?.cancel === true || plan === undefined) return cancelled(input);
  if (!isPlanWhole(observed.request, plan))
    return ended(input, {
      phase: 'Failed',
      reason: 'AdmissionMissing',
      message: `status.plan is not what its hash was made of: somebody else wrote it, and nothing was touched. ${catalogue.AdmissionMissing.next}`,
    });
  const changed = observed.parts.find(({ name, policy }) => {
    const planned = plan.policies.find((each) => each.policy === name);
    if (policy?.spec === undefined || spec === undefined) return true;
    // A hash is no signature: whoever writes a whole plan into status must not say by it that nobody has to confirm.
    return planned?.specDigest !== specDigest(policy.spec) || planned.confirmation !== confirmationFor(policy, spec);
  });
  if (changed !== undefined)
    return ended(input, {
      phase: 'Failed',
      reason: 'PlanOutdated',
      policy: changed.name,
      message: `The BackupPolicy ${changed.name} is not what it was when this was planned; nothing was touched. ${catalogue.PlanOutdated.next}`,
    });
  const copyless = withoutCopySince(input);
  if (copyless !== undefined) return copyless;
  if (plan.confirmation === 'None' || verdict?.accepted !== undefined) return begun(input);
  if (now.getTime() >= expiryOf(plan.plannedTime).getTime())
    return ended(input, {
      phase: 'Expired',
      reason: 'ConfirmationLapsed',
      message: `Nobody confirmed the plan of ${plan.plannedTime} within 24 hours; nothing was touched. ${catalogue.ConfirmationLapsed.next}`,
    });
  return awaiting(input);
};

/** What is next for a request that is not finished. Pure. */
export const judgeStage = (input: JudgeInput): Stage => {
  const { spec, specProblem, status } = input.observed.request;
  if (spec === undefined) {
    const message = `${specProblem ?? 'spec cannot be read'}. If it is right, the CRD and the operator are of different versions.`;
    return { ...pending(input, message), stalled: { reason: 'SpecUnreadable', message } };
  }
  if (status.plan === undefined) return planning(input);
  // Until there is a Job, whatever else is written, nothing is begun: the confirmation is read anew before there is.
  const isBegun =
    input.observed.parts.some(({ restore }) => restore !== undefined) ||
    (status.policies ?? []).some(({ jobName }) => jobName !== undefined);
  return isBegun ? judgeRestore(input) : confirming(input);
};
