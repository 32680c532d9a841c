import type { ShipTask } from '../../api/v1alpha1/task.ts';
import type { Repository, RepositoryContext } from './repository.ts';
import { prepareRsync } from './rsync/repository.ts';
import { prepareVolume } from './volume/repository.ts';

/**
 * The repository of a task, by the block that it has: one line a kind.
 * @throws RunError SecretMissing, SecretInvalid
 */
export const prepareRepository = (
  context: RepositoryContext,
  { repository, policy }: Pick<ShipTask, 'repository' | 'policy'>,
  scratch: string,
): Promise<Repository> =>
  'rsync' in repository
    ? prepareRsync(context, repository.rsync, policy, scratch)
    : prepareVolume(repository.volume, policy);
