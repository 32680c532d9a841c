import type { BringTask, FetchTask } from '../../api/v1alpha1/task.ts';
import type { HeldLock } from '../lock.ts';
import type { Repository } from '../repositories/repository.ts';
import type { RunContext } from '../run.ts';
import type { Remote } from '../ship/remote.ts';
import type { Keys } from './keys.ts';

/** What fetches sets: to verify them, or to restore one. */
export type FetchingTask = FetchTask | BringTask;

/** What was made ready in the scratch space before anything is locked or asked. */
export interface Prepared<Task extends FetchingTask = FetchingTask> {
  readonly context: RunContext<Task>;
  /** A directory of the run's own in the scratch space, mode 0700. */
  readonly scratch: string;
  readonly repository: Repository;
  readonly keys: Keys;
}

/** What the steps of a fetch share, while the lock on the repository is held. */
export interface FetchSession<Task extends FetchingTask = FetchingTask> extends Prepared<Task> {
  readonly lock: HeldLock;
  readonly remote: Remote;
}
