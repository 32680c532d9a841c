import { applyIfChanged, type ApplyResult } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import { ApiError, isConflict } from '../kube/errors.ts';
import { deleteObject, getObject } from '../kube/objects.ts';
import type { Logger } from '../kube/logger.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import { policyAnnotation, policyLabel } from '../workloads/labels.ts';
import { policyLabelValue } from '../workloads/names.ts';
import type { Claim, CronJob } from '../workloads/types.ts';
import type { Plan } from './plan.ts';
import type { Problem } from './problems.ts';
import { resources } from './resources.ts';

interface ApplyContext {
  client: KubeClient;
  policyUid: string;
  policyName: string;
  logger: Logger;
  signal: AbortSignal;
}

/** After this many seconds what was refused is tried again: a quota that is raised or a foreign object that goes sends no event. */
export const recheckSeconds = 30;

/** An API server may quote whole objects; a condition holds 32 KiB. */
const longestRefusal = 2000;

const sentence = (text: string): string => `${text.trim().replace(/\.$/, '').slice(0, longestRefusal)}.`;

// An API server that says no for good: waiting does not help, a person must change something.
const refusedCodes = [400, 403, 422];

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

/**
 * Applies one object that the cache does not have. Only where nothing is there: server-side apply would take over an object of the same
 * name that somebody else made. Where something is, the API server is asked what.
 */
const applyNew = async (
  context: ApplyContext,
  type: ResourceType,
  desired: Claim | CronJob,
): Promise<ApplyResult | 'taken'> => {
  const { client, signal } = context;
  try {
    return await applyIfChanged(client, type, desired, undefined, { signal });
  } catch (error) {
    if (!isConflict(error)) throw error;
    const { namespace, name } = desired.metadata;
    const live = await getObject(client, type, { namespace, name }, { signal });
    // Gone again: the next reconcile makes it.
    if (live === undefined) throw error;
    if (!isOurs(live, context)) return 'taken';
    return applyIfChanged(client, type, desired, live, { signal });
  }
};

/** Applies one object. @throws {ApiError} 409: the cache is behind */
const applyOne = async (
  context: ApplyContext,
  type: ResourceType,
  desired: Claim | CronJob,
  cached: object | undefined,
): Promise<Problem[]> => {
  const { client, signal, logger } = context;
  const { name } = desired.metadata;
  try {
    const result =
      cached === undefined
        ? await applyNew(context, type, desired)
        : await applyIfChanged(client, type, desired, cached, { signal });
    if (result === 'taken') return [nameTaken(type.kind, name)];
    const { action, cause } = result;
    if (action === 'applied') logger.info({ applied: type.kind, object: name, cause }, 'applied');
    return [];
  } catch (error) {
    if (!(error instanceof ApiError) || !refusedCodes.includes(error.code)) throw error;
    return [
      {
        reason: 'ApplyRefused',
        message: `The API server refused the ${type.kind} ${name}: ${sentence(error.serverMessage)} Holdfast tries again every ${recheckSeconds} s.`,
      },
    ];
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
    problems.push(...(await applyOne(context, resources.claim, claim.desired, claim.observed)));
    // Without a claim of its own a run would write onto somebody else's, or wait for ever.
    if (problems.length > 0 && claim.observed === undefined) return problems;
  }
  for (const { desired, observed } of cronJobs) {
    problems.push(...(await applyOne(context, resources.cronJob, desired, observed)));
  }
  return problems;
};
