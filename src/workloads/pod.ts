import type { BackupPolicy } from '../api/v1alpha1/backuppolicy.ts';
import type { RunKind } from '../api/v1alpha1/recovery-points.ts';
import type { DumpTask, ShipTask } from '../api/v1alpha1/task.ts';
import { durationSeconds } from '../api/v1alpha1/duration.ts';
import { agentContainer, claimDirectory, scratchDirectory, type AgentContainer } from './agent-container.ts';
import { encryptionOf } from './encryption.ts';
import { policyLabel } from './labels.ts';
import { claimName, podHostname, policyLabelValue } from './names.ts';
import { repositoryParts } from './repositories/registry.ts';
import type { WorkloadSettings } from './settings.ts';
import { sourceParts } from './sources/registry.ts';
import type { PodSpec } from './types.ts';

/** The user and group of every container; the images have a passwd entry for it. */
const userId = 65532;

/** Deadlines of the parts of a run, in seconds. */
export interface RunDeadlines {
  dump: number;
  ship: number;
}

export const runDeadlines = (spec: BackupPolicy['spec'], kind: RunKind): RunDeadlines => ({
  dump: durationSeconds(spec.deadlines.localCopy),
  ship: kind === 'LocalCopy' ? 0 : durationSeconds(kind === 'Full' ? spec.deadlines.full : spec.deadlines.incremental),
});

const common = ({ metadata }: BackupPolicy) => ({
  policy: { namespace: metadata.namespace, name: metadata.name },
  claim: claimDirectory,
  scratch: scratchDirectory,
});

const dumpContainer = (policy: BackupPolicy, kind: RunKind, settings: WorkloadSettings): AgentContainer | undefined => {
  const { source, schedule, localCopy, quiesce } = policy.spec;
  const parts = sourceParts(source);
  if (parts === undefined) return undefined;
  const reuse =
    kind === 'LocalCopy' || schedule.localCopy === undefined
      ? {}
      : { reuse: { schedule: schedule.localCopy, timeZone: schedule.timeZone } };
  const task = {
    kind,
    ...common(policy),
    deadlineSeconds: runDeadlines(policy.spec, kind).dump,
    source: parts.source,
    keep: localCopy.keep,
    ...(quiesce?.readOnly === undefined ? {} : { quiesce: { by: 'ReadOnly' as const } }),
    ...reuse,
  } satisfies DumpTask;
  return agentContainer({ name: 'dump', image: settings.images[parts.image], task, secrets: parts.secrets, settings });
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
    ...common(policy),
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
  const dump = dumpContainer(policy, kind, settings);
  if (dump === undefined) return undefined;
  if (kind === 'LocalCopy') return [dump];
  const ship = shipContainer(policy, kind, settings);
  return ship === undefined ? undefined : [dump, ship];
};

/**
 * The pod of a run: the dump as an init container, then the shipping one; for a local copy the dump alone. It carries no API token,
 * and a fixed host name; it runs on the node of the policy's other pods, since the claim may be ReadWriteOnce.
 */
export const runPod = (policy: BackupPolicy, kind: RunKind, settings: WorkloadSettings): PodSpec | undefined => {
  const containers = runContainers(policy, kind, settings);
  if (containers === undefined) return undefined;
  const { metadata } = policy;
  const last = containers[containers.length - 1] ?? containers[0];
  const before = containers.slice(0, -1);
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
    ...(before.length === 0 ? {} : { initContainers: before.map(({ container }) => container) }),
    containers: [last.container],
    volumes: [
      { name: 'claim', persistentVolumeClaim: { claimName: claimName(metadata.name) } },
      ...containers.flatMap(({ volumes }) => volumes),
    ],
  };
};
