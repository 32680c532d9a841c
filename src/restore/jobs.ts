import { fieldManager } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import { isAlreadyExists, isNotFound, isRefusal } from '../kube/errors.ts';
import { asObject, createObject, deleteObject, getObject } from '../kube/objects.ts';
import { resourcePath } from '../kube/path.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import type { Caches } from '../policy/caches.ts';
import { resources } from '../policy/resources.ts';
import { restoreStageLabel } from '../workloads/labels.ts';
import type { Job } from '../workloads/types.ts';
import { restoreFinalizer } from '../workloads/restore-job.ts';
import type { StageJob } from './observed.ts';
import { refusalWords } from './stuck.ts';
import type { RequestView } from './views.ts';
import type { DeepReadonly } from '../base/types.ts';

/** The writes of a request's Jobs, and of its finalizer. */

export interface Scope {
  readonly client: KubeClient;
  readonly caches: Pick<Caches, 'jobs'>;
  readonly signal: AbortSignal;
}

/** Makes a Job, unless it is there: its name follows from the request's UID. Gives why the API server refuses it; undefined: it is there. */
export const makeJob = async ({ client, caches, signal }: Scope, job: Job): Promise<string | undefined> => {
  const { namespace, name, labels = {} } = job.metadata;
  try {
    caches.jobs.remember(await createObject(client, resources.job, job, { signal, fieldManager }));
  } catch (error) {
    if (isRefusal(error)) return refusalWords(name, labels[restoreStageLabel], error.serverMessage);
    if (!isAlreadyExists(error)) throw error;
    const there = await getObject(client, resources.job, { namespace, name }, { signal });
    if (there !== undefined) caches.jobs.remember(there);
  }
  return undefined;
};

/** Whether a Job is there by the API server's own word; what is there is taken into the cache. */
export const isJobThere = async (
  { client, caches, signal }: Scope,
  namespace: string,
  name: string,
): Promise<boolean> => {
  const there = await getObject(client, resources.job, { namespace, name }, { signal });
  if (there !== undefined) caches.jobs.remember(there);
  return there !== undefined;
};

/**
 * Stops a Job: its pod is told to end. It stays, held by its finalizer, until what became of it is in status; foreground, for otherwise its pod would
 * stay as long.
 */
export const stopJob = async (scope: Scope, { job }: StageJob): Promise<void> => {
  const { client, signal } = scope;
  if (job.deleting === true) return;
  await deleteObject(
    client,
    resources.job,
    { namespace: job.namespace, name: job.name },
    { uid: job.uid, propagation: 'Foreground', signal },
  );
  // The next look, which may be quicker than the watch, does not stop it again.
  await isJobThere(scope, job.namespace, job.name);
};

interface Target {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string | undefined;
}

const patchFinalizers = async (
  { client, signal }: Pick<Scope, 'client' | 'signal'>,
  { type, namespace, name, resourceVersion }: Target,
  finalizers: readonly string[],
): Promise<KubeObject | undefined> => {
  const path = resourcePath({ type, namespace, name });
  const body = { metadata: { ...(resourceVersion !== undefined && { resourceVersion }), finalizers } };
  const query = { fieldManager, fieldValidation: 'Strict' };
  const contentType = 'application/merge-patch+json';
  try {
    return asObject(`PATCH ${path}`, await client.request({ method: 'PATCH', path, query, contentType, body, signal }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
};

/** Lets a Job go whose outcome is in status. */
export const releaseJob = async (scope: Scope, { job }: StageJob): Promise<void> => {
  const { namespace, name, finalizers = [], resourceVersion } = job;
  if (!finalizers.includes(restoreFinalizer)) return;
  const left = finalizers.filter((each) => each !== restoreFinalizer);
  const answer = await patchFinalizers(scope, { type: resources.job, namespace, name, resourceVersion }, left);
  if (answer !== undefined && answer.metadata.deletionTimestamp === undefined) scope.caches.jobs.remember(answer);
};

/**
 * Holds a request while its restore may touch data, or lets it go. Gives the request as it is then; undefined: nothing was to be done.
 * @throws {ApiError} 409 (isConflict): it has changed since
 */
export const setRequestFinalizer = async (
  scope: Pick<Scope, 'client' | 'signal'>,
  { metadata, finalizers }: DeepReadonly<RequestView>,
  isHeld: boolean,
): Promise<KubeObject | undefined> => {
  if (finalizers.includes(restoreFinalizer) === isHeld) return undefined;
  const next = isHeld ? [...finalizers, restoreFinalizer] : finalizers.filter((each) => each !== restoreFinalizer);
  const { namespace, name, resourceVersion } = metadata;
  return patchFinalizers(scope, { type: resources.restoreRequest, namespace, name, resourceVersion }, next);
};
