import type { DestinationState } from '../api/v1alpha1/restore-report.ts';
import type { Failure, Result } from '../api/v1alpha1/result.ts';
import type { Destination, RestoreRequestSpec } from '../api/v1alpha1/restorerequest.ts';
import { catalogue } from '../errors/catalogue.ts';
import { failureOf } from '../policy/run-reports.ts';
import { containerOf, saidBy, type StageJob } from './observed.ts';

type Asked = Pick<RestoreRequestSpec, 'destination' | 'safetyCopyOf'>;

/** The containers that prove a restore, in the order they run. */
export const neededContainers = ({
  destination: { inPlace, volume, sandbox },
  safetyCopyOf,
}: Asked): readonly Result['container'][] => {
  if (safetyCopyOf !== undefined) return ['load', 'swap', 'check'];
  if (inPlace !== undefined) return ['bring', 'load', 'swap', 'check'];
  if (volume !== undefined) return ['bring'];
  return sandbox === undefined ? ['bring', 'load'] : ['bring', 'show'];
};

/** What became of a Job of a request. */
export type Outcome =
  { readonly is: 'Running' } | { readonly is: 'Completed' } | { readonly is: 'Failed'; readonly failure: Failure };

const succeeded = (stage: StageJob, name: Result['container']): boolean => {
  const { ended } = containerOf(stage, name) ?? {};
  const result = saidBy(stage, name);
  return ended?.exitCode === 0 && result?.outcome === 'Succeeded' && result.failure === undefined;
};

/** What a Job is judged by. */
export interface OutcomeOptions {
  /** A pod with a scratch server to look at stays after that. */
  readonly stays?: boolean;
  /** Whether a ledger records the set: what takes the place of other data then needs facts that are witnessed. */
  readonly recorded?: boolean;
}

/**
 * Besides that a container says that it succeeded, it must say what it found. Of a recorded set all must be witnessed; what somebody accepted
 * unrecorded, and a safety copy, are put in place also where not all can be.
 */
const hasEvidence = (stage: StageJob, name: Result['container'], witnessed: boolean): boolean => {
  const report = saidBy(stage, name)?.restore;
  if (name === 'resolve') return report?.point !== undefined;
  if (name === 'inspect') return report?.destination !== undefined;
  if (name === 'bring') return report?.fetched !== undefined;
  if (name === 'swap') return report?.state === 'Replaced';
  // That nothing is left there any more is all that it says.
  if (name === 'discard') return true;
  const isProven = witnessed && stage.results.some(({ container }) => container.name === 'swap');
  return report?.compared !== undefined && (!isProven || report.compared.factsDigest !== undefined);
};

export const noResult = (stage: StageJob): Failure => ({
  step: 'Finish',
  reason: 'ResultMissing',
  message: `The Job ${stage.job.name} is complete, but not all of its containers said what they found. ${catalogue.ResultMissing.next}`,
});

/** What became of a Job: completed only when each container that was needed ended well, says so, and has its evidence. */
export const outcomeOf = (
  stage: StageJob,
  needed: readonly Result['container'][],
  { stays = false, recorded = true }: OutcomeOptions = {},
): Outcome => {
  const witnessed = recorded && needed.includes('bring');
  const proven = needed.every((name) => succeeded(stage, name) && hasEvidence(stage, name, witnessed));
  if (proven && (stays || stage.job.end?.outcome === 'Complete')) return { is: 'Completed' };
  if (stage.job.end === undefined) return { is: 'Running' };
  const { job, pod, results } = stage;
  // The watch of the pods is behind that of the Jobs, or the pod has not ended yet: it may still do something, and has not said what.
  if (pod !== undefined && pod.phase !== 'Succeeded' && pod.phase !== 'Failed') return { is: 'Running' };
  if (job.end?.outcome === 'Complete') return { is: 'Failed', failure: noResult(stage) };
  return { is: 'Failed', failure: failureOf(job, pod === undefined ? [] : [pod], [...results]) };
};

/**
 * What the destination holds, as far as the containers of a Job that is over have said.
 * @param allowed whether the exchange was ever allowed to begin, as status remembers: the pod may be gone
 */
export const stateOf = (stage: StageJob | undefined, allowed: boolean): DestinationState => {
  const said = saidBy(stage, 'check')?.restore?.state ?? saidBy(stage, 'swap')?.restore?.state;
  if (said !== undefined) return said;
  // What was started and left no word may have stopped anywhere; a pod that is gone as well.
  const swap = containerOf(stage, 'swap');
  const began = swap === undefined || swap.runningSince !== undefined || swap.ended !== undefined;
  return allowed && began ? 'Unavailable' : 'Untouched';
};

/** The failure of a Job whose exchange was begun and whose end nobody saw. */
export const interrupted = (jobName: string, failure: Failure): Failure => ({
  step: 'Swap',
  reason: 'RestoreInterrupted',
  message:
    `The Job ${jobName} ended while it replaced the data, and nobody saw what is in place now (${failure.reason}). ${catalogue.RestoreInterrupted.next}`.slice(
      0,
      640,
    ),
});

const saysLeftBehind = (result: Result | undefined): boolean =>
  result?.notes.some(({ reason }) => reason === 'LeftBehind') === true;

/**
 * Whether what a restore had loaded may still be at the destination, when it ended before its exchange. Only what a container says of itself counts:
 * that it failed, and cleaned up; or that it never came to that.
 */
export const leavesLoaded = (stage: StageJob | undefined, { inPlace, newDatabase, server }: Destination): boolean => {
  if (inPlace === undefined && newDatabase === undefined && server === undefined) return false;
  if (stage === undefined) return true;
  if (saidBy(stage, 'bring')?.outcome === 'Failed') return false;
  const last = saidBy(stage, 'swap') ?? (containerOf(stage, 'swap')?.ended ? undefined : saidBy(stage, 'load'));
  return last?.outcome !== 'Failed' || saysLeftBehind(last);
};
