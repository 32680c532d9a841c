import type { FetchTask } from '../../api/v1alpha1/task.ts';
import type { PlannedSet } from '../../api/v1alpha1/restore-report.ts';
import type { LedgerChain, LedgerSet } from '../ledger.ts';
import { isChainName } from '../prune/review.ts';

/** A set that can be fetched. Of one that no ledger records only a part is known. */
export type FetchableSet = Pick<LedgerSet, 'type' | 'setTime' | 'dataTime' | 'setDigest' | 'files'> &
  Partial<LedgerSet>;

export type FetchableChain = Omit<LedgerChain, 'sets' | 'checkedTime'> & { readonly sets: readonly FetchableSet[] };

/** A set that is to be fetched, and the chain that it is restored from. */
export interface Choice {
  readonly chain: FetchableChain;
  readonly set: FetchableSet;
  /** Of a set that no ledger records: as the plan names it. Nothing witnesses what is in it. */
  readonly unrecorded?: PlannedSet;
}

/** What a choice is made from. */
export interface ChoiceInput {
  /** The chains of the ledger, as they were just reviewed against the listing. */
  readonly chains: readonly LedgerChain[];
  /** Identity of the repository. */
  readonly repository: string;
  /** Directories of chains that the listing showed broken just now: a verification says so, instead of passing over to an older one. */
  readonly broken: readonly string[];
  readonly points: FetchTask['points'];
  /** A number from 0 to less than 1. */
  readonly random: () => number;
}

const timeOf = ({ set }: Choice): number => Date.parse(set.setTime);

/** The sets of the newest verification are left out while there are others: each run proves another one. */
const notJustVerified = (choices: readonly Choice[]): readonly Choice[] => {
  const verifiedAt = ({ set }: Choice): number => (set.verifiedTime === undefined ? -1 : Date.parse(set.verifiedTime));
  const newest = Math.max(...choices.map(verifiedAt));
  const others = choices.filter((choice) => verifiedAt(choice) < newest);
  return newest < 0 || others.length === 0 ? choices : others;
};

/**
 * Which sets are verified: the newest, and by chance an older one out of what is whole. Pure, but for chance. What a verification found
 * damaged before, and what retention began to remove, is not asked again.
 */
export const chooseSets = ({
  chains,
  repository,
  broken,
  points,
  random,
}: ChoiceInput): { readonly latest?: Choice; readonly older?: Choice } => {
  const choices = chains
    .filter((chain) => chain.repository === repository && !chain.removing && isChainName(chain.directory))
    .filter(({ problem, directory }) => problem === undefined || broken.includes(directory))
    .flatMap((chain) => chain.sets.map((set): Choice => ({ chain, set })))
    .toSorted((a, b) => timeOf(a) - timeOf(b));
  const latest = choices.at(-1);
  if (latest === undefined) return {};
  const others = choices.filter((choice) => choice !== latest && choice.chain.problem === undefined);
  if (points === 'Latest' || others.length === 0) return { latest };
  const candidates = notJustVerified(others);
  const older = candidates[Math.floor(random() * candidates.length)];
  return { latest, ...(older && { older }) };
};

/** The set as a result names it. */
export const verifiedSetOf = ({ chain, set, unrecorded }: Choice): PlannedSet =>
  unrecorded ?? {
    type: set.type,
    setTime: set.setTime,
    dataTime: set.dataTime,
    chain: chain.directory,
    setDigest: set.setDigest,
    ...(set.factsDigest !== undefined && { factsDigest: set.factsDigest }),
    ...(set.source !== undefined && { source: set.source }),
  };

/** The set with those before it in its chain: all that restoring it reads. */
export const setsUpTo = <Set>({
  chain,
  set,
}: {
  readonly chain: { readonly sets: readonly Set[] };
  readonly set: Set;
}): readonly Set[] => chain.sets.slice(0, chain.sets.indexOf(set) + 1);
