import type { BackupPolicyStatus } from '../api/v1alpha1/backuppolicy.ts';

type Witnesses = Pick<BackupPolicyStatus, 'lastFailedVerification' | 'lastVerified' | 'lastFull' | 'recovery'>;
type FailedSet = NonNullable<Witnesses['lastFailedVerification']>['sets'][number];

/** A state of the data in the repository, and the digest of the source that it is of. */
export interface IntactPoint {
  readonly dataTime: string;
  readonly source?: string | undefined;
}

const at = (time: string): number => Date.parse(time);

/**
 * Whether a state of the data lies in the chain of a set that failed. Of the newest chain that is told exactly: it begins with the newest
 * full. How far an older one reaches is not known here, so all that may be of it counts as its own.
 */
const isInChainOf = (failed: FailedSet, dataTime: string, newestFull: Witnesses['lastFull']): boolean => {
  if (newestFull === undefined) return true;
  const isNewest = at(failed.setTime) >= at(newestFull.setTime);
  if (isNewest) return at(dataTime) >= at(newestFull.dataTime);
  const isBeforeIt = failed.type === 'Full' && at(dataTime) < at(failed.dataTime);
  return at(dataTime) < at(newestFull.dataTime) && !isBeforeIt;
};

/** The sets that the newest verification to fail found damaged, but for those of a chain that a later one restored. */
export const damagedSets = ({ lastFailedVerification, lastVerified }: Witnesses): readonly FailedSet[] =>
  (lastFailedVerification?.sets ?? []).filter(
    ({ chain }) =>
      lastVerified === undefined ||
      lastVerified.set.chain !== chain ||
      at(lastVerified.time) <= at(lastFailedVerification?.time ?? ''),
  );

/** Names of the chains that are damaged as far as is known. */
export const damagedChains = (witnesses: Witnesses): string[] => [
  ...new Set(damagedSets(witnesses).map(({ chain }) => chain)),
];

/** A verification that failed without saying of what speaks against all that was there, until one succeeds. */
const isInDoubt = ({ lastFailedVerification: failed, lastVerified }: Witnesses, dataTime: string): boolean =>
  failed?.sets.length === 0 &&
  (lastVerified === undefined || at(lastVerified.time) <= at(failed.time)) &&
  at(dataTime) <= at(failed.time);

/**
 * The newest state of the data in the repository that is known to be whole: by the last listing, and not of a chain that was found damaged
 * when it was restored. Undefined: none is known. A local copy does not count, since it goes with the cluster.
 */
export const latestIntact = (witnesses: Witnesses): IntactPoint | undefined => {
  const { recovery, lastFull } = witnesses;
  const failed = damagedSets(witnesses);
  const { offSite, earliest, earliestSource } = recovery ?? {};
  return [offSite, earliest === undefined ? undefined : { dataTime: earliest, source: earliestSource }]
    .filter((point) => point !== undefined)
    .find(
      ({ dataTime }) => !isInDoubt(witnesses, dataTime) && !failed.some((set) => isInChainOf(set, dataTime, lastFull)),
    );
};
