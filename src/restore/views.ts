import { objectMeta, type ObjectMeta } from '../api/v1alpha1/backuppolicy.ts';
import { readStatus } from '../kube/read-status.ts';
import { restoreConfirmationSpec } from '../api/v1alpha1/restoreconfirmation.ts';
import {
  restorePhases,
  restoreRequestSpec,
  restoreRequestStatus,
  type PolicyOutcome,
  type RestoreRequestSpec,
  type RestoreRequestStatus,
} from '../api/v1alpha1/restorerequest.ts';
import type { DeepReadonly } from '../base/types.ts';
import { keyOf, type KubeObject } from '../kube/types.ts';

/** What the caches keep of the resources of a restore. */

/** A RestoreRequest as it was read. */
export interface RequestView {
  /** Its own key: namespace/name. */
  key: string;
  /** Keys of the policies that it names. */
  policyKeys: string[];
  /** Key of the request whose safety copy it puts back. */
  originKey: string[];
  metadata: ObjectMeta;
  finalizers: string[];
  spec: RestoreRequestSpec | undefined;
  /** Why `spec` could not be read. */
  specProblem: string | undefined;
  status: RestoreRequestStatus;
  /** The status as it lies in the API server, to see whether it changed. */
  rawStatus: unknown;
}

export const requestView = (raw: KubeObject): RequestView => {
  const spec = restoreRequestSpec.safeParse(raw['spec']);
  const issue = spec.error?.issues[0];
  const metadata = objectMeta.parse(raw.metadata);
  return {
    key: keyOf(raw.metadata),
    originKey: spec.data?.safetyCopyOf === undefined ? [] : [`${metadata.namespace}/${spec.data.safetyCopyOf.name}`],
    policyKeys: (spec.data?.policyRefs ?? []).map(({ name }) => `${metadata.namespace}/${name}`),
    metadata,
    finalizers: raw.metadata.finalizers ?? [],
    spec: spec.data,
    specProblem: issue === undefined ? undefined : `spec.${issue.path.join('.')}: ${issue.message}`,
    status: readStatus(restoreRequestStatus, raw['status']),
    rawStatus: raw['status'],
  };
};

/** A RestoreConfirmation: only which request it is for, since it is read anew before it counts. */
export interface ConfirmationView {
  /** Key of the request that it names. */
  requestKey: string | undefined;
}

export const confirmationView = (raw: KubeObject): ConfirmationView => {
  const { data } = restoreConfirmationSpec.safeParse(raw['spec']);
  return { requestKey: data === undefined ? undefined : `${raw.metadata.namespace ?? ''}/${data.request.name}` };
};

const finished = [
  'Completed',
  'Failed',
  'Expired',
  'Cancelled',
] as const satisfies readonly (typeof restorePhases)[number][];

/** Whether nothing more is done for a request, but for removing it and its safety copy. */
export const isFinished = ({ phase }: RestoreRequestStatus): boolean => finished.some((each) => each === phase);

/** What status says of one policy of a request. */
export const outcomeIn = (
  { policies }: DeepReadonly<RestoreRequestStatus>,
  policyName: string,
): DeepReadonly<PolicyOutcome> | undefined => policies?.find(({ policy }) => policy === policyName);

/** Whether a request may touch the data of its policies now, or soon: their backups that are due wait, and retention does. */
export const isUnderWay = ({
  status,
  spec,
}: {
  readonly status: RestoreRequestStatus;
  readonly spec: unknown;
}): boolean => spec !== undefined && !isFinished(status);
