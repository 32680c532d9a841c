import type { DeepReadonly } from '../base/types.ts';
import type { Caches } from '../policy/caches.ts';
import { resultsOf, type ContainerResult } from '../policy/results.ts';
import type { JobView, PodView, PolicyView } from '../policy/views.ts';
import { restoreJobName } from '../workloads/names.ts';
import { restoreStages, type RestoreStage } from '../workloads/restore-stage.ts';
import type { RequestView } from './views.ts';

/** A Job of a request, with what its containers said. */
export interface StageJob {
  readonly job: DeepReadonly<JobView>;
  readonly pod: DeepReadonly<PodView> | undefined;
  readonly results: readonly ContainerResult[];
}

/** What there is for one policy of a request. */
export interface Part extends Partial<Readonly<Record<RestoreStage, StageJob>>> {
  readonly name: string;
  readonly policy: DeepReadonly<PolicyView> | undefined;
}

/** Everything a reconcile of one request looks at. */
export interface ObservedRequest {
  readonly request: DeepReadonly<RequestView>;
  readonly parts: readonly Part[];
  /** The request whose safety copy this one puts back; undefined: there is none of that name, or it puts none back. */
  readonly origin?: ObservedRequest | undefined;
}

/**
 * The Job of a stage: by its name, which follows from the request's UID, and its owner. One that merely carries the annotation proves nothing. Of
 * several pods (there is one, unless somebody meddles) the one that came furthest.
 */
const stageJobOf = (
  request: DeepReadonly<RequestView>,
  policyName: string,
  stage: RestoreStage,
  { jobs, pods }: { jobs: readonly JobView[]; pods: readonly PodView[] },
  now: Date,
): StageJob | undefined => {
  const name = restoreJobName(request.metadata, policyName, stage);
  const job = jobs.find((each) => each.name === name && each.ownerRequestUid === request.metadata.uid);
  if (job === undefined) return undefined;
  const own = pods.filter(({ jobUids }) => jobUids.includes(job.uid));
  const ended = ({ containers }: PodView): number => containers.filter((each) => each.ended !== undefined).length;
  const pod = own.toSorted((a, b) => ended(b) - ended(a) || (a.name < b.name ? -1 : 1))[0];
  return { job, pod, results: pod === undefined ? [] : resultsOf('Restore', pod, now) };
};

type Requests = (key: string) => DeepReadonly<RequestView> | undefined;

/**
 * What is known about one request.
 * @param requests what is known of others, by their key
 */
export const observeRequest = (
  request: DeepReadonly<RequestView>,
  caches: Pick<Caches, 'policies' | 'jobs' | 'pods'>,
  now: Date,
  requests: Requests = () => undefined,
): ObservedRequest => {
  const { namespace } = request.metadata;
  const parts = (request.spec?.policyRefs ?? []).map(({ name }): Part => {
    const key = `${namespace}/${name}`;
    const around = { jobs: caches.jobs.ofPolicy(key), pods: caches.pods.ofPolicy(key) };
    const stages = restoreStages.flatMap((stage) => {
      const found = stageJobOf(request, name, stage, around, now);
      return found === undefined ? [] : [[stage, found] as const];
    });
    return { name, policy: caches.policies.ofPolicy(key)[0], ...Object.fromEntries(stages) };
  });
  const named = request.spec?.safetyCopyOf?.name;
  const origin = named === undefined ? undefined : requests(`${namespace}/${named}`);
  return { request, parts, ...(origin !== undefined && { origin: observeRequest(origin, caches, now) }) };
};

/** What a container of a Job said; undefined: nothing yet, or nothing that can be believed. */
export const saidBy = (stage: StageJob | undefined, container: string): ContainerResult['result'] =>
  stage?.results.find((each) => each.container.name === container)?.result;

/** A container of a Job, as its pod has it. */
export const containerOf = (stage: StageJob | undefined, name: string): ContainerResult['container'] | undefined =>
  stage?.results.find((each) => each.container.name === name)?.container;
