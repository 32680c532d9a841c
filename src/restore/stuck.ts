import type { RestoreRequestStatus } from '../api/v1alpha1/restorerequest.ts';
import type { DeepReadonly } from '../base/types.ts';
import type { JobView } from '../policy/views.ts';
import { restoreStages, type RestoreStage } from '../workloads/restore-stage.ts';
import type { StageJob } from './observed.ts';
import type { Stage } from './stage.ts';

/** What keeps a Job of a request from being made, or its pod from getting going, in words that a person can act on. */

type Stalled = NonNullable<Stage['stalled']>;

/** Within it the Job controller may make a pod. */
export const podlessMs = 30_000;
const longestCause = 600;
const longestMessage = 1024;

const does: Readonly<Record<RestoreStage, string>> = {
  plan: 'looks for the backup and at the destination',
  restore: 'restores',
  discard: 'removes the safety copy',
  clean: 'removes what was loaded',
};

const isRestoreStage = (stage: string): stage is RestoreStage => restoreStages.some((each) => each === stage);
/** A request that is over cannot be cancelled any more. */
const isCancellable = (stage: string): boolean => stage === 'plan' || stage === 'restore';

/** Why the API server refuses a Job, with what to do: one that is refused was never made, and has touched nothing. Pure. */
export const refusalWords = (job: string, stage = '', cause = ''): string =>
  `The API server refused the Job ${job}, which ${isRestoreStage(stage) ? does[stage] : 'is to be made'}: ${cause.slice(0, longestCause).toWellFormed().trim().replace(/\.$/, '')}. Nothing was touched by it. Mend that (a quota, an admission policy or webhook), and Holdfast goes on within 15 s${isCancellable(stage) ? '; or cancel the request' : ''}.`;

/** A stage that waits for a person; its message says for what. Pure. */
export const withStall = (stage: Stage, stalled: Stalled | undefined): Stage => {
  if (stalled === undefined) return stage;
  const message = `${stage.status.message ?? ''} ${stalled.message}`.trim().slice(0, longestMessage).toWellFormed();
  return { ...stage, status: { ...stage.status, message }, stalled };
};

/** What was refused of what a stage wants to be made. Pure. */
export const refusedOf = (refusals: readonly string[]): Stalled | undefined =>
  refusals.length === 0 ? undefined : { reason: 'ApplyRefused', message: refusals.join(' ') };

/** What status says was refused: it stands until the same has been tried again. Pure. */
export const refusedBefore = ({ conditions = [] }: RestoreRequestStatus): Stalled | undefined => {
  const stalled = conditions.find(({ type, reason }) => type === 'Stalled' && reason === 'ApplyRefused');
  return stalled && { reason: stalled.reason, message: stalled.message };
};

/** A Job that has no pod though it had the time to get one: the Job controller tells only its Events why. Pure. */
export const podless = (stage: StageJob | undefined, now: Date): Stalled | undefined => {
  if (stage === undefined || stage.pod !== undefined || !isWaiting(stage.job, now)) return undefined;
  const { namespace, name } = stage.job;
  return {
    reason: 'PodMissing',
    message: `The Job ${name} gets no pod: a quota, Pod Security or an admission webhook refuses it. See which: kubectl describe job ${name} --namespace ${namespace}. Mend that, and it goes on by itself; or cancel the request.`,
  };
};

/** When the first of these Jobs has had the time to get its pod; undefined: all have one, or had the time. Pure. */
export const podsDueAt = (stages: readonly (StageJob | undefined)[], now: Date): Date | undefined => {
  const times = stages.flatMap((stage) =>
    stage === undefined || stage.pod !== undefined || stage.job.end !== undefined
      ? []
      : [Date.parse(stage.job.creationTimestamp) + podlessMs],
  );
  const next = Math.min(...times.filter((time) => time > now.getTime()));
  return Number.isFinite(next) ? new Date(next) : undefined;
};

const isWaiting = ({ end, deleting, creationTimestamp }: DeepReadonly<JobView>, now: Date): boolean =>
  end === undefined && deleting !== true && now.getTime() - Date.parse(creationTimestamp) >= podlessMs;

/** Kubelet's usual words while a pod gets going; any other says what is wrong. */
const isTrouble = (reason: string | undefined): boolean =>
  reason !== undefined && reason !== 'PodInitializing' && reason !== 'ContainerCreating';

/** Why a pod does not get going, in the words of the scheduler or of kubelet; undefined: it does. Pure. */
export const waitingWords = (policy: string, stage: StageJob | undefined): string | undefined => {
  const pod = stage?.pod;
  if (pod === undefined) return undefined;
  const waiting = pod.containers.find(({ waitingReason }) => isTrouble(waitingReason));
  const why = pod.unschedulable ?? (waiting && `${waiting.waitingReason}: ${waiting.waitingMessage ?? waiting.name}`);
  if (why === undefined) return undefined;
  return `The pod ${pod.name} of ${policy} cannot start: ${why.slice(0, 300).replace(/\.$/, '')}. Mend that, and it goes on; or cancel the request.`;
};
