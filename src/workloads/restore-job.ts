import { apiVersion, type BackupPolicy } from '../api/v1alpha1/backuppolicy.ts';
import { durationSeconds } from '../api/v1alpha1/duration.ts';
import type { PlannedSet, RestorePointAsked } from '../api/v1alpha1/restore-report.ts';
import {
  restoreRequestNames,
  type PlannedCopy,
  type PolicyPlan,
  type RestoreRequest,
} from '../api/v1alpha1/restorerequest.ts';
import type {
  BringTask,
  CheckTask,
  CopyOf,
  DiscardTask,
  InspectTask,
  KeepTask,
  LoadCopyTask,
  LoadTask,
  ResolveTask,
  ShowTask,
  SwapCopyTask,
  SwapTask,
} from '../api/v1alpha1/task.ts';
import { agentContainer, type AgentContainer } from './agent-container.ts';
import { mountClaim } from './claim-mount.ts';
import { jobMarginSeconds } from './cronjob.ts';
import { decryptionOf, encryptionOf } from './encryption.ts';
import { gateFile, gateMount } from './gate.ts';
import { policyAnnotations, restoreAnnotation, restoreStageLabel, runLabels } from './labels.ts';
import type { RestoreStage } from './restore-stage.ts';
import { restoreId, restoreJobName } from './names.ts';
import { agentPod, commonTask, type PodExtras } from './pod.ts';
import { repositoryParts } from './repositories/registry.ts';
import { restoreTarget, type RestoreTarget } from './restore-target.ts';
import { chooseSandboxImage } from './sandbox-images.ts';
import { sandboxParts } from './sandboxes/registry.ts';
import type { WorkloadSettings } from './settings.ts';
import type { Job } from './types.ts';
import {
  sandboxServer,
  sandboxStartSeconds,
  verificationDirectory,
  verificationMount,
  verificationOf,
  verificationVolume,
} from './verify-pod.ts';

/** On the Job that restores: it cannot vanish before what came of it is in status, and so is never made twice. */
export const restoreFinalizer = 'holdfast.dev/restore';

const fetched = `${verificationDirectory}/fetched`;

/** What a Job of a request is made for. */
interface Order {
  request: RestoreRequest;
  policy: BackupPolicy;
  settings: WorkloadSettings;
}

/** Deadline of each container of a restore, in seconds. */
export const restoreDeadline = ({ deadlines }: BackupPolicy['spec']): number => durationSeconds(deadlines.restore);

const commonOf = ({ request, policy }: Order) => ({
  kind: 'Restore' as const,
  ...commonTask(policy),
  deadlineSeconds: restoreDeadline(policy.spec),
  request: { name: request.metadata.name, uid: request.metadata.uid },
});

const destinationOf = (order: Order, { parts, into }: RestoreTarget) => ({
  ...commonOf(order),
  target: parts.source,
  into,
  id: restoreId(order.request.metadata.uid, order.policy.metadata.name),
});

type Containers = [AgentContainer, ...AgentContainer[]];

const jobOf = (
  { request, policy }: Order,
  stage: RestoreStage,
  containers: Containers,
  { finalizers, moreSeconds = 0, ...extras }: PodExtras & { finalizers?: string[]; moreSeconds?: number } = {},
): Job => {
  const { metadata } = request;
  const labels = { ...runLabels(policy.metadata.name, 'Restore'), [restoreStageLabel]: stage };
  const annotations = { ...policyAnnotations(policy.metadata.name), [restoreAnnotation]: metadata.name };
  const owner = { apiVersion, kind: restoreRequestNames.kind, name: metadata.name, uid: metadata.uid };
  const seconds = restoreDeadline(policy.spec) * containers.length + moreSeconds;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: restoreJobName(metadata, policy.metadata.name, stage),
      namespace: metadata.namespace,
      labels,
      annotations,
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
      ...(finalizers !== undefined && { finalizers }),
    },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: seconds + jobMarginSeconds,
      template: { metadata: { labels, annotations }, spec: agentPod(policy, containers, extras) },
    },
  };
};

/** The Job that finds the set and looks at the destination. Undefined: the policy has a source or repository that is not available yet. */
export const restorePlanJob = (order: Order, point: RestorePointAsked): Job | undefined => {
  const { request, policy, settings } = order;
  const repository = repositoryParts(policy.spec.repository);
  if (repository === undefined) return undefined;
  const task = {
    ...commonOf(order),
    cluster: settings.cluster,
    repository: repository.repository,
    point,
    acceptUnrecorded: request.spec.acceptUnrecorded === true,
    encryption: encryptionOf(policy.spec.encryption).encryption.method,
  } satisfies ResolveTask;
  const resolve = agentContainer({
    name: 'resolve',
    image: settings.images.duplicity,
    task,
    secrets: repository.secrets,
    claims: repository.claims,
    settings,
  });
  const target = restoreTarget(policy.spec, request.spec.destination);
  return jobOf(order, 'plan', target === undefined ? [resolve] : [resolve, inspectContainer(order, target)]);
};

/** The Job that looks at a safety copy, and at what it would replace. */
export const putBackPlanJob = (order: Order, copyOf: CopyOf): Job | undefined => {
  const target = restoreTarget(order.policy.spec, order.request.spec.destination);
  return target && jobOf(order, 'plan', [inspectContainer(order, target, copyOf)]);
};

const inspectContainer = (order: Order, target: RestoreTarget, copyOf?: CopyOf): AgentContainer => {
  const task = { ...destinationOf(order, target), ...(copyOf && { copyOf }) } satisfies InspectTask;
  return agentContainer({ ...atDestination(order, target.parts), name: 'inspect', task });
};

/** A plan of a backup that is restored. */
type SetPlan = Pick<PolicyPlan, 'server'> & { readonly set: PlannedSet };

const bringContainer = (
  order: Order,
  { set }: SetPlan,
  to: Pick<BringTask, 'fetched'> & Pick<Parameters<typeof agentContainer>[0], 'claims' | 'others'>,
): AgentContainer | undefined => {
  const { policy, settings } = order;
  const repository = repositoryParts(policy.spec.repository);
  const keys = decryptionOf(policy.spec.encryption);
  if (repository === undefined || keys === undefined) return undefined;
  const task = {
    ...commonOf(order),
    cluster: settings.cluster,
    repository: repository.repository,
    decryption: keys.decryption,
    set,
    fetched: to.fetched,
  } satisfies BringTask;
  return agentContainer({
    name: 'bring',
    image: settings.images.duplicity,
    task,
    secrets: [...repository.secrets, ...keys.secrets],
    claims: [...repository.claims, ...(to.claims ?? [])],
    others: to.others ?? [],
    settings,
  });
};

const toServer = (order: Order, plan: SetPlan, target: RestoreTarget): Job | undefined => {
  const { policy } = order;
  const { parts, into } = target;
  const bring = bringContainer(order, plan, { fetched, others: [{ mount: verificationMount }] });
  if (bring === undefined) return undefined;
  const task = { ...destinationOf(order, target), fetched, set: plan.set } satisfies LoadTask;
  const extras = { volumes: [verificationVolume(policy.spec)], finalizers: [restoreFinalizer] };
  if (into.by !== 'InPlace') return jobOf(order, 'restore', [bring, loadContainer(order, parts, task)], extras);
  return jobOf(order, 'restore', [bring, ...inPlaceContainers(order, parts, task)], {
    ...extras,
    moreSeconds: restoreDeadline(policy.spec),
  });
};

/** What each container has that reaches the destination. */
const atDestination = ({ settings }: Order, { image, secrets, claims = [] }: RestoreTarget['parts']) => ({
  image: settings.images[image],
  secrets,
  claims,
  settings,
});

const withFetched = (order: Order, parts: RestoreTarget['parts']) => ({
  ...atDestination(order, parts),
  others: [{ mount: verificationMount }],
});

const loadContainer = (order: Order, parts: RestoreTarget['parts'], task: LoadTask | LoadCopyTask): AgentContainer =>
  agentContainer({ ...withFetched(order, parts), name: 'load', task });

/** The containers that bring something into the place of the present data. */
const inPlaceContainers = (
  order: Order,
  parts: RestoreTarget['parts'],
  task: LoadTask | LoadCopyTask,
): [AgentContainer, AgentContainer, AgentContainer] => {
  // A person may be waited for: what replaces the data has its own time after that.
  const waitSeconds = restoreDeadline(order.policy.spec);
  const deadlineSeconds = task.deadlineSeconds + waitSeconds;
  const container = withFetched(order, parts);
  const gated = { ...task, deadlineSeconds, gate: { file: gateFile, waitSeconds } } satisfies SwapTask | SwapCopyTask;
  const swap = agentContainer({ ...container, name: 'swap', task: gated, others: [...container.others, gateMount] });
  const check = agentContainer({ ...container, name: 'check', task: task satisfies CheckTask | LoadCopyTask });
  return [loadContainer(order, parts, task), swap, check];
};

/** Puts back what an earlier restore has set aside: nothing is fetched for that. */
const putBackJob = (order: Order, { id, request, count }: PlannedCopy): Job | undefined => {
  const { policy } = order;
  const target = restoreTarget(policy.spec, order.request.spec.destination);
  if (target === undefined) return undefined;
  const task = { ...destinationOf(order, target), fetched, copyOf: { id, request, count } } satisfies LoadCopyTask;
  return jobOf(order, 'restore', inPlaceContainers(order, target.parts, task), {
    volumes: [verificationVolume(policy.spec)],
    finalizers: [restoreFinalizer],
    moreSeconds: restoreDeadline(policy.spec),
  });
};

const toVolume = (order: Order, plan: SetPlan, claimName: string): Job | undefined => {
  const claim = mountClaim('restored', claimName);
  const directory = `${claim.directory}/${order.request.metadata.name}`;
  const bring = bringContainer(order, plan, { fetched: directory, claims: [claim] });
  return bring === undefined ? undefined : jobOf(order, 'restore', [bring], { finalizers: [restoreFinalizer] });
};

const toSandbox = (order: Order, plan: SetPlan, keepSeconds: number): Job | undefined => {
  const { policy, settings } = order;
  const parts = sandboxParts(policy.spec.source);
  const others = [{ mount: verificationMount }];
  const bring = bringContainer(order, plan, { fetched, others });
  if (parts === undefined || bring === undefined) return undefined;
  const common = { ...commonOf(order), fetched, set: plan.set };
  const image = settings.images[parts.image];
  const show = agentContainer({
    name: 'show',
    image,
    task: { ...common, sandbox: parts.sandbox, startSeconds: sandboxStartSeconds } satisfies ShowTask,
    secrets: [],
    others,
    settings,
  });
  const keep = agentContainer({
    name: 'keep',
    image,
    task: { ...commonOf(order), deadlineSeconds: keepSeconds + 60, keepSeconds } satisfies KeepTask,
    secrets: [],
    others,
    settings,
  });
  const extras = {
    volumes: [verificationVolume(policy.spec)],
    finalizers: [restoreFinalizer],
    moreSeconds: keepSeconds,
  };
  if (parts.server === undefined) return jobOf(order, 'restore', [bring, show, keep], extras);
  const asked = verificationOf(policy.spec);
  const server = chooseSandboxImage(settings.sandboxImages, {
    engines: parts.server.engines,
    image: asked.sandbox.image,
    server: plan.server,
  });
  if (server === undefined) return undefined;
  const sidecar = sandboxServer(server, parts.server.script, asked, settings);
  return jobOf(order, 'restore', [bring, show, keep], { ...extras, sidecars: [sidecar] });
};

/**
 * The Job that restores: one container after the other, which are the steps that status shows. Undefined: the policy has a source,
 * repository or destination that is not available, or no private key.
 */
export const restoreJob = (order: Order, { set, copy, server }: PolicyPlan): Job | undefined => {
  if (copy !== undefined) return putBackJob(order, copy);
  if (set === undefined) return undefined;
  const plan = { set, server };
  const { destination } = order.request.spec;
  if (destination.volume !== undefined) return toVolume(order, plan, destination.volume.claimName);
  if (destination.sandbox !== undefined) return toSandbox(order, plan, durationSeconds(destination.sandbox.keepFor));
  const target = restoreTarget(order.policy.spec, destination);
  return target === undefined ? undefined : toServer(order, plan, target);
};

/** The Job that removes the safety copy when its time is over. */
export const discardJob = (order: Order): Job | undefined => removing(order, 'discard', 'SafetyCopy');

/** The Job that removes what was loaded by a restore whose pod was lost before its exchange. */
export const cleanJob = (order: Order): Job | undefined => removing(order, 'clean', 'Loaded');

const removing = (order: Order, stage: 'discard' | 'clean', what: DiscardTask['what']): Job | undefined => {
  const target = restoreTarget(order.policy.spec, order.request.spec.destination);
  if (target === undefined) return undefined;
  const task = { ...destinationOf(order, target), what } satisfies DiscardTask;
  return jobOf(order, stage, [agentContainer({ ...atDestination(order, target.parts), name: 'discard', task })]);
};
