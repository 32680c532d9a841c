import type { RestorePointAsked } from '../../../api/v1alpha1/restore-report.ts';
import { isAsked } from '../asked.ts';
import type { FoundChain, FoundSet } from './listed.ts';

/** A set that no ledger records, and its chain. */
export interface FoundChoice {
  readonly chain: FoundChain;
  readonly set: FoundSet;
}

/** What is in the repository and that no ledger records. */
export interface Found {
  readonly chains: readonly FoundChain[];
  /** Whether the request says that such a set may be taken. */
  readonly accepted: boolean;
}

export const nothingFound: Found = { chains: [], accepted: false };

const byTime = (a: { readonly setTime: string }, b: { readonly setTime: string }): number =>
  Date.parse(a.setTime) - Date.parse(b.setTime);

const isYounger = (setTime: string, than: string | undefined): boolean =>
  than === undefined || Date.parse(setTime) > Date.parse(than);

/** All that could be taken, oldest first. */
const choicesIn = ({ chains }: Found): FoundChoice[] =>
  chains
    .flatMap((chain) => chain.sets.filter(({ recorded }) => !recorded).map((set): FoundChoice => ({ chain, set })))
    .toSorted((a, b) => byTime(a.set, b.set));

/** The times of the oldest and the newest set that no ledger records. */
export const foundTimes = (found: Found): string[] => choicesIn(found).map(({ set }) => set.setTime);

/**
 * The newest set that no ledger records, when it is as old as was asked for and younger than the recorded set that would be taken: of the
 * two of one time the recorded one is. The data of a set is not younger than the set: by its time it is surely as old as was asked for. Pure.
 */
export const chooseFound = (
  found: Found,
  asked: RestorePointAsked,
  recordedTime: string | undefined,
): FoundChoice | undefined =>
  choicesIn(found).findLast(({ set }) => isAsked(asked, set.setTime) && isYounger(set.setTime, recordedTime));

const notAccepted = (found: Found, best: FoundChoice | undefined): string | undefined => {
  const times = foundTimes(found);
  if (times.length === 0) return undefined;
  const newest =
    best === undefined ? '' : ` The newest that fits is of ${best.set.setTime} in ${best.chain.directory}.`;
  const range = times.length === 1 ? `of ${times[0]}` : `of ${times[0]} to ${times.at(-1)}`;
  return `Whole sets in the repository that no ledger records: ${times.length}, ${range}.${newest} With acceptUnrecorded: true a request takes them too.`;
};

const notWhole = ({ chains }: Found, asked: RestorePointAsked, chosenTime: string | undefined): string | undefined => {
  const [newest] = chains
    .flatMap(({ directory, broken }) => (broken === undefined ? [] : [{ directory, ...broken }]))
    .filter(({ setTime }) => isAsked(asked, setTime) && isYounger(setTime, chosenTime))
    .toSorted(byTime)
    .toReversed();
  return (
    newest &&
    `The set of ${newest.setTime} in ${newest.directory}, which no ledger records, is not whole: ${newest.why}.`
  );
};

/** Why more than that is not taken of what no ledger records, in words. What is no concern of the request is not spoken of. Pure. */
export const foundPassedOver = (
  found: Found,
  asked: RestorePointAsked,
  { best, chosenTime }: { readonly best: FoundChoice | undefined; readonly chosenTime: string | undefined },
): string | undefined => {
  const isConcern = found.accepted || chosenTime === undefined;
  const broken = isConcern ? notWhole(found, asked, chosenTime) : undefined;
  const refused =
    found.accepted || (best === undefined && chosenTime !== undefined) ? undefined : notAccepted(found, best);
  return [broken, refused].filter((words) => words !== undefined).join(' ') || undefined;
};
