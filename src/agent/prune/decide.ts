import type { PruneTask } from '../../api/v1alpha1/task.ts';
import type { Zone } from '../../cron/zone.ts';
import type { LedgerChain } from '../ledger.ts';
import { newestChain } from '../ship/choose.ts';
import type { ListedFile } from '../ship/listing.ts';
import { chainsToRemove } from './chains-to-remove.ts';
import { ageOf } from './review.ts';

export interface DecideInput {
  /** The chains of this repository, as they were reviewed against the listing. */
  readonly chains: readonly LedgerChain[];
  readonly listing: readonly ListedFile[];
  readonly task: Pick<PruneTask, 'retention' | 'protect'>;
  readonly now: Date;
  readonly zone: Zone;
}

/** The chains to remove, those first whose removal was begun, and when the next comes due. Pure. */
export const decidePrune = ({
  chains,
  listing,
  task: { retention, protect },
  now,
  zone,
}: DecideInput): { due: LedgerChain[]; nextDue: Date | undefined } => {
  // The one that is continued, by either measure: clocks are set back.
  const current = [newestChain(chains), chains.at(-1)].flatMap((chain) => chain?.directory ?? []);
  const { remove, nextDue } = chainsToRemove({
    chains: chains.map((chain) => ageOf(chain, listing)),
    policy: retention,
    protect: [...protect, ...current],
    now,
    zone,
  });
  const begun = chains.filter(({ removing, directory }) => removing && !protect.includes(directory));
  const due = remove.flatMap((name) => chains.find(({ directory }) => directory === name) ?? []);
  return { due: [...begun, ...due.filter((chain) => !begun.includes(chain))], nextDue };
};
