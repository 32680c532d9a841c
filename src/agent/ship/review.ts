import { timestamp } from '../../base/times.ts';
import type { LedgerChain } from '../ledger.ts';
import type { RunContext } from '../run.ts';
import { reviewChains } from './chain.ts';
import type { ListedFile } from './listing.ts';
import { prunedByHost, withoutPruned } from './pruned.ts';
import type { Remote } from './remote.ts';

/** What comparing the ledger with a listing needs. */
export interface ReviewScope {
  readonly context: Pick<RunContext, 'ledger' | 'log' | 'now'>;
  readonly remote: Pick<Remote, 'readText'>;
  /** Identity of the repository, as the ledger keeps it. */
  readonly repositoryId: string;
}

/** Compares every recorded chain with the listing, and remembers at once what is broken: whatever becomes of the run. */
export const reviewLedger = async (
  { context, remote, repositoryId }: ReviewScope,
  listing: readonly ListedFile[],
): Promise<{ chains: LedgerChain[]; broken: LedgerChain[] }> => {
  let broken: LedgerChain[] = [];
  const removed = await prunedByHost({ context, remote }, listing);
  const { chains } = await context.ledger.update((ledger) => {
    const left = withoutPruned(ledger.chains, repositoryId, listing, removed);
    const reviewed = reviewChains(left, repositoryId, listing, timestamp(context.now()));
    broken = reviewed.broken;
    return { ...ledger, chains: reviewed.chains };
  });
  return { chains, broken };
};
