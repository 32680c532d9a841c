import type { Note } from '../../api/v1alpha1/result.ts';
import { timestamp } from '../../base/times.ts';
import { compactTime } from '../layout.ts';
import type { LedgerChain, LedgerSet } from '../ledger.ts';
import { type ListedFile, filesIn } from './listing.ts';
import { isUnfinishedTransfer, parseSetFile } from './set-files.ts';

/** What lies in the directory of a chain, against what the ledger says should. */
export interface ChainState {
  /** The first recorded file that is missing or differs, in words. */
  problem?: string;
  /** Files of sets that were never finished: no manifest came after them. */
  partial: string[];
  /** Times of sets that are finished but not in the ledger. */
  unrecorded: string[];
}

const defect = (set: LedgerSet, sizes: ReadonlyMap<string, number>): string | undefined => {
  for (const { name, size } of set.files) {
    const there = sizes.get(name);
    if (there === undefined) return `${name} is missing`;
    if (there !== size) return `${name} has ${there} bytes instead of ${size}`;
  }
  return undefined;
};

/** Compares the directory of a chain with the ledger. `files` are those directly in it. */
export const chainState = (chain: LedgerChain, files: readonly ListedFile[]): ChainState => {
  const sizes = new Map(files.map(({ name, size }) => [name, size]));
  const recorded = new Set(chain.sets.flatMap((set) => set.files.map(({ name }) => name)));
  const others = files.flatMap(({ name }) => {
    if (recorded.has(name)) return [];
    // duplicity cuts names at a blank (rsyncbackend.py, _list), so a foreign "… copy" counts as the file itself.
    const file = parseSetFile(name.split(/\s/, 1)[0] ?? name);
    return file ? [{ name, ...file }] : [];
  });
  const finished = new Set(others.filter(({ part }) => part === 'manifest').map(({ setTime }) => setTime));
  const recordedTimes = new Set(chain.sets.map(({ setTime }) => compactTime(new Date(setTime))));
  const problem = chain.sets.map((set) => defect(set, sizes)).find((found) => found !== undefined);
  // A stray file in a recorded set, or one with a blank, is nobody's partial upload: it is left alone.
  const strays = others.filter(({ name, setTime }) => recordedTimes.has(setTime) || /\s/.test(name));
  return {
    ...(problem === undefined ? {} : { problem }),
    partial: [
      ...others
        .filter(({ name, setTime }) => !finished.has(setTime) && !recordedTimes.has(setTime) && !/\s/.test(name))
        .map(({ name }) => name),
      ...files.map(({ name }) => name).filter(isUnfinishedTransfer),
    ],
    unrecorded: [...new Set([...finished, ...strays.map(({ setTime }) => setTime)])],
  };
};

/** Why nobody should rely on a chain: what a verification found in it, or what its directory lacks. `files` are those directly in it. */
export const chainProblem = (chain: LedgerChain, files: readonly ListedFile[]): string | undefined =>
  chain.damaged ?? chainState(chain, files).problem;

/** All that the choice between continuing a chain and beginning one rests on. */
export interface ChainInput {
  asked: 'Full' | 'Incremental';
  /** The newest chain of the ledger. */
  newest?: LedgerChain;
  /** Identity of the repository now. */
  repository: string;
  /** Identity of the encryption now. */
  encryption: string;
  /** The whole listing of the policy's directory. */
  listing: readonly ListedFile[];
  /** When a restore last replaced the data of the source. */
  restored?: string;
  /** The clock of this node. */
  now: Date;
  /** Why the chain's archive-dir cannot be worked with, if it cannot. */
  archiveProblem?: string;
  /** A removal of partial sets was tried already. */
  cleaned: boolean;
}

export type ChainDecision =
  | { type: 'Full'; note?: Note }
  | { type: 'Incremental'; chain: LedgerChain }
  | { type: 'RemovePartial'; chain: LedgerChain; files: string[] };

const insteadOf = (
  reason: 'FullInsteadOfIncremental' | 'ChainBroken' | 'FullAfterRestore',
  why: string,
): ChainDecision => ({
  type: 'Full',
  note: { reason, message: `A full was made instead of an incremental: ${why}.`.slice(0, 320) },
});

/** Both times are of whole seconds, rounded down: in the same second nobody knows which was first. */
const isOfBefore = ({ sets: [full] }: LedgerChain, restored: string | undefined): boolean =>
  restored !== undefined && full !== undefined && Date.parse(full.dataTime) <= Date.parse(restored);

/**
 * The set of a chain that is not over yet by the clock: that was ahead when the set was made, or is behind now. duplicity would make an
 * incremental that ends before it begins, and that nobody can restore.
 */
export const setAhead = ({ sets }: Pick<LedgerChain, 'sets'>, now: Date): LedgerSet | undefined =>
  sets.findLast(({ setTime }) => Date.parse(setTime) >= now.getTime());

const encryptionName = (identity: string): string => identity.replace(/^gpg:/, 'gpg key ');

/**
 * Whether the run continues the newest chain. It does only when everything recorded of the chain is in the repository with its size and
 * nothing else is; otherwise a chain of its own is begun, which depends on nothing that is there.
 */
export const decideChain = (input: ChainInput): ChainDecision => {
  const { asked, newest, repository, encryption, listing, restored, now, archiveProblem, cleaned } = input;
  if (asked === 'Full') return { type: 'Full' };
  if (!newest) return insteadOf('FullInsteadOfIncremental', 'there is no chain to continue yet');
  if (newest.repository !== repository)
    return insteadOf('FullInsteadOfIncremental', 'the policy names another repository now');
  if (newest.encryption !== encryption)
    return insteadOf(
      'FullInsteadOfIncremental',
      `the encryption changed from ${encryptionName(newest.encryption)} to ${encryptionName(encryption)}`,
    );
  const files = filesIn(listing, newest.directory);
  const problem = chainProblem(newest, files);
  const { partial, unrecorded } = chainState(newest, files);
  const where = `in ${newest.directory}`;
  if (problem !== undefined) return insteadOf('ChainBroken', `${where}, ${problem}`);
  if (isOfBefore(newest, restored))
    return insteadOf('FullAfterRestore', `data was restored at ${restored}, after the full of ${newest.directory}`);
  const ahead = setAhead(newest, now);
  if (ahead !== undefined)
    return insteadOf(
      'FullInsteadOfIncremental',
      `by the clock of this node it is ${timestamp(now)}, and ${where} there is a set of ${ahead.setTime}: look at the clocks of the nodes`,
    );
  if (unrecorded.length > 0)
    return insteadOf('FullInsteadOfIncremental', `${where} there is a set of ${unrecorded[0]} that was not recorded`);
  if (archiveProblem !== undefined) return insteadOf('FullInsteadOfIncremental', archiveProblem);
  if (partial.length === 0) return { type: 'Incremental', chain: newest };
  if (!cleaned) return { type: 'RemovePartial', chain: newest, files: partial };
  return insteadOf('FullInsteadOfIncremental', `${where} an unfinished set could not be removed`);
};

/** The chains of this repository as the listing shows them now, and which of them are newly found broken. */
export const reviewChains = (
  chains: readonly LedgerChain[],
  repository: string,
  listing: readonly ListedFile[],
  checkedTime: string,
): { chains: LedgerChain[]; broken: LedgerChain[] } => {
  const broken: LedgerChain[] = [];
  const reviewed = chains.map((chain) => {
    // What retention began to remove is not missing.
    if (chain.repository !== repository || chain.removing) return chain;
    const { problem: earlier, ...rest } = chain;
    const problem = chainProblem(chain, filesIn(listing, chain.directory));
    if (problem === undefined) return { ...rest, checkedTime };
    const marked = { ...rest, problem: problem.slice(0, 256), checkedTime };
    if (earlier === undefined) broken.push(marked);
    return marked;
  });
  return { chains: reviewed, broken };
};
