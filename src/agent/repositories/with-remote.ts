import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PruneTask, ResolveTask } from '../../api/v1alpha1/task.ts';
import type { RunContext } from '../run.ts';
import type { Remote } from '../ship/remote.ts';
import { tidy } from '../tidy.ts';
import { prepareRepository } from './registry.ts';
import type { Repository } from './repository.ts';

/** A repository that is asked and changed, without duplicity. */
export interface OpenRepository {
  readonly repository: Repository;
  readonly remote: Remote;
}

/**
 * Makes a repository ready, in a directory of the scratch space, and holds the lock on it while the work is done. Nothing of it is left.
 * @throws StepFailure with a RunError of the catalogue
 */
export const withRemote = async <Task extends PruneTask | ResolveTask, T>(
  context: RunContext<Task>,
  directory: string,
  work: (open: OpenRepository) => Promise<T>,
): Promise<T> => {
  const scratch = join(context.task.scratch, directory);
  try {
    const repository = await context.step('Prepare', async () => {
      await rm(scratch, { recursive: true, force: true });
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      return prepareRepository(context, context.task, scratch);
    });
    const lock = await context.step('Lock', () => context.lock(context.layout.repositoryLock, 'repository lock'));
    try {
      return await work({ repository, remote: repository.remote({ scratch, extra: [{ inherit: lock.fd }] }) });
    } finally {
      await tidy(context, () => repository.close());
      await lock.release();
    }
  } finally {
    await tidy(context, () => rm(scratch, { recursive: true, force: true }));
  }
};
