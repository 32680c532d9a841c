import type { BackupPolicyStatus, LastFailure, LastRun } from '../api/v1alpha1/backuppolicy.ts';
import { runKinds } from '../api/v1alpha1/recovery-points.ts';
import type { DeepReadonly } from '../kube/types.ts';
import type { Newest, RunReport, Runs } from './run-reports.ts';

/** The part of status that remembers: it only ever moves forward, whatever Jobs were removed since or a stale cache shows. */
export type History = Pick<
  BackupPolicyStatus,
  'lastLocalCopy' | 'lastFull' | 'lastIncremental' | 'lastBackupTime' | 'chain' | 'lastRuns' | 'lastFailure'
>;

/** The latest by `timeOf`; of equals the first, so that what status has stays. */
const latest = <T>(values: readonly (T | undefined)[], timeOf: (value: T) => string): T | undefined =>
  values.reduce((best, value) => {
    if (value === undefined) return best;
    return best === undefined || Date.parse(timeOf(value)) > Date.parse(timeOf(best)) ? value : best;
  }, undefined);

const lastRunsOf = (previous: readonly LastRun[], reports: readonly RunReport[]): LastRun[] =>
  runKinds.flatMap((kind) => {
    const before = previous.find((run) => run.kind === kind);
    const seen = reports
      .filter((report) => report.kind === kind)
      .map(({ jobName, time, outcome, failure }) => ({
        kind,
        jobName,
        completionTime: time,
        outcome,
        ...(failure === undefined ? {} : { reason: failure.reason }),
      }));
    const newest = latest<LastRun>([before, ...seen], ({ completionTime }) => completionTime);
    return newest === undefined ? [] : [newest];
  });

const failuresOf = (reports: readonly RunReport[]): LastFailure[] =>
  reports.flatMap(({ failure, outcome, time, jobName, kind }) =>
    failure === undefined || outcome !== 'Failed' ? [] : [{ ...failure, time, jobName, kind }],
  );

const optional = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Partial<Record<K, V>>);

const newestSetTime = (full: { dataTime: string } | undefined, incremental: { dataTime: string } | undefined) =>
  latest([full, incremental], ({ dataTime }) => dataTime)?.dataTime;

/** What status remembers after looking at the runs. Pure and idempotent: the same runs again change nothing. */
export const nextHistory = (previous: DeepReadonly<History>, { reports, newest }: Runs): History => {
  const completed = ({ completionTime }: { readonly completionTime: string }): string => completionTime;
  const { localCopies, fulls, incrementals, chains }: Newest = newest;
  const full = latest<NonNullable<History['lastFull']>>([previous.lastFull, ...fulls], completed);
  const incremental = latest<NonNullable<History['lastIncremental']>>(
    [previous.lastIncremental, ...incrementals],
    completed,
  );
  const lastRuns = lastRunsOf(previous.lastRuns ?? [], reports);
  return {
    ...optional(
      'lastLocalCopy',
      latest<NonNullable<History['lastLocalCopy']>>([previous.lastLocalCopy, ...localCopies], completed),
    ),
    ...optional('lastFull', full),
    ...optional('lastIncremental', incremental),
    ...optional('lastBackupTime', newestSetTime(full, incremental)),
    ...optional(
      'chain',
      latest<NonNullable<History['chain']>>([previous.chain, ...chains], ({ checkedTime }) => checkedTime),
    ),
    ...(lastRuns.length === 0 ? {} : { lastRuns }),
    ...optional(
      'lastFailure',
      latest<LastFailure>([previous.lastFailure, ...failuresOf(reports)], ({ time }) => time),
    ),
  };
};

/** The runs that status did not know of yet, oldest first: each is worth one Event. */
export const newReports = (previous: DeepReadonly<History>, { reports }: Runs): RunReport[] =>
  reports.filter(({ kind, time }) => {
    const known = previous.lastRuns?.find((run) => run.kind === kind);
    return known === undefined || Date.parse(time) > Date.parse(known.completionTime);
  });
