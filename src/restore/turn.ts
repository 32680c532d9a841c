import { apiVersion, type BackupPolicy } from '../api/v1alpha1/backuppolicy.ts';
import { restoreRequestNames, type RestorePlan, type RestoreRequest } from '../api/v1alpha1/restorerequest.ts';
import type { DeepReadonly } from '../base/types.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { EventRecorder } from '../kube/events.ts';
import { writeStatusAndRemember } from '../kube/status.ts';
import type { Caches } from '../policy/caches.ts';
import { resources } from '../policy/resources.ts';
import type { Pass } from '../quiesce/serve.ts';
import type { HeldWatches } from '../quiesce/watches.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';
import { statusOf } from './conditions.ts';
import { requestEvents } from './events.ts';
import type { Scope as JobScope } from './jobs.ts';
import { observeRequest, type ObservedRequest, type Part } from './observed.ts';
import type { Stage, Verdict } from './stage.ts';
import type { RequestView } from './views.ts';
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
export const gateAgainMs = 2000;
export const lookAgainMs = 60_000;
/** How soon a Job is tried again that was refused: a quota that is raised sends no event. */
export const refusedAgainMs = 15_000;

/** One look at one request. */
export interface Turn extends RestoreScope, JobScope {
  readonly caches: Caches;
  readonly options: RestoreReconcilerOptions;
  readonly observed: ObservedRequest;
  readonly now: Date;
  readonly pass: Pass;
}

/** What its Events are about. */
export const subjectOf = ({ metadata: { namespace, name, uid } }: DeepReadonly<RequestView>) => ({
  apiVersion,
  kind: restoreRequestNames.kind,
  namespace,
  name,
  uid,
});

/** What a Job of a policy of the request is made of; undefined where its policy is not there, or cannot be read. */
export const orderOf = ({ observed: { request }, options: { settings } }: Turn, { policy }: Part) => {
  const { spec, metadata } = request;
  if (spec === undefined || policy?.spec === undefined) return undefined;
  const asked: RestoreRequest = { metadata, spec };
  const of: BackupPolicy = { metadata: policy.metadata, spec: policy.spec };
  return { request: asked, policy: of, settings };
};

/** What is known about a request now, with the one whose safety copy it puts back. */
export const observeIn = (
  { caches, watches }: RestoreScope,
  request: DeepReadonly<RequestView>,
  now: Date,
): ObservedRequest => observeRequest(request, caches, now, watches.request);

/** What is known about the request of a turn as it is once it was written to. */
export const seenAgain = (turn: Turn): ObservedRequest => {
  const { request } = turn.observed;
  return observeIn(turn, turn.watches.request(request.key) ?? request, turn.now);
};

/** Writes how far it has come, and tells what happened since. */
export const writeStage = async (turn: Turn, stage: Stage): Promise<void> => {
  const { client, signal, observed, now, watches, options } = turn;
  const { request } = observed;
  const next = statusOf(observed, stage, now);
  const written = { desired: next, observed: request.rawStatus, memory: watches, signal };
  await writeStatusAndRemember(client, resources.restoreRequest, request.metadata, written);
  for (const event of requestEvents(request.status, next)) options.events.record(subjectOf(request), event);
};
