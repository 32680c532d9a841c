import type { RestorePointAsked } from '../../api/v1alpha1/restore-report.ts';
import type { LedgerChain } from '../ledger.ts';
import { isChainName } from '../prune/review.ts';
import type { Choice } from '../fetch/choose.ts';

/** What a point is chosen from. */
export interface PointInput {
  /** The chains of the ledger, as they were just reviewed against the listing. */
  readonly chains: readonly LedgerChain[];
  /** Identity of the repository. */
  readonly repository: string;
  readonly asked: RestorePointAsked;
}

/** What was chosen, and what would have been. */
export interface PointChoice {
  /** The very set; undefined when none is as old as was asked for. */
  readonly chosen: Choice | undefined;
  /** Why a newer set that was as old as was asked for is not taken, in words. */
  readonly passedOver: string | undefined;
  /** State of the data of the oldest and the newest set that can be restored; undefined when there is none. */
  readonly range: { readonly earliest: string; readonly latest: string } | undefined;
}

const second = 1000;

/** The times in the ledger are whole seconds, rounded down: only what is of an earlier second is surely of before. */
const isAsked = (asked: RestorePointAsked, dataTime: string): boolean => {
  if (asked.by === 'Latest') return true;
  const [data, time] = [Date.parse(dataTime), Date.parse(asked.time)];
  return asked.by === 'At' ? data <= time : data < Math.floor(time / second) * second;
};

const byAge = (a: Choice, b: Choice): number =>
  Date.parse(a.set.dataTime) - Date.parse(b.set.dataTime) || Date.parse(a.set.setTime) - Date.parse(b.set.setTime);

/** Why nothing of a chain is restored; undefined when it is whole as far as is known. */
export const objectionTo = ({ removing, damaged, problem }: LedgerChain): string | undefined => {
  if (removing === true) return 'retention began to remove that chain';
  return damaged ?? problem;
};

/**
 * The very set that a point stands for: the newest whose data is not younger than asked, out of a chain in which nothing is wrong. Pure.
 */
export const choosePoint = ({ chains, repository, asked }: PointInput): PointChoice => {
  const all = chains
    .filter((chain) => chain.repository === repository && isChainName(chain.directory))
    .flatMap((chain) => chain.sets.map((set): Choice => ({ chain, set })))
    .toSorted(byAge);
  const whole = all.filter(({ chain }) => objectionTo(chain) === undefined);
  const matches = ({ set }: Choice): boolean => isAsked(asked, set.dataTime);
  const [wanted, chosen] = [all.findLast(matches), whole.findLast(matches)];
  const [oldest, newest] = [whole.at(0), whole.at(-1)];
  return {
    chosen,
    passedOver: wanted === undefined || wanted === chosen ? undefined : passedOver(wanted),
    range: oldest && newest && { earliest: oldest.set.dataTime, latest: newest.set.dataTime },
  };
};

const passedOver = ({ chain, set }: Choice): string =>
  `The set of ${set.setTime} in ${chain.directory}, with data of ${set.dataTime}, is not restored: ${objectionTo(chain)}.`;

/** What was asked for, in words. */
const askedWords = (asked: RestorePointAsked): string => {
  if (asked.by === 'Latest') return 'to restore';
  return asked.by === 'At' ? `with data of ${asked.time} or before` : `with data of before ${asked.time}`;
};

/** What can be restored, in words. */
export const rangeWords = (range: PointChoice['range']): string =>
  range === undefined
    ? 'No whole set is in the repository.'
    : range.earliest === range.latest
      ? `The only point is ${range.earliest}.`
      : `The earliest is ${range.earliest}, the latest ${range.latest}.`;

/** Why there is no such point, and which there are. Pure. */
export const noPoint = ({ asked }: Pick<PointInput, 'asked'>, { passedOver, range }: PointChoice): string =>
  [`There is no backup ${askedWords(asked)}.`, rangeWords(range), passedOver].filter(Boolean).join(' ');
