import type { Repository } from '../../api/v1alpha1/repository.ts';
import type { RepositoryParts } from './repository-parts.ts';
import { rsyncParts } from './rsync.ts';
import { volumeParts } from './volume.ts';

/** What a policy's repository adds to the ship container: one line a kind; undefined for one that is not available yet. */
export const repositoryParts = ({ rsync, volume }: Repository): RepositoryParts | undefined => {
  if (rsync !== undefined) return rsyncParts(rsync);
  if (volume !== undefined) return volumeParts(volume);
  return undefined;
};
