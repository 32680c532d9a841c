import type { FetchTask } from '../../api/v1alpha1/task.ts';
import type { HeldLock } from '../lock.ts';
import type { Repository } from '../repositories/repository.ts';
import type { RunContext } from '../run.ts';
import type { Remote } from '../ship/remote.ts';
import type { Keys } from './keys.ts';

/** What was made ready in the scratch space before anything is locked or asked. */
export interface Prepared {
  readonly context: RunContext<FetchTask>;
  /** A directory of the run's own in the scratch space, mode 0700. */
  readonly scratch: string;
  readonly repository: Repository;
  readonly keys: Keys;
}

/** What the steps of a fetch share, while the lock on the repository is held. */
export interface FetchSession extends Prepared {
  readonly lock: HeldLock;
  readonly remote: Remote;
}
