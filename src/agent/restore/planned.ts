import { isDeepStrictEqual } from 'node:util';
import type { PlannedSet } from '../../api/v1alpha1/restore-report.ts';
import { RunError } from '../../errors/run-error.ts';
import { type Choice, verifiedSetOf } from '../fetch/choose.ts';
import type { LedgerChain } from '../ledger.ts';
import { isChainName } from '../prune/review.ts';
import { choosePoint, objectionTo, rangeWords } from './choose-point.ts';

/** What a planned set is looked for in. */
export interface PlannedInput {
  /** The chains of the ledger, as they were just reviewed against the listing. */
  readonly chains: readonly LedgerChain[];
  /** Identity of the repository. */
  readonly repository: string;
  /** The set as the plan names it, and as it was confirmed. */
  readonly set: PlannedSet;
}

/** Of a set that the plan names: what of it is not as it was planned. */
const differenceIn = (found: PlannedSet, planned: PlannedSet): string | undefined => {
  if (isDeepStrictEqual(found, planned)) return undefined;
  if (found.setDigest !== planned.setDigest) return 'its manifest is another one now';
  if (found.factsDigest !== planned.factsDigest) return 'its facts are others now';
  return 'what is recorded of it is something else now';
};

const look = ({ chains, repository, set }: PlannedInput): Choice | string => {
  const chain = chains.find((each) => each.repository === repository && each.directory === set.chain);
  if (chain === undefined || !isChainName(set.chain)) return 'its chain is not recorded any more';
  const found = chain.sets.find(({ setTime }) => setTime === set.setTime);
  if (found === undefined) return 'it is not recorded any more';
  const choice = { chain, set: found };
  return objectionTo(chain) ?? differenceIn(verifiedSetOf(choice), set) ?? choice;
};

/**
 * The set that was planned, when it still is that very set and nothing is wrong with its chain. No other one is taken in its place: what was
 * confirmed is what is restored. Pure.
 * @throws RunError PointNotAvailable
 */
export const findPlanned = (input: PlannedInput): Choice => {
  const { set } = input;
  const found = look(input);
  if (typeof found !== 'string') return found;
  const { range } = choosePoint({ ...input, asked: { by: 'Latest' } });
  throw new RunError(
    'PointNotAvailable',
    `The set of ${set.setTime} in ${set.chain}, with data of ${set.dataTime}, is no longer there as it was planned: ${found}. ${rangeWords(range)}`,
  );
};
