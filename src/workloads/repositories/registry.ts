import type { Repository } from '../../api/v1alpha1/repository.ts';
import type { RepositoryParts } from './repository-parts.ts';
import { rsyncParts } from './rsync.ts';

/** What a policy's repository adds to the ship container: one line a kind; undefined for one that is not available yet. */
export const repositoryParts = ({ rsync }: Repository): RepositoryParts | undefined => {
  if (rsync !== undefined) return rsyncParts(rsync);
  return undefined;
};
