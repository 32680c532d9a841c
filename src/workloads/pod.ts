import type { BackupPolicy } from '../api/v1alpha1/backuppolicy.ts';
import type { RunKind } from '../api/v1alpha1/recovery-points.ts';
import type { DumpTask, ShipTask } from '../api/v1alpha1/task.ts';
import { durationSeconds } from '../api/v1alpha1/duration.ts';
import { agentContainer, claimDirectory, scratchDirectory, type AgentContainer } from './agent-container.ts';
import { encryptionOf } from './encryption.ts';
import { gateFile, gateMount, gateWaitSeconds } from './gate.ts';
import { policyLabel } from './labels.ts';
import { cronLineOf } from './lines.ts';
import { claimName, podHostname, policyLabelValue } from './names.ts';
import { repositoryParts } from './repositories/registry.ts';
import type { WorkloadSettings } from './settings.ts';
import { sourceParts } from './sources/registry.ts';
import { subjectOf } from './subject.ts';
import { windowTask } from './window.ts';
import type { Container, PodSpec, Volume } from './types.ts';

/** The user and group of every container; the images have a passwd entry for it. */
const userId = 65532;

/** Deadlines of the parts of a run, in seconds. */
export interface RunDeadlines {
  /** Of the container that decides whether to dump; 0 where there is none. */
  decide: number;
  dump: number;
  ship: number;
}

// A run that may find a local copy must not stop workloads for nothing.
const decides = ({ quiesce, schedule }: BackupPolicy['spec'], kind: RunKind): boolean =>
  quiesce?.workloads !== undefined && kind !== 'LocalCopy' && schedule.localCopy !== undefined;

export const runDeadlines = (spec: BackupPolicy['spec'], kind: RunKind): RunDeadlines => ({
  decide: decides(spec, kind) ? durationSeconds(spec.deadlines.localCopy) : 0,
  dump: durationSeconds(spec.deadlines.localCopy),
  ship: kind === 'LocalCopy' ? 0 : durationSeconds(kind === 'Full' ? spec.deadlines.full : spec.deadlines.incremental),
});

/** The part of a task that is the same for every container of a policy, but for its kind and deadline. */
export const commonTask = ({ metadata, spec }: BackupPolicy) => ({
  subject: subjectOf(spec),
  policy: { namespace: metadata.namespace, name: metadata.name },
  claim: claimDirectory,
  scratch: scratchDirectory,
});

const quiesceOf = ({ quiesce }: BackupPolicy['spec']): Pick<DumpTask, 'quiesce'> => {
  if (quiesce?.readOnly !== undefined) return { quiesce: { by: 'ReadOnly' } };
  if (quiesce?.workloads === undefined) return {};
  return { quiesce: { by: 'Workloads', gate: gateFile, waitSeconds: gateWaitSeconds } };
};

/** The container that dumps; before it, where it may be that workloads need not be stopped, the one that decides. */
const dumpContainers = (policy: BackupPolicy, kind: RunKind, settings: WorkloadSettings): AgentContainer[] => {
  const { source, schedule, localCopy } = policy.spec;
  const parts = sourceParts(source);
  if (parts === undefined) return [];
  const copies = kind === 'LocalCopy' ? undefined : cronLineOf(policy, 'LocalCopy');
  const reuse = copies === undefined ? {} : { reuse: { schedule: copies, timeZone: schedule.timeZone } };
  const task = {
    kind,
    ...commonTask(policy),
    deadlineSeconds: runDeadlines(policy.spec, kind).dump,
    source: parts.source,
    keep: localCopy.keep,
    ...(policy.spec.retention !== undefined && { freezeOnShrink: policy.spec.retention.freezeOnShrink }),
    ...quiesceOf(policy.spec),
    ...reuse,
    ...windowTask(schedule),
  } satisfies DumpTask;
  const { secrets, claims = [] } = parts;
  const container = { image: settings.images[parts.image], task, settings };
  const gate = task.quiesce?.by === 'Workloads' ? { others: [gateMount] } : {};
  return [
    ...(decides(policy.spec, kind) ? [agentContainer({ ...container, name: 'decide', secrets: [] })] : []),
    agentContainer({ ...container, name: 'dump', secrets, claims, ...gate }),
  ];
};

const shipContainer = (
  policy: BackupPolicy,
  kind: 'Full' | 'Incremental',
  settings: WorkloadSettings,
): AgentContainer | undefined => {
  const { repository, encryption } = policy.spec;
  const target = repositoryParts(repository);
  if (target === undefined) return undefined;
  const keys = encryptionOf(encryption);
  const task = {
    kind,
    ...commonTask(policy),
    deadlineSeconds: runDeadlines(policy.spec, kind).ship,
    cluster: settings.cluster,
    repository: target.repository,
    adopt: repository.adopt,
    encryption: keys.encryption,
  } satisfies ShipTask;
  const secrets = [...target.secrets, ...keys.secrets];
  return agentContainer({
    name: 'ship',
    image: settings.images.duplicity,
    task,
    secrets,
    claims: target.claims,
    settings,
  });
};

/** The containers of a run, in the order they run; undefined when the policy has a source or target that is not available yet. */
const runContainers = (
  policy: BackupPolicy,
  kind: RunKind,
  settings: WorkloadSettings,
): [AgentContainer, ...AgentContainer[]] | undefined => {
  const [first, ...others] = dumpContainers(policy, kind, settings);
  if (first === undefined) return undefined;
  if (kind === 'LocalCopy') return [first, ...others];
  const ship = shipContainer(policy, kind, settings);
  return ship === undefined ? undefined : [first, ...others, ship];
};

/** The pod of a run: the dump as an init container, then the shipping one; for a local copy the dump alone. */
export const runPod = (policy: BackupPolicy, kind: RunKind, settings: WorkloadSettings): PodSpec | undefined => {
  const containers = runContainers(policy, kind, settings);
  return containers === undefined ? undefined : agentPod(policy, containers);
};

/** What a pod has beside its agent containers. */
export interface PodExtras {
  /** Volumes that several containers share. */
  volumes?: readonly Volume[];
  /** Containers that run beside all but the first one, started when that has ended. */
  sidecars?: readonly Container[];
}

/**
 * A pod of agent containers, one after the other. It carries no API token, and a fixed host name; it runs on the node of the policy's other
 * pods, since the claim may be ReadWriteOnce.
 */
export const agentPod = (
  { metadata }: BackupPolicy,
  containers: readonly [AgentContainer, ...AgentContainer[]],
  { volumes = [], sidecars = [] }: PodExtras = {},
): PodSpec => {
  const last = containers[containers.length - 1] ?? containers[0];
  const [first, ...middle] = containers.slice(0, -1).map(({ container }) => container);
  const before = [...(first === undefined ? [] : [first]), ...sidecars, ...middle];
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    restartPolicy: 'Never',
    hostname: podHostname(metadata.namespace, metadata.name),
    terminationGracePeriodSeconds: 30,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
      fsGroup: userId,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            topologyKey: 'kubernetes.io/hostname',
            labelSelector: { matchLabels: { [policyLabel]: policyLabelValue(metadata.name) } },
          },
        ],
      },
    },
    ...(before.length === 0 ? {} : { initContainers: before }),
    containers: [last.container],
    volumes: [
      { name: 'claim', persistentVolumeClaim: { claimName: claimName(metadata.name) } },
      ...volumes,
      // Several containers may mount one Secret or claim.
      ...new Map(containers.flatMap((each) => each.volumes).map((volume) => [volume.name, volume])).values(),
    ],
  };
};
