import { createHash } from 'node:crypto';
import type { ScheduledKind } from '../api/v1alpha1/recovery-points.ts';
import type { RestoreStage } from './restore-stage.ts';

/** A CronJob's name may have 52 characters: the controller adds 11 to name its Jobs, whose names are labels (63). */
const maxCronJobName = 52;
const maxLabelValue = 63;

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/**
 * `base` when it fits, else its beginning and a hash of the whole, so that two long names that begin alike stay two. Always the same
 * name for the same input: what exists is found again after a crash.
 */
export const fitName = (base: string, max: number): string => {
  if (base.length <= max) return base;
  const head = base.slice(0, max - 9).replace(/[^a-z0-9]+$/, '');
  return `${head}-${shortHash(base)}`;
};

/** How each kind is written in names: of its CronJob, and of a run that a person asks for. */
export const kindNames = {
  LocalCopy: 'local-copy',
  Full: 'full',
  Incremental: 'incremental',
  Verify: 'verify',
} as const satisfies Record<ScheduledKind, string>;

/** Name of the CronJob for one kind of run of a policy. */
export const cronJobName = (policyName: string, kind: ScheduledKind): string => {
  const suffix = kindNames[kind];
  return `${fitName(policyName, maxCronJobName - suffix.length - 1)}-${suffix}`;
};

/** A Job's name is a label of its pods. */
const maxJobName = 63;

/** The beginning of the names of the Jobs that prune for one cause, told by `key`; only the number of the attempt comes after it. */
export const pruneJobPrefix = (policyName: string, key: string): string => {
  const suffix = `-prune-${shortHash(key)}-`;
  return `${fitName(policyName, maxJobName - suffix.length - 4)}${suffix}`;
};

/** Name of the Job for a run that a person asks for; `key` tells one request from another. */
export const requestedJobName = (policyName: string, kind: ScheduledKind, key: string): string => {
  const suffix = `-${kindNames[kind]}-run-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
  return `${fitName(policyName, maxJobName - suffix.length)}${suffix}`;
};

/**
 * Name of the Job that does a stage of a request for one policy. It follows from the request's UID, so that there is never a second one, and
 * a request that was deleted and made again has others.
 */
export const restoreJobName = (
  request: { name: string; uid: string },
  policyName: string,
  stage: RestoreStage,
): string => {
  const suffix = `-${stage}-${restoreId(request.uid, policyName)}`;
  return `${fitName(request.name, maxJobName - suffix.length)}${suffix}`;
};

/** In the names of all that a request makes at the destination of one policy: eight hexadecimal digits. */
export const restoreId = (requestUid: string, policyName: string): string => shortHash(`${requestUid} ${policyName}`);

/** Name of the claim of a policy. */
export const claimName = (policyName: string): string => `${fitName(policyName, maxLabelValue - 9)}-holdfast`;

/** The policy's name as a label value; the whole name is in the annotation of the same key. */
export const policyLabelValue = (policyName: string): string => fitName(policyName, maxLabelValue);

/**
 * The host name of a policy's pods. duplicity refuses to continue a chain made on another host (exit 3), so it depends on the names
 * alone: the pods of a policy that was deleted and made again have the same.
 */
export const podHostname = (namespace: string, policyName: string): string =>
  `holdfast-${createHash('sha256').update(`${namespace}/${policyName}`).digest('hex').slice(0, 16)}`;
