import { chainProblem, chainState } from '../ship/chain.ts';
import { filesIn, topNames, type ListedFile } from '../ship/listing.ts';
import { isoOfStamp, isUnfinishedTransfer, parseSetFile } from '../ship/set-files.ts';
import type { LedgerChain } from '../ledger.ts';
import type { ChainAge } from './chains-to-remove.ts';

const chainName = /^chain-(\d{8}T\d{6}Z)$/;

/** Whether a directory has the name of a chain. The ledger lies on a claim that others may write to: no other name is ever removed. */
export const isChainName = (name: string): boolean => chainName.test(name);

/** Whether a file in the directory of a chain is duplicity's own; all else is somebody's and stays. */
export const isOwnFile = (name: string): boolean => parseSetFile(name) !== undefined || isUnfinishedTransfer(name);

/** The files of a chain's directory that are duplicity's: those that say what is there, which go first, and the rest. */
export interface OwnFiles {
  readonly manifests: readonly string[];
  readonly others: readonly string[];
}

/** Duplicity's files directly in the directory of a chain. */
export const ownFiles = (listing: readonly ListedFile[], directory: string): OwnFiles => {
  const own = filesIn(listing, directory)
    .map(({ name }) => name)
    .filter(isOwnFile);
  const isManifest = (name: string): boolean => parseSetFile(name)?.part === 'manifest';
  return { manifests: own.filter(isManifest), others: own.filter((name) => !isManifest(name)) };
};

/**
 * The chains of this repository as the listing shows them now. One that retention began to remove and that is whole still (the run was
 * killed before it removed anything) is a chain as before, to be judged anew.
 */
export const reviewForPrune = (
  chains: readonly LedgerChain[],
  repository: string,
  listing: readonly ListedFile[],
  checkedTime: string,
): LedgerChain[] =>
  chains.map((chain) => {
    if (chain.repository !== repository) return chain;
    const { problem: _, removing, ...rest } = chain;
    const problem = chainProblem(chain, filesIn(listing, chain.directory));
    if (problem === undefined) return { ...rest, checkedTime };
    return { ...rest, ...(removing && { removing }), problem: problem.slice(0, 256), checkedTime };
  });

const verifiedOf = ({ sets }: LedgerChain): Pick<ChainAge, 'verified'> => {
  const times = sets.flatMap(({ verifiedTime }) => (verifiedTime === undefined ? [] : [Date.parse(verifiedTime)]));
  return times.length === 0 ? {} : { verified: new Date(Math.max(...times)) };
};

/** What retention looks at. A set that is whole in the repository and was not recorded, since its run was killed, counts as well. */
export const ageOf = (chain: LedgerChain, listing: readonly ListedFile[]): ChainAge => {
  const { unrecorded } = chainState(chain, filesIn(listing, chain.directory));
  return {
    name: chain.directory,
    points: [
      ...chain.sets.map(({ dataTime }) => new Date(dataTime)),
      ...unrecorded.map((stamp) => new Date(isoOfStamp(stamp))),
    ],
    intact: chain.problem === undefined && chain.removing !== true,
    ...verifiedOf(chain),
  };
};

/**
 * What is older than asked and stays, in words: files that are not duplicity's in the directory of a chain that is gone, and chains that the
 * ledger does not know. `isOld` judges a directory by the time in its name.
 */
export const leftIn = (
  listing: readonly ListedFile[],
  known: readonly string[],
  isOld: (time: Date) => boolean,
): string | undefined => {
  const left = [...topNames(listing)]
    .filter((name) => !known.includes(name) && isChainName(name))
    .filter((name) => isOld(new Date(isoOfStamp(chainName.exec(name)?.[1] ?? ''))))
    .toSorted();
  const [first] = left;
  if (first === undefined) return undefined;
  const inside = listing
    .filter(({ name }) => name.startsWith(`${first}/`))
    .map(({ name }) => name.slice(first.length + 1));
  const what = inside.some((name) => parseSetFile(name) !== undefined)
    ? 'a chain that the ledger does not know'
    : `files that are not of a backup (${inside.length}, such as ${JSON.stringify(inside[0])})`;
  const more = left.length > 1 ? `, and ${left.length - 1} more directories` : '';
  return `${first}: ${what}${more}`;
};
