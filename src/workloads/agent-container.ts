import type { ContainerName } from '../api/v1alpha1/result.ts';
import { jobVariable, taskVariable, type AgentTask } from '../api/v1alpha1/task.ts';
import type { ClaimMount } from './claim-mount.ts';
import type { SecretMount } from './secrets.ts';
import { restricted } from './security.ts';
import type { WorkloadSettings } from './settings.ts';
import type { Container, Volume, VolumeMount } from './types.ts';

/** Where the claim of the policy is mounted, in every container. */
export const claimDirectory = '/var/lib/holdfast';
/** A container's own scratch directory; short, since gpg puts sockets below it. */
export const scratchDirectory = '/scratch';

/** One agent container with what it mounts. */
export interface AgentContainer {
  container: Container;
  /** Volumes of this container alone. */
  volumes: Volume[];
}

interface Options {
  name: ContainerName;
  image: string;
  task: AgentTask;
  secrets: SecretMount[];
  claims?: ClaimMount[];
  /** What else is mounted; without a volume where that is the pod's. */
  others?: { volume?: Volume; mount: VolumeMount }[];
  settings: WorkloadSettings;
}

// Kubernetes replaces $(NAME) in a variable's value; `$$` stands for one dollar sign.
const literal = (value: string): string => value.replaceAll('$', '$$$$');

const volumeOfScratch = (name: string): Volume => ({ name: `scratch-${name}`, emptyDir: {} });

/** A container that runs the agent under Pod Security "restricted": the task in a variable, secrets as files, nothing else writable. */
export const agentContainer = ({
  name,
  image,
  task,
  secrets,
  claims = [],
  others = [],
  settings,
}: Options): AgentContainer => ({
  container: {
    name,
    image,
    imagePullPolicy: settings.imagePullPolicy,
    args: [name],
    env: [
      { name: taskVariable, value: literal(JSON.stringify(task)) },
      {
        name: jobVariable,
        valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: "metadata.labels['batch.kubernetes.io/job-name']" } },
      },
    ],
    volumeMounts: [
      { name: 'claim', mountPath: claimDirectory },
      { name: `scratch-${name}`, mountPath: scratchDirectory },
      { name: `scratch-${name}`, mountPath: '/tmp', subPath: 'tmp' },
      ...[...secrets, ...claims, ...others].map(({ mount }) => mount),
    ],
    securityContext: restricted,
    terminationMessagePolicy: 'File',
  },
  volumes: [
    volumeOfScratch(name),
    ...[...secrets, ...claims, ...others].flatMap(({ volume }) => (volume === undefined ? [] : [volume])),
  ],
});
