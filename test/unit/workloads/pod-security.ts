import type { Container, PodSpec } from '../../../src/workloads/types.ts';

/**
 * What Pod Security "restricted" refuses, from https://kubernetes.io/docs/concepts/security/pod-security-standards/; written down here a
 * second time, so that the builders are not their own judge. The API server judges them too, in the integration tests.
 */
const allowedVolumes = [
  'name',
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

export const containersOf = (pod: PodSpec): Container[] => [...(pod.initContainers ?? []), ...pod.containers];

const violationsOfContainer = (pod: PodSpec, { name, securityContext, ports }: Container): string[] => {
  const found: string[] = [];
  const demand = (what: string, holds: boolean): void => {
    if (!holds) found.push(`${name}: ${what}`);
  };
  const seccomp = securityContext?.seccompProfile?.type ?? pod.securityContext?.seccompProfile?.type ?? '';
  demand('not privileged', securityContext?.privileged !== true);
  demand('allowPrivilegeEscalation: false', securityContext?.allowPrivilegeEscalation === false);
  demand('drop ALL', securityContext?.capabilities?.drop?.includes('ALL') === true);
  demand('add nothing', (securityContext?.capabilities?.add ?? []).length === 0);
  demand('runAsNonRoot', (securityContext?.runAsNonRoot ?? pod.securityContext?.runAsNonRoot) === true);
  demand('not user 0', (securityContext?.runAsUser ?? pod.securityContext?.runAsUser ?? 1) !== 0);
  demand('seccomp RuntimeDefault', ['RuntimeDefault', 'Localhost'].includes(seccomp));
  demand('procMount', [undefined, 'Default'].includes(securityContext?.procMount));
  demand('no SELinux options', securityContext?.seLinuxOptions === undefined);
  demand('no Windows options', securityContext?.windowsOptions === undefined);
  demand(
    'no host ports',
    (ports ?? []).every(({ hostPort }) => hostPort === undefined),
  );
  return found;
};

/** What Pod Security "restricted" would refuse of a pod. */
export const restrictedViolations = (pod: PodSpec): string[] => [
  ...(['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => pod[field] === true),
  ...(pod.volumes ?? []).flatMap((volume) => Object.keys(volume).filter((type) => !allowedVolumes.includes(type))),
  ...(pod.securityContext?.sysctls ?? []).map(({ name }) => `sysctl ${name}`),
  ...(pod.ephemeralContainers === undefined ? [] : ['ephemeralContainers']),
  ...containersOf(pod).flatMap((container) => violationsOfContainer(pod, container)),
];
