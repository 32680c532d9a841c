import { maxListedCopies, type CopiesReport, type RecoveryReport } from '../api/v1alpha1/recovery-points.ts';
import type { Ledger, LedgerChain } from './ledger.ts';

const byTime = (a: string, b: string): number => Date.parse(a) - Date.parse(b);

/** The local copies by the ledger, newest first, as many as a result has room for. */
export const copiesReport = ({ copies }: Pick<Ledger, 'copies'>): CopiesReport => ({
  count: copies.length,
  newest: copies
    .toSorted((a, b) => byTime(b.dataTime, a.dataTime))
    .slice(0, maxListedCopies)
    .map(({ name, sizeBytes, shippedAs }) => ({ name, sizeBytes, ...(shippedAs !== undefined && { shipped: true }) })),
});

const beganAt = ({ sets }: LedgerChain): string => sets[0]?.setTime ?? '';

/**
 * What can be restored from the repository of the newest chain, as it was last listed: nothing of a chain that was found damaged counts,
 * and nothing of a repository that the policy does not name any more. Undefined when it was never listed.
 */
export const recoveryReport = ({ chains }: Pick<Ledger, 'chains'>): RecoveryReport | undefined => {
  const newest = chains
    .filter(({ sets }) => sets.length > 0)
    .toSorted((a, b) => byTime(beganAt(a), beganAt(b)))
    .at(-1);
  if (newest === undefined) return undefined;
  const here = chains.filter(({ repository }) => repository === newest.repository);
  const intact = here.filter(({ problem }) => problem === undefined).flatMap(({ sets }) => sets);
  const times = intact.map(({ dataTime }) => dataTime).toSorted(byTime);
  const [earliest, offSite] = [times.at(0), times.at(-1)];
  return {
    checkedTime: newest.checkedTime,
    ...(earliest !== undefined && { earliest }),
    ...(offSite !== undefined && { offSite }),
  };
};
