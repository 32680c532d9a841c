import type { Volume, VolumeMount } from './types.ts';

/** A PersistentVolumeClaim of somebody else's, mounted into a container. */
export interface ClaimMount {
  /** Where the agent finds it. */
  directory: string;
  volume: Volume;
  mount: VolumeMount;
}

/** Mounts a claim for one `use`, to be written to unless told. While the claim is missing or cannot be attached, the pod stays Pending. */
export const mountClaim = (
  use: string,
  claimName: string,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): ClaimMount => {
  const only = readOnly ? { readOnly } : {};
  const name = `claim-${use}`;
  const directory = `/var/lib/holdfast-${use}`;
  return {
    directory,
    volume: { name, persistentVolumeClaim: { claimName, ...only } },
    mount: { name, mountPath: directory, ...only },
  };
};
