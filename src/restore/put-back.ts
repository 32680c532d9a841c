import type { CopyOf } from '../api/v1alpha1/task.ts';
import {
  restoreRequestNames,
  type PlannedCopy,
  type RestoreRequestSpec,
  type RestoreRequestStatus,
} from '../api/v1alpha1/restorerequest.ts';
import type { DeepReadonly } from '../base/types.ts';
import { restoreId } from '../workloads/names.ts';
import { createCommand, ownName, prefixOf } from './command.ts';
import { saidBy, type ObservedRequest, type Part } from './observed.ts';
import { isFinished, outcomeIn, type RequestView } from './views.ts';

/** A request that puts back what an earlier one has set aside. All of this is pure. */

/** Whether it is such a request. */
export const putsBackCopy = ({ safetyCopyOf }: Pick<RestoreRequestSpec, 'safetyCopyOf'>): boolean =>
  safetyCopyOf !== undefined;

/**
 * Why the safety copy of a policy cannot be put back, as far as the request says that set it aside; undefined: it can be looked for.
 * @param now undefined: what is planned is held, however long it is confirmed after that
 */
export const noCopy = (
  policyName: string,
  { request, origin }: Pick<ObservedRequest, 'request' | 'origin'>,
  now: Date | undefined,
): string | undefined => {
  const name = request.spec?.safetyCopyOf?.name ?? '';
  if (origin === undefined) return `There is no RestoreRequest ${name} in the namespace`;
  const { status, metadata } = origin.request;
  if (metadata.deletionTimestamp !== undefined) return `The RestoreRequest ${name} is being deleted`;
  if (!isFinished(status)) return `The RestoreRequest ${name} is not finished (${status.phase ?? 'Pending'})`;
  const of = outcomeIn(status, policyName);
  if (of === undefined) return `The RestoreRequest ${name} restored nothing of ${policyName}`;
  if (of.safetyCopy === undefined || of.safetyCopy.kind === 'None')
    return `The RestoreRequest ${name} set nothing aside of ${policyName}`;
  if (of.putBackBy !== undefined && of.putBackBy !== request.metadata.name)
    return `What the RestoreRequest ${name} set aside of ${policyName} was put back by ${of.putBackBy}`;
  if (origin.parts.find((part) => part.name === policyName)?.discard !== undefined)
    return `The safety copy of ${policyName} that the RestoreRequest ${name} left is discarded`;
  if (of.safetyCopyUntil !== undefined && now !== undefined && new Date(of.safetyCopyUntil) <= now)
    return `The safety copy of ${policyName} that the RestoreRequest ${name} left was kept until ${of.safetyCopyUntil}`;
  return undefined;
};

/** What the agent is told of the copy. */
export const copyOf = (policyName: string, { origin }: Pick<ObservedRequest, 'origin'>): CopyOf | undefined => {
  const count = origin && outcomeIn(origin.request.status, policyName)?.safetyCopy?.count;
  if (origin === undefined || count === undefined) return undefined;
  const { uid, name } = origin.request.metadata;
  return { id: restoreId(uid, policyName), request: name, count };
};

/** When the data of a policy was set aside: as near after it as is known. */
const setAsideTime = (policyName: string, { steps = [], completionTime }: RestoreRequestStatus): string | undefined =>
  steps.find(({ policy, name }) => policy === policyName && name === 'Swap')?.completionTime ?? completionTime;

/** The copy as a plan shows it; undefined while nobody has found it whole. */
export const plannedCopy = (part: Part, { origin }: Pick<ObservedRequest, 'origin'>): PlannedCopy | undefined => {
  const found = saidBy(part.plan, 'inspect')?.restore?.copy;
  const of = copyOf(part.name, { origin });
  const time = origin && setAsideTime(part.name, origin.request.status);
  if (found === undefined || of === undefined || origin === undefined || time === undefined) return undefined;
  const { objects, rows } = found;
  const counted = rows === undefined ? `${objects} objects` : `${objects} objects with ${rows} rows`;
  return {
    ...of,
    uid: origin.request.metadata.uid,
    setAsideTime: time,
    objects,
    ...(rows !== undefined && { rows }),
    summary: `Data as it was at ${time}, when request ${of.request} set it aside: ${counted}. It is no backup, and was never verified as one.`,
  };
};

const open = ({ status }: DeepReadonly<RequestView>, policyName: string): boolean =>
  !isFinished(status) || outcomeIn(status, policyName)?.state === 'Unavailable';

const putsBack = (
  other: DeepReadonly<RequestView>,
  { metadata }: DeepReadonly<Pick<RequestView, 'metadata'>>,
  policyName: string,
): boolean => {
  const planned = other.status.plan?.policies.find(({ policy }) => policy === policyName)?.copy;
  return (
    other.metadata.namespace === metadata.namespace &&
    other.spec?.safetyCopyOf?.name === metadata.name &&
    (planned === undefined || planned.uid === metadata.uid)
  );
};

/**
 * What others do with the safety copy of a policy: `isHeld` as long as one may still put it back, or was cut off while it did, and `by` the
 * one that has.
 */
export const useOfCopy = (
  request: DeepReadonly<RequestView>,
  policyName: string,
  others: readonly DeepReadonly<RequestView>[],
): { readonly isHeld: boolean; readonly by: string | undefined } => {
  const own = others.filter((other) => putsBack(other, request, policyName));
  return {
    isHeld: own.some((other) => open(other, policyName)),
    by: own.find((other) => outcomeIn(other.status, policyName)?.outcome === 'Completed')?.metadata.name,
  };
};

/** The command that makes the request by which a safety copy is put back. */
export const putBackCommand = ({ metadata }: DeepReadonly<Pick<RequestView, 'metadata'>>, policyName: string): string =>
  createCommand({
    kind: restoreRequestNames.kind,
    namespace: metadata.namespace,
    prefix: prefixOf(metadata.name, 'back-'),
    spec: [
      `policyRefs: [{ name: ${policyName} }]`,
      `safetyCopyOf: { name: ${metadata.name} }`,
      'destination: { inPlace: {} }',
      'reason: Modified',
      'evidence: WHY THE RESTORED DATA IS NOT WANTED',
      `requestedBy: ${ownName}`,
    ],
  });
