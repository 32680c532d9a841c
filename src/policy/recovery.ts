import type { BackupPolicyStatus } from '../api/v1alpha1/backuppolicy.ts';
import type { CopiesReport, RecoveryReport } from '../api/v1alpha1/recovery-points.ts';
import type { DeepReadonly } from '../base/types.ts';

type LocalCopies = NonNullable<BackupPolicyStatus['localCopies']>;
type Recovery = NonNullable<BackupPolicyStatus['recovery']>;

/** `20261122T010003Z` as a time stamp. */
const timeOfName = (name: string): string =>
  name.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');

/** The local copies as status shows them, out of what a result that was written at a time tells. */
export const localCopiesOf = ({ count, newest }: DeepReadonly<CopiesReport>, listedTime: string): LocalCopies => ({
  listedTime,
  count,
  newest: newest.map(({ name, sizeBytes, shipped = false }) => ({
    name,
    dataTime: timeOfName(name),
    sizeBytes,
    shipped,
  })),
});

/** The part of a recovery that the repository is the witness of. */
export const reportOfRecovery = (recovery: DeepReadonly<Recovery> | undefined): RecoveryReport | undefined => {
  if (recovery?.checkedTime === undefined) return undefined;
  const { checkedTime, earliest, offSite, earliestSource } = recovery;
  return {
    checkedTime,
    ...(earliest === undefined ? {} : { earliest }),
    ...(offSite === undefined ? {} : { offSite: offSite.dataTime }),
    ...(offSite?.source === undefined ? {} : { source: offSite.source }),
    ...(earliestSource === undefined ? {} : { earliestSource }),
  };
};

/** To which points the data can be brought back; undefined when none is known and the repository was never listed. Pure. */
export const recoveryOf = (
  copies: DeepReadonly<LocalCopies> | undefined,
  report: DeepReadonly<RecoveryReport> | undefined,
): Recovery | undefined => {
  const copy = copies?.newest[0]?.dataTime;
  const set = report?.offSite;
  if (copy === undefined && report === undefined) return undefined;
  const isSetNewer = set !== undefined && (copy === undefined || Date.parse(set) > Date.parse(copy));
  const onSite = isSetNewer
    ? { dataTime: set, where: 'Repository' as const }
    : copy === undefined
      ? undefined
      : { dataTime: copy, where: 'LocalCopy' as const };
  return {
    ...(onSite === undefined ? {} : { onSite }),
    ...(set === undefined
      ? {}
      : { offSite: { dataTime: set, ...(report?.source !== undefined && { source: report.source }) } }),
    ...(report?.earliest === undefined ? {} : { earliest: report.earliest }),
    ...(report?.earliestSource === undefined ? {} : { earliestSource: report.earliestSource }),
    ...(report === undefined ? {} : { checkedTime: report.checkedTime }),
  };
};
