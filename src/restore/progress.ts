import type { Failure } from '../api/v1alpha1/result.ts';
import type { PolicyPlan, RestoreRequestStatus } from '../api/v1alpha1/restorerequest.ts';
import { catalogue } from '../errors/catalogue.ts';
import { endOf, firstFailure } from './endings.ts';
import { sideBySide } from './make-plan.ts';
import { containerOf } from './observed.ts';
import { isGateOpen, isStoppable, standingOf, type Standing } from './standing.ts';
import { kept, nothingWanted, type JudgeInput, type Stage } from './stage.ts';
import { podless, podsDueAt, waitingWords, withStall } from './stuck.ts';

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
  const stuck = running.flatMap(({ part }) => waitingWords(part.name, part.restore) ?? []);
  const names = running.map(({ part }) => part.name).join(', ');
  const more = waiting === 0 ? '' : ` ${waiting} more wait for their turn.`;
  return {
    phase: 'Restoring',
    message: `Restoring ${names}.${more} See steps.${stuck.map((words) => ` ${words}`).join('')}`.slice(0, 1024),
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
  const failure = firstFailure(standings, observed.request.status.failure);
  const common = {
    ...kept(input),
    policies: standings.map(({ outcome }) => outcome),
    ...(failure !== undefined && { failure }),
  };
  const running = standings.filter(({ is }) => is === 'Running');
  const waiting = standings.filter(({ is }) => is === 'Waiting');
  if (running.length === 0 && waiting.length === 0) {
    const names = observed.parts.filter(({ name }) => held.has(name)).map(({ name }) => name);
    if (names.length === 0) return endOf(input, standings, common);
    const message = `The data is done with; the workloads of ${names.join(', ')} are put back.`;
    return { status: { ...common, phase: 'Verifying', message }, wanted: nothingWanted };
  }
  const cancel = spec?.cancel === true ? running.map(({ part }) => part).filter(isStoppable) : [];
  const start =
    spec?.cancel === true ? [] : waiting.slice(0, Math.max(0, sideBySide - running.length)).map(({ part }) => part);
  const mayStart = observed.request.status.plan?.confirmation === 'None' || input.verdict?.accepted !== undefined;
  const stage = {
    status: { ...common, ...runningPhase(standings, input) },
    wanted: { ...nothingWanted, start: mayStart ? start : [], cancel, confirm: !mayStart && start.length > 0 },
  };
  const [stalled] = running.flatMap(({ part }) => podless(part.restore, input.now) ?? []);
  const wakeAt = podsDueAt(
    running.map(({ part }) => part.restore),
    input.now,
  );
  return withStall({ ...stage, wakeAt }, stalled);
};
