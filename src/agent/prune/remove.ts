import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../../errors/run-error.ts';
import { flush } from '../disk.ts';
import type { LedgerChain } from '../ledger.ts';
import type { ListedFile } from '../ship/listing.ts';
import type { PruneSession } from './session.ts';
import { isChainName, ownFiles, type OwnFiles } from './review.ts';

const beingRemoved = 'retention began to remove it';

/** Reasons that a refusal to delete comes with; all others are failures of the way there. */
const refusals: readonly RunError['reason'][] = ['RemovalRefused', 'RepositoryNotWritable'];

/** Removes files of a chain. What a host answers is remembered for the message: only the listing afterwards is believed. */
const tryRemove = async (
  { remote, context }: PruneSession,
  directory: string,
  names: readonly string[],
): Promise<string | undefined> => {
  if (names.length === 0) return undefined;
  try {
    await remote.remove(directory, names);
    return undefined;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof RunError) || !refusals.includes(error.reason)) throw error;
    context.log.warn(`not everything in ${directory} could be removed`, { reason: error.message });
    return error.detail;
  }
};

const mark = async ({ context, repositoryId }: PruneSession, directories: readonly string[], removing: boolean) => {
  await context.ledger.update((ledger) => ({
    ...ledger,
    chains: ledger.chains.map((chain) => {
      if (chain.repository !== repositoryId || !directories.includes(chain.directory)) return chain;
      const { removing: _, problem, ...rest } = chain;
      if (removing) return { ...chain, removing: true, problem: problem ?? beingRemoved };
      return problem === undefined || problem === beingRemoved ? rest : { ...rest, problem };
    }),
  }));
};

const forget = async ({ context, repositoryId }: PruneSession, directories: readonly string[]): Promise<void> => {
  for (const directory of directories) {
    await rm(join(context.layout.archive, directory), { recursive: true, force: true });
  }
  await flush(context.layout.archive).catch(() => undefined);
  await context.ledger.update((ledger) => ({
    ...ledger,
    chains: ledger.chains.filter(
      ({ repository, directory }) => repository !== repositoryId || !directories.includes(directory),
    ),
  }));
};

/** What of each directory the listing still shows. */
const stillThere = (
  listing: readonly ListedFile[],
  directories: readonly string[],
  of: (files: OwnFiles) => readonly string[],
): string[] => directories.filter((directory) => of(ownFiles(listing, directory)).length > 0);

const refused = (left: readonly string[], words: string | undefined): RunError =>
  new RunError(
    'RemovalRefused',
    `${left.length === 1 ? 'The chain' : `${left.length} chains, the first`} ${left[0]} should have been removed and still has files${words === undefined ? '; no error was reported' : ` (${words.replace(/\.$/, '')})`}.`,
  );

/**
 * Removes chains, whole, and proves it by listing again. Whatever it is interrupted by, no chain looks whole that is not: first the ledger
 * says that the chain is being removed, so nothing continues it; then the manifests go, without which duplicity takes volumes for an
 * unfinished upload; then all else; then the chain's archive-dir and its place in the ledger. A chain that the ledger says is being
 * removed is gone on with by the next run.
 * @returns the listing afterwards
 * @throws RunError RemovalRefused when anything of them is still there
 */
export const removeChains = async (
  session: PruneSession,
  chains: readonly LedgerChain[],
  listing: readonly ListedFile[],
): Promise<{ removed: string[]; listing: readonly ListedFile[] }> => {
  const { remote, context } = session;
  const directories = chains.map(({ directory }) => directory).filter(isChainName);
  if (directories.length === 0) return { removed: [], listing };
  let words: string | undefined;
  context.log.info('chains are removed', { directories });
  await mark(session, directories, true);

  for (const directory of directories) {
    words = (await tryRemove(session, directory, ownFiles(listing, directory).manifests)) ?? words;
  }
  const withoutManifests = await remote.list();
  const kept = stillThere(withoutManifests, directories, ({ manifests }) => manifests);
  // Where nothing at all was removed, the chain is as it was.
  const untouched = kept.filter(
    (directory) =>
      ownFiles(withoutManifests, directory).manifests.length === ownFiles(listing, directory).manifests.length,
  );
  await mark(session, untouched, false);

  for (const directory of directories.filter((each) => !kept.includes(each))) {
    words = (await tryRemove(session, directory, ownFiles(withoutManifests, directory).others)) ?? words;
    // One that holds somebody's file stays, with it.
    await tryRemove(session, '', [`${directory}/`]);
  }
  const after = await remote.list();
  const left = stillThere(after, directories, ({ manifests, others }) => [...manifests, ...others]);
  const removed = directories.filter((directory) => !left.includes(directory));
  await forget(session, removed);
  if (left.length > 0) throw refused(left, words);
  return { removed, listing: after };
};
