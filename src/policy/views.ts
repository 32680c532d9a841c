import type { V1CronJob, V1Job, V1PersistentVolumeClaim, V1Pod, V1ContainerStatus } from '@kubernetes/client-node';
import { backupPolicySpec, backupPolicyStatus, objectMeta } from '../api/v1alpha1/backuppolicy.ts';
import type { BackupPolicySpec, BackupPolicyStatus, ObjectMeta } from '../api/v1alpha1/backuppolicy.ts';
import { gateAnnotation } from '../api/v1alpha1/gate.ts';
import { readStatus } from '../kube/read-status.ts';
import { jobKind, type JobKind } from '../api/v1alpha1/recovery-points.ts';
import { keyOf, type KubeObject, type OwnerReference, type Wire } from '../kube/types.ts';
import {
  acceptShrinkAnnotation,
  policyAnnotation,
  requestAnnotation,
  restoreAnnotation,
  restoreStageLabel,
  runLabel,
} from '../workloads/labels.ts';

/**
 * What the caches keep of each object: what the policy controller reads and no more, since a cluster may hold ten thousand of each.
 * All are made from raw JSON.
 */

/** A BackupPolicy as it was read. A spec that this version cannot read is a problem to report, not an object to lose. */
export interface PolicyView {
  /** Its own key: namespace/name. */
  policyKey: string;
  metadata: ObjectMeta;
  spec: BackupPolicySpec | undefined;
  /** Why `spec` could not be read. */
  specProblem: string | undefined;
  status: BackupPolicyStatus;
  /** The data time of a copy whose loss was meant, as a person wrote it. */
  acceptShrink: string | undefined;
  /** The run that a person asks for, as it was written. */
  requested: string | undefined;
  /** The status as it lies in the API server, to see whether it changed. */
  rawStatus: unknown;
}

export const policyView = (raw: KubeObject): PolicyView => {
  const spec = backupPolicySpec.safeParse(raw['spec']);
  const issue = spec.error?.issues[0];
  return {
    policyKey: keyOf(raw.metadata),
    metadata: objectMeta.parse(raw.metadata),
    spec: spec.data,
    specProblem: issue === undefined ? undefined : `spec.${issue.path.join('.')}: ${issue.message}`,
    status: readStatus(backupPolicyStatus, raw['status']),
    acceptShrink: raw.metadata.annotations?.[acceptShrinkAnnotation]?.slice(0, 64),
    // Longer than any that is understood; made well-formed again, since half a character may be cut off.
    requested: raw.metadata.annotations?.[requestAnnotation]?.slice(0, 160).toWellFormed(),
    rawStatus: raw['status'],
  };
};

/** What every object that belongs to a policy has. */
interface Member {
  namespace: string;
  name: string;
  uid: string;
  /** Key of the policy: namespace/name; undefined for an object that is marked as Holdfast's without naming a policy. */
  policyKey: string | undefined;
}

const memberOf = ({ metadata }: KubeObject): Member => {
  const namespace = metadata.namespace ?? '';
  const policy = metadata.annotations?.[policyAnnotation];
  return {
    namespace,
    name: metadata.name,
    uid: metadata.uid ?? '',
    policyKey: policy === undefined ? undefined : `${namespace}/${policy}`,
  };
};

const ownerUids = ({ metadata }: KubeObject, kind: string): string[] =>
  (metadata.ownerReferences ?? []).filter((owner: OwnerReference) => owner.kind === kind).map(({ uid }) => uid);

/** A CronJob; `object` is compared with what is desired. */
export interface CronJobView extends Member {
  ownerPolicyUids: string[];
  /** Whether it has any owner. */
  owned: boolean;
  lastScheduleTime: string | undefined;
  creationTimestamp: string;
  object: KubeObject;
}

export const cronJobView = (raw: KubeObject): CronJobView => {
  const { status } = raw as Wire<V1CronJob>;
  return {
    ...memberOf(raw),
    ownerPolicyUids: ownerUids(raw, 'BackupPolicy'),
    owned: (raw.metadata.ownerReferences ?? []).length > 0,
    lastScheduleTime: status?.lastScheduleTime,
    creationTimestamp: raw.metadata.creationTimestamp ?? '',
    object: { apiVersion: raw.apiVersion, kind: raw.kind, metadata: raw.metadata, spec: raw['spec'] },
  };
};

/** A claim. */
export interface ClaimView extends Member {
  phase: string;
  storageClassName: string | undefined;
  requestedStorage: string | undefined;
  object: KubeObject;
}

export const claimView = (raw: KubeObject): ClaimView => {
  const { spec, status } = raw as Wire<V1PersistentVolumeClaim>;
  return {
    ...memberOf(raw),
    phase: status?.phase ?? 'Pending',
    storageClassName: spec?.storageClassName,
    requestedStorage: spec?.resources?.requests?.['storage'],
    object: { apiVersion: raw.apiVersion, kind: raw.kind, metadata: raw.metadata, spec: raw['spec'] },
  };
};

/** Of an object that belongs to a RestoreRequest; all undefined for any other. */
interface RestoreMember {
  /** Key of the request: namespace/name. */
  restoreKey?: string;
  /** What it does for the request. */
  restoreStage?: string;
}

const restoreMemberOf = ({ metadata }: KubeObject): RestoreMember => {
  const request = metadata.annotations?.[restoreAnnotation];
  const stage = metadata.labels?.[restoreStageLabel];
  if (request === undefined) return {};
  return { restoreKey: `${metadata.namespace ?? ''}/${request}`, ...(stage !== undefined && { restoreStage: stage }) };
};

/** A Job. */
export interface JobView extends Member, RestoreMember {
  cronJobUids: string[];
  ownerPolicyUids: string[];
  /** Of the RestoreRequest that owns it; there only where one does. */
  ownerRequestUid?: string;
  /** Finalizers; there only where it has any. */
  finalizers?: string[];
  deleting?: true;
  resourceVersion?: string;
  kind: JobKind | undefined;
  creationTimestamp: string;
  /** How it ended; undefined while it runs. */
  end: { outcome: 'Complete' | 'Failed'; time: string; reason: string | undefined } | undefined;
}

const ofRestore = (raw: KubeObject): Partial<JobView> => {
  const member = restoreMemberOf(raw);
  if (member.restoreKey === undefined) return {};
  const { finalizers, deletionTimestamp, resourceVersion } = raw.metadata;
  const [owner] = ownerUids(raw, 'RestoreRequest');
  return {
    ...member,
    ...(owner !== undefined && { ownerRequestUid: owner }),
    ...(finalizers !== undefined && { finalizers }),
    ...(deletionTimestamp !== undefined && { deleting: true }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
};

export const jobView = (raw: KubeObject): JobView => {
  const { status } = raw as Wire<V1Job>;
  const ended = status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  return {
    ...memberOf(raw),
    ...ofRestore(raw),
    cronJobUids: ownerUids(raw, 'CronJob'),
    ownerPolicyUids: ownerUids(raw, 'BackupPolicy'),
    kind: jobKind.safeParse(raw.metadata.labels?.[runLabel]).data,
    creationTimestamp: raw.metadata.creationTimestamp ?? '',
    end:
      ended === undefined
        ? undefined
        : {
            outcome: ended.type === 'Complete' ? 'Complete' : 'Failed',
            time: status?.completionTime ?? ended.lastTransitionTime ?? raw.metadata.creationTimestamp ?? '',
            reason: ended.reason,
          },
  };
};

/** A container of a pod, init containers included. */
export interface ContainerView {
  name: string;
  /** Why it does not start: `ImagePullBackOff`, … */
  waitingReason: string | undefined;
  waitingMessage: string | undefined;
  /** When it was started, while it runs. */
  runningSince: string | undefined;
  ended: { exitCode: number; reason: string | undefined; message: string | undefined } | undefined;
}

/** A pod. */
export interface PodView extends Member, RestoreMember {
  jobUids: string[];
  phase: string;
  reason: string | undefined;
  /** Why no node takes it, in the words of the scheduler; only while that is so. */
  unschedulable: string | undefined;
  containers: ContainerView[];
  /** Whether somebody has deleted it. */
  deleting: boolean;
  /** The annotation by which its dump container learns whether workloads are down. */
  gate: string | undefined;
}

const containerView = ({ name, state }: Wire<V1ContainerStatus>): ContainerView => ({
  name,
  waitingReason: state?.waiting?.reason,
  waitingMessage: state?.waiting?.message,
  runningSince: state?.running?.startedAt,
  ended:
    state?.terminated === undefined
      ? undefined
      : { exitCode: state.terminated.exitCode, reason: state.terminated.reason, message: state.terminated.message },
});

export const podView = (raw: KubeObject): PodView => {
  const { status } = raw as Wire<V1Pod>;
  const unscheduled = status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  return {
    ...memberOf(raw),
    ...restoreMemberOf(raw),
    jobUids: ownerUids(raw, 'Job'),
    phase: status?.phase ?? 'Unknown',
    reason: status?.reason,
    unschedulable:
      unscheduled === undefined ? undefined : (unscheduled.message ?? unscheduled.reason ?? 'no reason given'),
    deleting: raw.metadata.deletionTimestamp !== undefined,
    gate: raw.metadata.annotations?.[gateAnnotation],
    containers: [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].map(containerView),
  };
};
