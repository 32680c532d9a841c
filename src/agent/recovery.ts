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

/** What can be restored of these chains, as they were last listed: nothing of a chain that was found damaged counts. */
export const recoveryReport = (chains: readonly LedgerChain[], checkedTime: string): RecoveryReport => {
  const intact = chains
    .filter(({ problem }) => problem === undefined)
    .flatMap(({ sets }) => sets)
    .toSorted((a, b) => byTime(a.dataTime, b.dataTime));
  const [earliest, offSite] = [intact.at(0), intact.at(-1)];
  return {
    checkedTime,
    ...(earliest !== undefined && { earliest: earliest.dataTime }),
    ...(offSite !== undefined && { offSite: offSite.dataTime }),
    ...(offSite?.source !== undefined && { source: offSite.source }),
    ...(earliest?.source !== undefined && { earliestSource: earliest.source }),
  };
};
