import { applyIfChanged, fieldManager, type ApplyResult } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import { isAlreadyExists, isConflict, isRefusal } from '../kube/errors.ts';
import { createObject, deleteObject, getObject } from '../kube/objects.ts';
import type { Logger } from '../kube/logger.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import { policyAnnotation, policyLabel } from '../workloads/labels.ts';
import { policyLabelValue } from '../workloads/names.ts';
import type { Claim, CronJob, Job } from '../workloads/types.ts';
import type { Cache } from './cache.ts';
import type { Caches } from './caches.ts';
import type { Plan, Wanted } from './plan.ts';
import type { Problem } from './problems.ts';
import type { PrunePlan } from './prune.ts';
import type { RequestPlan } from './requested-run.ts';
import { resources } from './resources.ts';

interface ApplyContext {
  client: KubeClient;
  policyUid: string;
  policyName: string;
  caches: Caches;
  logger: Logger;
  signal: AbortSignal;
}

/** After this many seconds what was refused is tried again: a quota that is raised or a foreign object that goes sends no event. */
export const recheckSeconds = 30;

/** An API server may quote whole objects; a condition holds 32 KiB. */
const longestRefusal = 2000;

const sentence = (text: string): string => `${text.trim().replace(/\.$/, '').slice(0, longestRefusal)}.`;

const isOurs = ({ metadata }: KubeObject, { policyUid, policyName }: ApplyContext): boolean => {
  const owners = metadata.ownerReferences ?? [];
  if (owners.length > 0) return owners.some(({ uid }) => uid === policyUid);
  const named = metadata.annotations?.[policyAnnotation];
  // Without the annotation the label tells: somebody took the annotation off.
  return named === undefined ? metadata.labels?.[policyLabel] === policyLabelValue(policyName) : named === policyName;
};

const nameTaken = (kind: string, name: string): Problem => ({
  reason: 'NameTaken',
  message: `The ${kind} ${name} exists and is not of this policy: nothing was changed. Delete or rename it (Holdfast looks again every ${recheckSeconds} s), or give the policy another name.`,
});

/** Where objects of a kind are written, and remembered until the watch tells of them. */
interface Target {
  type: ResourceType;
  cache: Pick<Cache<unknown>, 'remember'>;
}

const lookUp = ({ client, signal }: ApplyContext, { type }: Target, { metadata }: Claim | CronJob) =>
  getObject(client, type, { namespace: metadata.namespace, name: metadata.name }, { signal });

/**
 * Applies one object that the cache does not have. Only where nothing is there: server-side apply would take over an object of the same
 * name that somebody else made. Where something is, the API server is asked what.
 */
const applyNew = async (
  context: ApplyContext,
  target: Target,
  desired: Claim | CronJob,
): Promise<ApplyResult | 'taken'> => {
  const { client, signal } = context;
  try {
    return await applyIfChanged(client, target.type, desired, undefined, { signal });
  } catch (error) {
    if (!isConflict(error)) throw error;
    const live = await lookUp(context, target, desired);
    // Gone again: the next reconcile makes it.
    if (live === undefined) throw error;
    if (!isOurs(live, context)) return 'taken';
    target.cache.remember(live);
    return applyIfChanged(client, target.type, desired, live, { signal });
  }
};

/** Applies over what the cache has. @throws {ApiError} 409: the cache was behind; it has been told better */
const applyOver = async (
  context: ApplyContext,
  target: Target,
  desired: Claim | CronJob,
  cached: object,
): Promise<ApplyResult> => {
  const { client, signal } = context;
  try {
    return await applyIfChanged(client, target.type, desired, cached, { signal });
  } catch (error) {
    const live = isConflict(error) ? await lookUp(context, target, desired) : undefined;
    if (live !== undefined) target.cache.remember(live);
    throw error;
  }
};

// Of an answer that a person must do something about; everything else is tried again.
const refusalOf = (error: unknown, kind: string, name: string): Problem => {
  if (!isRefusal(error)) throw error;
  return {
    reason: 'ApplyRefused',
    message: `The API server refused the ${kind} ${name}: ${sentence(error.serverMessage)} Holdfast tries again every ${recheckSeconds} s.`,
  };
};

/** Applies one object. @throws {ApiError} 409: look again */
const applyOne = async (
  context: ApplyContext,
  target: Target,
  { desired, observed }: Wanted<Claim | CronJob>,
): Promise<Problem[]> => {
  const { kind } = target.type;
  const { name } = desired.metadata;
  try {
    const result =
      observed === undefined
        ? await applyNew(context, target, desired)
        : await applyOver(context, target, desired, observed);
    if (result === 'taken') return [nameTaken(kind, name)];
    const { action, cause, object } = result;
    if (action === 'applied') context.logger.info({ applied: kind, object: name, cause }, 'applied');
    // Without an event: this very reconcile goes on to look at what it wrote.
    if (object !== undefined) target.cache.remember(object, { silent: true });
    return [];
  } catch (error) {
    return [refusalOf(error, kind, name)];
  }
};

/** Carries a plan out. What the API server refuses for good comes back as problems; everything else throws and is tried again. */
export const applyPlan = async (context: ApplyContext, { claim, cronJobs, remove }: Plan): Promise<Problem[]> => {
  const { client, signal, logger } = context;
  for (const { namespace, name, uid, object } of remove) {
    const { resourceVersion } = object.metadata;
    // With the version: one that somebody has just orphaned is to be taken over, and its run that goes on would die with it.
    await deleteObject(client, resources.cronJob, { namespace, name }, { uid, resourceVersion, signal });
    logger.info({ deleted: 'CronJob', object: name }, 'deleted: the policy does not ask for it');
  }
  const problems: Problem[] = [];
  if (claim !== undefined) {
    const claims = { type: resources.claim, cache: context.caches.claims };
    problems.push(...(await applyOne(context, claims, claim)));
    // Without a claim of its own a run would write onto somebody else's, or wait for ever.
    if (problems.length > 0 && claim.observed === undefined) return problems;
  }
  for (const cronJob of cronJobs) {
    const target = { type: resources.cronJob, cache: context.caches.cronJobs };
    problems.push(...(await applyOne(context, target, cronJob)));
  }
  return problems;
};

/** Makes a Job that is made once: one of its name that is there already is the one that was to be made, if it is the policy's. */
const createOnce = async (context: ApplyContext, job: Job, ownerUid: string): Promise<Problem[]> => {
  const { client, caches, signal, logger } = context;
  const { namespace, name } = job.metadata;
  try {
    const created = await createObject(client, resources.job, job, { fieldManager, signal });
    caches.jobs.remember(created, { silent: true });
    logger.info({ created: 'Job', object: name }, 'created');
    return [];
  } catch (error) {
    if (!isAlreadyExists(error)) return [refusalOf(error, 'Job', name)];
    const live = await getObject(client, resources.job, { namespace, name }, { signal });
    if (live === undefined) throw error;
    if (live.metadata.ownerReferences?.every(({ uid }) => uid !== ownerUid) ?? true) return [nameTaken('Job', name)];
    caches.jobs.remember(live);
    return [];
  }
};

/** Carries out what is planned for retention. */
export const applyPrune = async (context: ApplyContext, { create, remove }: PrunePlan): Promise<Problem[]> => {
  const { client, signal, logger } = context;
  for (const { namespace, name, uid } of remove) {
    await deleteObject(client, resources.job, { namespace, name }, { uid, signal });
    logger.info({ deleted: 'Job', object: name }, 'deleted: its result is in status, and newer ones are kept');
  }
  return create === undefined ? [] : createOnce(context, create, context.policyUid);
};

/** Makes the Job of a run that a person asks for. */
export const applyRequest = async (context: ApplyContext, { create }: RequestPlan): Promise<Problem[]> =>
  create === undefined ? [] : createOnce(context, create.job, create.ownerUid);
