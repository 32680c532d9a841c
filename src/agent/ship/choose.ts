import { RunError } from '../../errors/run-error.ts';
import { chainDirectory } from '../layout.ts';
import type { LedgerChain } from '../ledger.ts';
import { decideChain, setAhead } from './chain.ts';
import { filesIn, type ListedFile, topNames } from './listing.ts';
import { checkPassphrase } from './passphrase.ts';
import { reviewLedger } from './review.ts';
import type { Session } from './session.ts';
import { isUnfinishedTransfer, parseSetFile } from './set-files.ts';

/** The chain that a run adds to: its directory, and the chain itself when it is continued. */
export interface ChosenChain {
  directory: string;
  continued?: LedgerChain;
}

/** Directories of chains that nobody can restore from: unknown to the ledger, and no manifest came after the volumes. */
export const deadChains = (
  listing: readonly ListedFile[],
  chains: readonly LedgerChain[],
): { directory: string; files: string[] }[] => {
  const known = new Set(chains.map(({ directory }) => directory));
  return [...topNames(listing)].flatMap((directory) => {
    if (!/^chain-\d{8}T\d{6}Z$/.test(directory) || known.has(directory)) return [];
    const files = filesIn(listing, directory).map(({ name }) => name);
    const parts = files.filter((name) => !isUnfinishedTransfer(name)).map((name) => parseSetFile(name)?.part);
    if (files.length === 0 || parts.some((part) => part === undefined || part === 'manifest')) return [];
    return [{ directory, files }];
  });
};

/** A name for a new chain that is not taken, even when the clock stood still or was set back. */
export const freshDirectory = (now: Date, taken: ReadonlySet<string>): string => {
  let time = now;
  while (taken.has(chainDirectory(time))) time = new Date(time.getTime() + 1000);
  return chainDirectory(time);
};

/** The chain that an incremental continues. */
export const newestChain = (chains: readonly LedgerChain[]): LedgerChain | undefined =>
  chains
    .filter(({ sets, removing }) => sets.length > 0 && !removing)
    .toSorted((a, b) => (a.sets[0]?.setTime ?? '').localeCompare(b.sets[0]?.setTime ?? ''))
    .at(-1);

/**
 * The chains among which the newest is continued. The ledger has the one last added to at its end: those that came after one of a clock that was
 * ahead go before it, which would else be the newest until its time has come.
 */
export const continuable = (chains: readonly LedgerChain[], now: Date): readonly LedgerChain[] => {
  const since = chains.slice(chains.findLastIndex((chain) => setAhead(chain, now) !== undefined) + 1);
  return newestChain(since) === undefined ? chains : since;
};

/** Removal may be refused by a host that only takes new files: then what is unfinished stays, and a new chain is begun. */
const tryRemove = async (
  { remote, context }: Session,
  directory: string,
  files: readonly string[],
): Promise<boolean> => {
  try {
    await remote.remove(directory, files);
    return true;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof RunError)) throw error;
    context.log.warn(`an unfinished set in ${directory} could not be removed`, { reason: error.message });
    return false;
  }
};

/** Compares every recorded chain with the listing, and tells what is newly broken. */
const review = async (session: Session, listing: readonly ListedFile[]): Promise<LedgerChain[]> => {
  const { context } = session;
  const { chains, broken } = await reviewLedger(session, listing);
  const newest = newestChain(continuable(chains, context.now()));
  const told = context.task.kind === 'Incremental' ? newest?.directory : undefined;
  for (const { directory, problem } of broken.filter((chain) => chain.directory !== told))
    context.note({ reason: 'ChainBroken', message: `In ${directory}, ${problem}.` });
  return chains;
};

/** Decides which chain the run adds to, and clears away what earlier runs left unfinished. */
export const chooseChain = async (session: Session, firstListing: readonly ListedFile[]): Promise<ChosenChain> => {
  const { context, archive, repositoryId, encryptionId } = session;
  const chains = await review(session, firstListing);
  await checkPassphrase(session, firstListing);
  const now = context.now();
  const newest = newestChain(continuable(chains, now));
  const { restored } = await context.ledger.read();
  const archiveProblem = newest && (await archive.problem(newest));
  let listing = firstListing;
  let cleaned = false;
  for (;;) {
    const decision = decideChain({
      asked: context.task.kind,
      ...(newest && { newest }),
      repository: repositoryId,
      encryption: encryptionId,
      listing,
      now,
      ...(restored && { restored: restored.time }),
      ...(archiveProblem !== undefined && { archiveProblem }),
      cleaned,
    });
    if (decision.type === 'Incremental') return { directory: decision.chain.directory, continued: decision.chain };
    if (decision.type === 'Full') {
      if (decision.note) context.note(decision.note);
      await removeDead(session, listing, chains);
      const taken = new Set([...topNames(listing), ...chains.map(({ directory }) => directory)]);
      return { directory: freshDirectory(context.now(), taken) };
    }
    const { directory } = decision.chain;
    const removed = await tryRemove(session, directory, decision.files);
    cleaned = true;
    listing = await session.remote.list();
    const left = new Set(filesIn(listing, directory).map(({ name }) => name));
    if (removed && !decision.files.some((name) => left.has(name)))
      context.note({
        reason: 'PartialSetRemoved',
        message: `In ${directory}, an unfinished set of an earlier run was removed (${decision.files.length} files).`,
      });
  }
};

const removeDead = async (
  session: Session,
  listing: readonly ListedFile[],
  chains: readonly LedgerChain[],
): Promise<void> => {
  for (const { directory, files } of deadChains(listing, chains)) {
    if (!(await tryRemove(session, directory, files))) continue;
    await tryRemove(session, '', [`${directory}/`]);
    session.context.note({
      reason: 'PartialSetRemoved',
      message: `The unfinished full of an earlier run in ${directory} was removed.`,
    });
  }
};
