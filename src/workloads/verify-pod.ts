import type { BackupPolicy } from '../api/v1alpha1/backuppolicy.ts';
import { durationSeconds } from '../api/v1alpha1/duration.ts';
import type { FetchTask, VerifyTask } from '../api/v1alpha1/task.ts';
import { verification as verificationSchema, type Verification } from '../api/v1alpha1/verification.ts';
import type { DeepReadonly } from '../base/types.ts';
import { agentContainer, type AgentContainer } from './agent-container.ts';
import { decryptionOf } from './encryption.ts';
import { agentPod, commonTask } from './pod.ts';
import { repositoryParts } from './repositories/registry.ts';
import { chooseSandboxImage } from './sandbox-images.ts';
import { sandboxParts } from './sandboxes/registry.ts';
import type { SandboxParts } from './sandboxes/sandbox-parts.ts';
import { restricted } from './security.ts';
import type { WorkloadSettings } from './settings.ts';
import type { Container, PodSpec, Volume } from './types.ts';

/** What the three containers share: what was fetched, and the data of the scratch server. It goes with the pod. */
export const verificationDirectory = '/verification';
const fetched = `${verificationDirectory}/fetched`;
const volumeName = 'verification';
/** It, mounted. */
export const verificationMount = { name: volumeName, mountPath: verificationDirectory };

/** How long the scratch server may take to be there, in seconds: its image is pulled before. */
export const sandboxStartSeconds = 300;

/** How a policy's backups are verified, defaults included. */
export const verificationOf = ({ verification }: BackupPolicy['spec']): DeepReadonly<Verification> =>
  verification ?? verificationSchema.parse({});

/** Deadline of each of the two agent containers, in seconds. */
export const verifyDeadline = ({ deadlines }: BackupPolicy['spec']): number => durationSeconds(deadlines.verify);

/** A volume of its own where a size is asked for, so that a large backup cannot fill the node's disk. */
export const verificationVolume = (spec: BackupPolicy['spec']): Volume => {
  const { storage } = verificationOf(spec).sandbox;
  const { storageClassName } = spec.localCopy;
  return storage === undefined
    ? { name: volumeName, emptyDir: {} }
    : {
        name: volumeName,
        ephemeral: {
          volumeClaimTemplate: {
            spec: {
              accessModes: ['ReadWriteOnce'],
              resources: { requests: { storage } },
              ...(storageClassName !== undefined && { storageClassName }),
            },
          },
        },
      };
};

const fetchContainer = (policy: BackupPolicy, settings: WorkloadSettings): AgentContainer | undefined => {
  const { repository, encryption } = policy.spec;
  const target = repositoryParts(repository);
  const keys = decryptionOf(encryption);
  if (target === undefined || keys === undefined) return undefined;
  const task = {
    kind: 'Verify',
    ...commonTask(policy),
    deadlineSeconds: verifyDeadline(policy.spec),
    cluster: settings.cluster,
    repository: target.repository,
    decryption: keys.decryption,
    points: verificationOf(policy.spec).points,
    fetched,
  } satisfies FetchTask;
  return agentContainer({
    name: 'fetch',
    image: settings.images.duplicity,
    task,
    secrets: [...target.secrets, ...keys.secrets],
    claims: target.claims,
    others: [{ mount: verificationMount }],
    settings,
  });
};

const verifyContainer = (policy: BackupPolicy, parts: SandboxParts, settings: WorkloadSettings): AgentContainer => {
  const task = {
    kind: 'Verify',
    ...commonTask(policy),
    deadlineSeconds: verifyDeadline(policy.spec),
    sandbox: parts.sandbox,
    fetched,
    queries: verificationOf(policy.spec).queries.map(({ query, expect }) => ({ query, expect })),
    startSeconds: sandboxStartSeconds,
  } satisfies VerifyTask;
  const image = settings.images[parts.image];
  return agentContainer({ name: 'verify', image, task, secrets: [], others: [{ mount: verificationMount }], settings });
};

type Resources = NonNullable<DeepReadonly<Verification>['sandbox']['resources']>;

/** Without what is not set: the API server takes amounts only. */
const present = (resources: Resources): Record<string, Record<string, string>> =>
  Object.fromEntries(
    Object.entries(resources).map(([name, amounts]) => [
      name,
      Object.fromEntries(
        Object.entries(amounts ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
    ]),
  );

/**
 * The scratch server: a native sidecar, started when the backup is fetched, ended with the pod. Its image need not be Holdfast's, so it is
 * started by a fixed script, and has nothing of the policy: no Secret, no claim, no value.
 */
export const sandboxServer = (
  image: string,
  script: string,
  { sandbox }: DeepReadonly<Verification>,
  { imagePullPolicy }: WorkloadSettings,
): Container => ({
  name: 'sandbox',
  image,
  imagePullPolicy,
  restartPolicy: 'Always',
  command: ['sh', '-c', script],
  ...(sandbox.resources !== undefined && { resources: present(sandbox.resources) }),
  env: [{ name: 'HOME', value: verificationDirectory }],
  volumeMounts: [verificationMount],
  securityContext: restricted,
});

/**
 * The pod of a verification: fetch, then the scratch server beside the container that loads and compares. Undefined when the policy has a
 * source or repository that is not available yet, or the operator has no image for its server.
 *
 * @param server what the newest backup says of its source: `mariadb 10.11.6`
 */
export const verifyPod = (
  policy: BackupPolicy,
  server: string | undefined,
  settings: WorkloadSettings,
): PodSpec | undefined => {
  const parts = sandboxParts(policy.spec.source);
  const fetch = fetchContainer(policy, settings);
  if (parts === undefined || fetch === undefined) return undefined;
  const asked = verificationOf(policy.spec);
  const volume = verificationVolume(policy.spec);
  const verify = verifyContainer(policy, parts, settings);
  if (parts.server === undefined) return agentPod(policy, [fetch, verify], { volumes: [volume] });
  const image = chooseSandboxImage(settings.sandboxImages, {
    engines: parts.server.engines,
    image: asked.sandbox.image,
    server,
  });
  if (image === undefined) return undefined;
  const sidecars = [sandboxServer(image, parts.server.script, asked, settings)];
  return agentPod(policy, [fetch, verify], { volumes: [volume], sidecars });
};
