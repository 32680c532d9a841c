import { z } from 'zod';
import { RunError } from '../../errors/run-error.ts';
import type { LedgerChain } from '../ledger.ts';
import { filesIn, type ListedFile } from './listing.ts';
import type { RunContext } from '../run.ts';
import type { Remote } from './remote.ts';

/** What host/holdfast-prune writes into the directory of a policy: the chains that it removed. A pod cannot write it there. */
const prunedName = 'holdfast-pruned.json';

const pruned = z.object({ chains: z.array(z.object({ directory: z.string() })) });

/** Names of the chains that the backup host says it removed by itself. A list that cannot be read names none. */
export const prunedByHost = async (
  { remote, context }: { readonly remote: Pick<Remote, 'readText'>; readonly context: Pick<RunContext, 'log'> },
  listing: readonly ListedFile[],
): Promise<ReadonlySet<string>> => {
  if (!listing.some(({ name }) => name === prunedName)) return new Set();
  try {
    const { chains } = pruned.parse(JSON.parse(await remote.readText(prunedName)));
    return new Set(chains.map(({ directory }) => directory));
  } catch (error) {
    if (error instanceof RunError) throw error;
    context.log.warn(`${prunedName} in the repository cannot be read`, { error });
    return new Set();
  }
};

/**
 * The chains without those that the backup host removed: they are gone as they should be, and not broken. One counts as removed only when
 * the host names it, nothing of it is left, and a newer chain is recorded.
 */
export const withoutPruned = (
  chains: readonly LedgerChain[],
  repository: string,
  listing: readonly ListedFile[],
  removed: ReadonlySet<string>,
): LedgerChain[] => {
  const begun = ({ sets }: LedgerChain): string => sets[0]?.setTime ?? '';
  const isRemoved = (chain: LedgerChain): boolean =>
    chain.repository === repository &&
    removed.has(chain.directory) &&
    filesIn(listing, chain.directory).length === 0 &&
    chains.some((other) => other.repository === repository && begun(other) > begun(chain));
  return chains.filter((chain) => !isRemoved(chain));
};
