import type { BackupPolicyStatus } from '../api/v1alpha1/backuppolicy.ts';
import { timestamp } from '../base/times.ts';
import { damagedChains, latestIntact } from '../sla/damage.ts';
import { judgeRecoveryPoint } from '../sla/recovery-point.ts';
import { estimateRecovery, isWithinRecoveryTime, type MeasuredRestore } from '../sla/recovery-time.ts';
import type { Evidence, Statement } from './statement.ts';
import type { History } from './history.ts';
import { placeChange, sourceChange, unlessChanged } from './named.ts';
import { measuredRestores } from './restores.ts';

type Recovery = NonNullable<BackupPolicyStatus['recovery']>;
type Objective = 'recoveryPointObjective' | 'recoveryTimeObjective';

const noObjective = (type: Statement['type'], field: Objective): Statement => ({
  type,
  status: 'Unknown',
  reason: 'NoObjective',
  message: `Nothing was promised: set spec.objectives.${field}.`,
});

const unreadable = (type: Statement['type']): Statement => ({
  type,
  status: 'Unknown',
  reason: 'ScheduleInvalid',
  message: 'The schedule cannot be read, and with it the calendar: see the condition Stalled.',
});

/** Whether the calendar of the policy can be read. */
export const hasReadableSchedule = ({ problems }: Pick<Evidence, 'problems'>): boolean =>
  problems.every(({ reason }) => reason !== 'ScheduleInvalid');

interface RecoveryPoint {
  statement: Statement;
  latest: string | undefined;
  metUntil: string | undefined;
}

const withoutBackup = (damaged: string): string => {
  if (damaged === '') return 'No backup in the repository is known to be whole';
  return `No backup in the repository is known to be whole and not of ${damaged}`;
};

/** Whether the newest backup that is known to be whole is new enough. It turns False by itself: `wakeAt`. Pure. */
export const recoveryPointMet = (evidence: Evidence): RecoveryPoint => {
  const type = 'RecoveryPointMet';
  const { spec, history, zones, now, created } = evidence;
  const point = latestIntact(history);
  const latest = point?.dataTime;
  const promised = spec?.objectives?.recoveryPointObjective;
  if (spec === undefined || promised === undefined) {
    return { statement: noObjective(type, 'recoveryPointObjective'), latest, metUntil: undefined };
  }
  if (!hasReadableSchedule(evidence)) return { statement: unreadable(type), latest, metUntil: undefined };
  const zone = zones(spec.schedule.timeZone);
  const { status, until } = judgeRecoveryPoint({ latest, promised, created, zone, now });
  const end = timestamp(until);
  const chains = damagedChains(history);
  const damaged = chains.length === 0 ? '' : `${chains.join(', ')}, which a verification found damaged`;
  const left = damaged === '' || latest === undefined ? '' : ` Nothing of ${damaged} counts.`;
  const held = `The newest backup in the repository that is known to be whole holds the data of ${latest ?? ''}`;
  const wakeAt = status === 'False' ? undefined : until;
  const message =
    latest === undefined
      ? status === 'Unknown'
        ? `${withoutBackup(damaged)}. ${promised} was promised: it is owed until ${end}.`
        : `${withoutBackup(damaged)}, and ${promised} was promised: it was owed until ${end}. See LastBackupSucceeded; start a run at once: kubectl annotate backuppolicy ${evidence.name} --overwrite holdfast.dev/run=full@$(date +%s).`
      : status === 'True'
        ? `${held}; ${promised} was promised, so that is new enough until ${end}.${left}`
        : `${held}; ${promised} was promised, so that was new enough until ${end}.${left} See LastBackupSucceeded and RunsOnTime; start a run at once: kubectl annotate backuppolicy ${evidence.name} --overwrite holdfast.dev/run=full@$(date +%s).`;
  const reason = { True: 'Met', False: 'Missed', Unknown: 'NoBackupYet' }[status];
  const change = placeChange(evidence) ?? sourceChange(evidence, point?.source);
  const statement = unlessChanged({ type, status, reason, message, wakeAt }, change);
  return { statement, latest, metUntil: latest === undefined || change !== undefined ? undefined : end };
};

/** What was measured, as far as status remembers it: verifications and restores. */
const measuredOf = ({ lastVerified, lastRestore, storedIn }: History): MeasuredRestore[] => [
  ...measuredRestores({ lastRestore, storedIn }),
  ...(lastVerified?.restoreSeconds === undefined || lastVerified.sourceBytes === undefined
    ? []
    : [
        {
          seconds: lastVerified.restoreSeconds,
          sourceBytes: lastVerified.sourceBytes,
          time: lastVerified.time,
          jobName: lastVerified.jobName,
          source: lastVerified.set.source,
        },
      ]),
];

interface RecoveryTime {
  statement: Statement;
  measuredSeconds: number | undefined;
  estimatedSeconds: number | undefined;
}

/** Whether a restore would be quick enough now, from the newest one that was measured. Pure. */
export const recoveryTimeMet = (evidence: Evidence): RecoveryTime => {
  const { spec, history } = evidence;
  const type = 'RecoveryTimeMet';
  const estimate = estimateRecovery(measuredOf(history), history.lastLocalCopy?.sizeBytes);
  const measured = { measuredSeconds: estimate?.basis.seconds, estimatedSeconds: estimate?.seconds };
  const promised = spec?.objectives?.recoveryTimeObjective;
  if (promised === undefined) return { statement: noObjective(type, 'recoveryTimeObjective'), ...measured };
  if (estimate === undefined) {
    const how =
      spec?.schedule.verify === undefined
        ? 'Set spec.schedule.verify: a verification restores for real, and takes the time.'
        : 'The next verification that succeeds takes the time.';
    return {
      statement: {
        type,
        status: 'Unknown',
        reason: 'NotMeasured',
        message: `${promised} was promised, and no restore was measured yet. ${how}`,
      },
      ...measured,
    };
  }
  const { basis, seconds } = estimate;
  const isMet = isWithinRecoveryTime(estimate, promised);
  const basisWords = `${basis.jobName} fetched, loaded and compared ${basis.sourceBytes} bytes in ${basis.seconds} s, at ${basis.time}; the newest copy has ${history.lastLocalCopy?.sizeBytes ?? 0} bytes`;
  const message = isMet
    ? `A restore is estimated to take ${seconds} s; ${promised} was promised. ${basisWords}.`
    : `A restore is estimated to take ${seconds} s, longer than the ${promised} that was promised. ${basisWords}. Promise more time, or make the source smaller or the way to the backup host faster.`;
  const status = isMet ? 'True' : 'False';
  const change = placeChange(evidence) ?? sourceChange(evidence, basis.source);
  const statement = unlessChanged({ type, status, reason: isMet ? 'Estimated' : 'TooSlow', message }, change);
  return { statement, ...measured };
};

/** Recovery as status shows it: what can be recovered, and what that means for the objectives. */
export const recoveryStatus = (
  recovery: History['recovery'],
  { latest, metUntil }: RecoveryPoint,
  { measuredSeconds, estimatedSeconds }: RecoveryTime,
): Recovery | undefined => {
  const { onSite, offSite, earliest, earliestSource, checkedTime } = recovery ?? {};
  const known = Object.entries({
    onSite,
    offSite,
    earliest,
    earliestSource,
    checkedTime,
    latest,
    metUntil,
    measuredSeconds,
    estimatedSeconds,
  } satisfies Recovery).filter(([, value]) => value !== undefined);
  return known.length === 0 ? undefined : Object.fromEntries(known);
};
