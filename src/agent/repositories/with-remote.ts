import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BringTask, FetchTask, PruneTask, ResolveTask, ShipTask } from '../../api/v1alpha1/task.ts';
import type { HeldLock } from '../lock.ts';
import type { RunContext } from '../run.ts';
import type { Remote } from '../ship/remote.ts';
import { tidy } from '../tidy.ts';
import { prepareRepository } from './registry.ts';
import type { Repository } from './repository.ts';

/** A repository that is ready and locked. */
export interface OpenRepository<Ready> {
  readonly repository: Repository;
  readonly remote: Remote;
  readonly lock: HeldLock;
  /** A directory of the run's own in the scratch space, mode 0700. */
  readonly scratch: string;
  /** What else was made ready. */
  readonly ready: Ready;
}

/** How a run uses a repository. */
export interface RemoteUse<Ready> {
  /** Name of its directory in the scratch space. */
  readonly directory: string;
  /** Makes ready in it what the run needs beside the repository, before anything is locked or asked. */
  prepare(scratch: string): Promise<Ready>;
  /** Ends what that may have left running; also when it failed. */
  end?(scratch: string): Promise<void>;
}

type RepositoryTask = ShipTask | PruneTask | FetchTask | BringTask | ResolveTask;

/**
 * Makes a repository ready, in a directory of the scratch space, and holds the lock on it while the work is done. Nothing of it is left.
 * @throws StepFailure with a RunError of the catalogue
 */
export const withRemote = async <Task extends RepositoryTask, Ready, T>(
  context: RunContext<Task>,
  { directory, prepare, end }: RemoteUse<Ready>,
  work: (open: OpenRepository<Ready>) => Promise<T>,
): Promise<T> => {
  const scratch = join(context.task.scratch, directory);
  try {
    const { repository, ready } = await context.step('Prepare', async () => {
      await rm(scratch, { recursive: true, force: true });
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      return { repository: await prepareRepository(context, context.task, scratch), ready: await prepare(scratch) };
    });
    const lock = await context.step('Lock', () => context.lock(context.layout.repositoryLock, 'repository lock'));
    try {
      const remote = repository.remote({ scratch, extra: [{ inherit: lock.fd }] });
      return await work({ repository, remote, lock, scratch, ready });
    } finally {
      await tidy(context, () => repository.close());
      await lock.release();
    }
  } finally {
    if (end !== undefined) await tidy(context, () => end(scratch));
    await tidy(context, () => rm(scratch, { recursive: true, force: true }));
  }
};

/** Of a run that needs nothing but the repository. */
export const onlyRemote = (directory: string): RemoteUse<undefined> => ({ directory, prepare: async () => undefined });
