import type { SshTarget } from '../../api/v1alpha1/repository.ts';
import type { ShipTask } from '../../api/v1alpha1/task.ts';
import { mountSecret, type SecretMount } from '../secrets.ts';

/** What an rsync repository adds to the ship container. */
export const rsyncRepository = (
  rsync: SshTarget,
  adopt: boolean,
): { repository: ShipTask['repository']; secrets: SecretMount[] } => {
  const key = mountSecret('repository', rsync.sshSecretRef.name);
  const { host, port, user, path, knownHosts } = rsync;
  return {
    repository: {
      rsync: { host, port, user, path, knownHosts, key: { directory: key.directory, secret: key.secret } },
      adopt,
    },
    secrets: [key],
  };
};
