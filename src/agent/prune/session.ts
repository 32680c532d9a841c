import type { PruneTask } from '../../api/v1alpha1/task.ts';
import type { RunContext } from '../run.ts';
import type { Remote } from '../ship/remote.ts';

/** What the steps of a prune share, while the lock on the repository is held. */
export interface PruneSession {
  readonly context: RunContext<PruneTask>;
  readonly remote: Remote;
  /** Identity of the repository, as the ledger keeps it. */
  readonly repositoryId: string;
}
