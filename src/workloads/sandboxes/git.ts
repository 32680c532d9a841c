import type { SandboxParts } from './sandbox-parts.ts';

/** git: a bare repository in the scratch space is all that a bundle needs. */
export const gitSandbox = (): SandboxParts => ({
  image: 'git',
  sandbox: { git: {} },
  connect: ({ namespace, pod }) =>
    `kubectl exec --namespace ${namespace} --stdin --tty ${pod} --container keep -- sh (the bundle is in /verification/fetched/latest: git clone it)`,
});
