import { rsyncIdentity, type RsyncRepository } from '../../api/v1alpha1/repositories/rsync.ts';
import { mountSecret } from '../secrets.ts';
import type { RepositoryParts } from './repository-parts.ts';

/** What an rsync repository adds to the ship container. */
export const rsyncParts = (rsync: RsyncRepository): RepositoryParts => {
  const key = mountSecret('repository', rsync.sshSecretRef.name);
  const { host, port, user, path, knownHosts } = rsync;
  return {
    identity: rsyncIdentity(rsync),
    repository: {
      rsync: { host, port, user, path, knownHosts, key: { directory: key.directory, secret: key.secret } },
    },
    secrets: [key],
    claims: [],
  };
};
