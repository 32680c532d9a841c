import { taskVariable } from '../../../src/api/v1alpha1/task.ts';
import type { Container, PodSpec } from '../../../src/workloads/types.ts';
import { expand } from './expand.ts';
import { containersOf } from './pod-security.ts';

/** A container of a pod by its name. */
export const containerOf = (pod: PodSpec, name: string): Container => {
  const container = containersOf(pod).find((candidate) => candidate.name === name);
  if (container === undefined) throw new Error(`no container ${name}`);
  return container;
};

/** The task that a container is given, as kubelet hands it over. */
export const taskOf = (container: Container): unknown =>
  JSON.parse(expand(container.env?.find(({ name }) => name === taskVariable)?.value ?? '', {}));

/** The Secrets that a container mounts. */
export const secretsOf = (pod: PodSpec, container: Container): string[] =>
  (container.volumeMounts ?? []).flatMap(({ name }) => {
    const secret = pod.volumes?.find((volume) => volume.name === name)?.secret?.secretName;
    return secret === undefined ? [] : [secret];
  });
