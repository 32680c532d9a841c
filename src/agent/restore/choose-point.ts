import type { RestorePointAsked } from '../../api/v1alpha1/restore-report.ts';
import type { LedgerChain } from '../ledger.ts';
import { isChainName } from '../prune/review.ts';
import type { Choice } from '../fetch/choose.ts';
import {
  chooseFound,
  foundPassedOver,
  foundTimes,
  nothingFound,
  type Found,
  type FoundChoice,
} from './found/choose.ts';
import type { RecordedChain } from './found/listed.ts';
import { askedWords, isAsked } from './asked.ts';

/** What a point is chosen from. */
export interface PointInput {
  /** The chains of the ledger, as they were just reviewed against the listing. */
  readonly chains: readonly LedgerChain[];
  /** Identity of the repository. */
  readonly repository: string;
  readonly asked: RestorePointAsked;
  /** What is in the repository beside that; nothing when it is left out. */
  readonly found?: Found;
}

/** What was chosen, and what would have been. */
export interface PointChoice {
  /** The very set; undefined when none that is recorded is as old as was asked for, or `found` is taken. */
  readonly chosen: Choice | undefined;
  /** The very set when it is one that no ledger records. */
  readonly found: FoundChoice | undefined;
  /** Why a newer set that was as old as was asked for is not taken, in words. */
  readonly passedOver: string | undefined;
  /** Likewise of what no ledger records. */
  readonly foundPassedOver: string | undefined;
  /** Repositories that the policy does not name, in which the ledger has sets. */
  readonly elsewhere: readonly string[];
  /** State of the data of the oldest and the newest set that can be restored; undefined when there is none. */
  readonly range: { readonly earliest: string; readonly latest: string } | undefined;
}

const byAge = (a: Choice, b: Choice): number =>
  Date.parse(a.set.dataTime) - Date.parse(b.set.dataTime) || Date.parse(a.set.setTime) - Date.parse(b.set.setTime);

/** Why nothing of a chain is restored; undefined when it is whole as far as is known. */
export const objectionTo = ({
  removing,
  damaged,
  problem,
}: Pick<LedgerChain, 'removing' | 'damaged' | 'problem'>): string | undefined => {
  if (removing === true) return 'retention began to remove that chain';
  return damaged ?? problem;
};

/** What the ledger records in a repository, by the directories of its chains. */
export const recordedIn = (chains: readonly LedgerChain[], repository: string): ReadonlyMap<string, RecordedChain> =>
  new Map(
    chains
      .filter((chain) => chain.repository === repository)
      .map((chain) => {
        const setTimes = new Set(chain.sets.map(({ setTime }) => setTime));
        return [chain.directory, { setTimes, objection: objectionTo(chain) }];
      }),
  );

const byTime = (a: string, b: string): number => Date.parse(a) - Date.parse(b);

/**
 * The very set that a point stands for: the newest whose data is not younger than asked, out of a chain in which nothing is wrong. One that
 * no ledger records is taken only where that is accepted, and no recorded one is as new. Pure.
 */
export const choosePoint = ({ chains, repository, asked, found = nothingFound }: PointInput): PointChoice => {
  const all = chains
    .filter((chain) => chain.repository === repository && isChainName(chain.directory))
    .flatMap((chain) => chain.sets.map((set): Choice => ({ chain, set })))
    .toSorted(byAge);
  const whole = all.filter(({ chain }) => objectionTo(chain) === undefined);
  const matches = ({ set }: Choice): boolean => isAsked(asked, set.dataTime);
  const [wanted, recorded] = [all.findLast(matches), whole.findLast(matches)];
  const best = chooseFound(found, asked, recorded?.set.setTime);
  const taken = found.accepted ? best : undefined;
  const times = [...whole.map(({ set }) => set.dataTime), ...(found.accepted ? foundTimes(found) : [])];
  const [oldest, newest] = [times.toSorted(byTime).at(0), times.toSorted(byTime).at(-1)];
  return {
    chosen: taken === undefined ? recorded : undefined,
    found: taken,
    passedOver: wanted === undefined || wanted === recorded ? undefined : passedOver(wanted),
    foundPassedOver: foundPassedOver(found, asked, { best, chosenTime: (taken ?? recorded)?.set.setTime }),
    elsewhere: elsewhereIn(chains, repository),
    range: oldest === undefined || newest === undefined ? undefined : { earliest: oldest, latest: newest },
  };
};

const elsewhereIn = (chains: PointInput['chains'], repository: string): string[] => [
  ...new Set(
    chains.filter((chain) => chain.repository !== repository && chain.sets.length > 0).map((chain) => chain.repository),
  ),
];

const passedOver = ({ chain, set }: Choice): string =>
  `The set of ${set.setTime} in ${chain.directory}, with data of ${set.dataTime}, is not restored: ${objectionTo(chain)}.`;

/** What can be restored, in words. */
export const rangeWords = (range: PointChoice['range']): string =>
  range === undefined
    ? 'No whole set is in the repository.'
    : range.earliest === range.latest
      ? `The only point is ${range.earliest}.`
      : `The earliest is ${range.earliest}, the latest ${range.latest}.`;

/** Why there is no such point, and which there are. Pure. */
export const noPoint = ({ asked }: Pick<PointInput, 'asked'>, choice: PointChoice): string => {
  const { passedOver, foundPassedOver, elsewhere, range } = choice;
  const others =
    elsewhere.length === 0
      ? undefined
      : `The ledger has sets in ${elsewhere.join(' and ')}: to restore from there, let spec.repository name it again.`;
  const none = foundPassedOver === undefined ? rangeWords(range) : 'No ledger records a whole set.';
  const words = [range === undefined ? none : rangeWords(range), passedOver, foundPassedOver, others];
  return [`There is no backup ${askedWords(asked)}.`, ...words].filter((each) => each !== undefined).join(' ');
};
