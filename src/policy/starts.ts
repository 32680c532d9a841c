import type { DeepReadonly } from '../base/types.ts';
import { ownJobs, type Observed } from './observed.ts';
import type { ContainerView, JobView, PodView } from './views.ts';

/** Within it a Job may get its pod, a pod its node, and an image that is slow in coming may be asked for again. */
const graceMs = 2 * 60_000;
/** Within it a pod that has its node may wait for its volumes and images without a word. */
const quietMs = 10 * 60_000;
/** Kubelet and scheduler may quote a lot. */
const longestWords = 600;

/** Why kubelet does not start a container, by its own names; waiting for an init container before is none of them. */
const hindrances: readonly (string | undefined)[] = [
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'PreStartHookError',
  'CrashLoopBackOff',
];

/** A run whose Job is there and whose pod does not get going. */
export interface StuckRun {
  jobName: string;
  words: string;
}

const quote = (text: string): string => text.trim().replace(/\.$/, '').slice(0, longestWords).toWellFormed();

const containerWords = ({ name, waitingReason, waitingMessage }: DeepReadonly<ContainerView>): string =>
  `container ${name} does not start: ${waitingReason ?? ''}${waitingMessage === undefined ? '' : `: ${quote(waitingMessage)}`}`;

const hasBegun = ({ ended, runningSince }: DeepReadonly<ContainerView>): boolean =>
  ended !== undefined || runningSince !== undefined;

const hindranceOf = (pods: readonly DeepReadonly<PodView>[], ageMs: number): string | undefined => {
  const waiting = pods
    .flatMap(({ containers }) => containers)
    .find(({ waitingReason }) => hindrances.includes(waitingReason));
  if (waiting !== undefined) return containerWords(waiting);
  const unscheduled = pods.find(({ unschedulable }) => unschedulable !== undefined)?.unschedulable;
  if (unscheduled !== undefined) return `no node takes its pod: ${quote(unscheduled)}`;
  if (pods.length === 0) return 'it has no pod';
  const quiet = pods.every(({ phase, containers }) => phase === 'Pending' && !containers.some(hasBegun));
  return quiet && ageMs >= quietMs ? 'no container of its pod was started, and kubelet does not say why' : undefined;
};

/** The runs that are stuck, and when to look again at those that may become so. Pure. */
export const stuckRuns = (observed: Observed, now: Date): { stuck: StuckRun[]; wakeAt: Date | undefined } => {
  const active = ownJobs(observed).filter(
    ({ end, creationTimestamp }) => end === undefined && creationTimestamp !== '',
  );
  const looked = active.map((job) => {
    const ageMs = now.getTime() - Date.parse(job.creationTimestamp);
    const pods = observed.pods.filter(({ jobUids }) => jobUids.includes(job.uid));
    const words = ageMs < graceMs ? undefined : hindranceOf(pods, ageMs);
    return { job, words, wakeAt: nextLook(job, now) };
  });
  const times = looked.flatMap(({ wakeAt }) => wakeAt ?? []);
  return {
    stuck: looked
      .flatMap(({ job, words }) => (words === undefined ? [] : [{ jobName: job.name, words }]))
      .toSorted((a, b) => (a.jobName < b.jobName ? -1 : 1)),
    wakeAt: times.length === 0 ? undefined : new Date(Math.min(...times)),
  };
};

const nextLook = ({ creationTimestamp }: DeepReadonly<JobView>, now: Date): number | undefined =>
  [graceMs, quietMs].map((ms) => Date.parse(creationTimestamp) + ms).find((time) => time > now.getTime());
