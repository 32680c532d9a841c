import type { BringTask, FetchTask } from '../../api/v1alpha1/task.ts';
import type { OpenRepository } from '../repositories/with-remote.ts';
import type { RunContext } from '../run.ts';
import type { Keys } from './keys.ts';

/** What fetches sets: to verify them, or to restore one. */
export type FetchingTask = FetchTask | BringTask;

/** What the steps of a fetch share, while the lock on the repository is held. */
export interface FetchSession<Task extends FetchingTask = FetchingTask> extends Omit<OpenRepository<Keys>, 'ready'> {
  readonly context: RunContext<Task>;
  readonly keys: Keys;
}
