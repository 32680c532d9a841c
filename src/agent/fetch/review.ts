import type { ResolveTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import type { LedgerChain } from '../ledger.ts';
import type { Repository } from '../repositories/repository.ts';
import type { RunContext } from '../run.ts';
import type { ListedFile } from '../ship/listing.ts';
import { checkOwner, foreignOwner, ownedByAnother } from '../ship/marker.ts';
import type { Remote } from '../ship/remote.ts';
import { reviewLedger } from '../ship/review.ts';
import type { FetchingTask } from './session.ts';

/** A directory that is gone is the worst that can be found: then every file of every chain is missing. */
export const listAll = async (remote: Pick<Remote, 'list'>): Promise<ListedFile[]> => {
  try {
    return await remote.list();
  } catch (error) {
    if (error instanceof RunError && error.reason === 'RepositoryIncomplete') return [];
    throw error;
  }
};

interface Scope {
  readonly context: RunContext<FetchingTask | ResolveTask>;
  readonly remote: Remote;
  readonly repository: Repository;
}

/**
 * The chains of the ledger as the repository shows them now, and which of them are newly found broken. It is made sure that the repository is
 * the policy's.
 * @throws RunError RepositoryOwnedByAnother
 */
export const reviewRepository = async (
  { context, remote, repository }: Scope,
  listing: readonly ListedFile[],
): Promise<{ chains: LedgerChain[]; broken: LedgerChain[] }> => {
  if (listing.length > 0) await checkOwner(remote, context.task, listing);
  return reviewLedger({ context, remote, repositoryId: repository.identity }, listing);
};

/** What a restore finds in the repository. */
export interface RestorableReview {
  readonly chains: readonly LedgerChain[];
  readonly broken: readonly LedgerChain[];
  /** Whose the directory is by its marker, in words, when that is another cluster's policy of this name. */
  readonly owner?: string;
}

/**
 * Likewise for a restore, which only reads: with an empty ledger also what the same policy of another cluster has put there, as in a cluster that
 * takes the place of one that is lost. Whose it is is told.
 * @throws RunError RepositoryOwnedByAnother
 */
export const reviewToRestore = async (scope: Scope, listing: readonly ListedFile[]): Promise<RestorableReview> => {
  const { context, remote, repository } = scope;
  const foreign = listing.length > 0 ? await foreignOwner(remote, context.task, listing) : undefined;
  const { chains } = await context.ledger.read();
  const isRecorded = chains.some((chain) => chain.repository === repository.identity);
  if (foreign !== undefined && (!foreign.isNamesake || isRecorded)) throw ownedByAnother(foreign);
  const reviewed = await reviewLedger({ context, remote, repositoryId: repository.identity }, listing);
  return { ...reviewed, ...(foreign !== undefined && { owner: foreign.words }) };
};
