import type { BackupPolicyStatus, LastFailure, LastRun } from '../api/v1alpha1/backuppolicy.ts';
import { jobKind, type RecoveryReport } from '../api/v1alpha1/recovery-points.ts';
import type { DeepReadonly } from '../base/types.ts';
import { placeDigest } from '../workloads/subject.ts';
import { isGuess } from './guesses.ts';
import { hasStored, isSamePlace } from './named.ts';
import { recoveryOf, reportOfRecovery } from './recovery.ts';
import { verificationHistory } from './verifications.ts';
import type { RunReport } from './run-report.ts';
import type { Newest, Runs } from './run-reports.ts';

/** The part of status that remembers: it only ever moves forward, whatever Jobs were removed since or a stale cache shows. */
export type History = Pick<
  BackupPolicyStatus,
  | 'storedIn'
  | 'lastLocalCopy'
  | 'lastFull'
  | 'lastIncremental'
  | 'lastBackupTime'
  | 'chain'
  | 'retention'
  | 'lastRuns'
  | 'lastDump'
  | 'localCopies'
  | 'recovery'
  | 'lastFailure'
  | 'lastRestore'
  | 'lastVerification'
  | 'lastVerified'
  | 'lastVerifiedTime'
  | 'lastFailedVerification'
>;

type Compare<T> = (a: T, b: T) => number;

const byTime = (a: string, b: string): number => Date.parse(a) - Date.parse(b);

// Only so that the order in which equals are seen does not count.
const byText: Compare<unknown> = (a, b) => {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left === right ? 0 : left < right ? -1 : 1;
};

/** The greatest; of equals the first, so that what status has stays. */
const greatest = <T>(values: readonly (T | undefined)[], compare: Compare<T>): T | undefined =>
  values.reduce((best, value) => {
    if (value === undefined) return best;
    return best === undefined || compare(value, best) > 0 ? value : best;
  }, undefined);

const byCompletion: Compare<{ readonly completionTime: string }> = (a, b) =>
  byTime(a.completionTime, b.completionTime) || byText(a, b);

/** Of two listings in the same second the one that found something missing counts. */
const byCheck: Compare<NonNullable<History['chain']>> = (a, b) =>
  byTime(a.checkedTime, b.checkedTime) || Number(b.intact) - Number(a.intact) || byText(a, b);

const byPrune: Compare<NonNullable<History['retention']>> = (a, b) =>
  byTime(a.lastPruneTime, b.lastPruneTime) || byText(a, b);

const byListing: Compare<NonNullable<History['localCopies']>> = (a, b) =>
  byTime(a.listedTime, b.listedTime) || byText(a, b);

/** Of two listings in the same second the one that found less counts. */
const byRecoveryCheck: Compare<DeepReadonly<RecoveryReport>> = (a, b) =>
  byTime(a.checkedTime, b.checkedTime) || byText(b.offSite ?? '', a.offSite ?? '') || byText(a, b);

const byDumpEnd: Compare<NonNullable<History['lastDump']>> = (a, b) => byTime(a.endTime, b.endTime) || byText(a, b);

const proof = { Unknown: 0, Failed: 1, Succeeded: 2 } as const satisfies Record<LastRun['outcome'], number>;
const harm = { Succeeded: 0, Unknown: 1, Failed: 2 } as const satisfies Record<LastRun['outcome'], number>;
const isKnown = (reason: string | undefined): number => Number(!isGuess(reason));

/**
 * Of one run the surest word counts: its pod may be seen after its Job, and is gone again before it. Of two runs that ended in the same
 * second the worse counts.
 */
const byEnd: Compare<LastRun> = (a, b) =>
  byTime(a.completionTime, b.completionTime) ||
  (a.jobName === b.jobName
    ? proof[a.outcome] - proof[b.outcome] || isKnown(a.reason) - isKnown(b.reason)
    : harm[a.outcome] - harm[b.outcome] || byText(a.jobName, b.jobName));

const byFailure: Compare<LastFailure> = (a, b) =>
  byTime(a.time, b.time) || byText(a.jobName, b.jobName) || isKnown(a.reason) - isKnown(b.reason);

const optional = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Partial<Record<K, V>>);

const lastRunsOf = (previous: readonly LastRun[], reports: readonly RunReport[]): LastRun[] =>
  jobKind.options.flatMap((kind) => {
    const before = previous.find((run) => run.kind === kind);
    const seen = reports.filter((report) => report.kind === kind).map(asLastRun);
    return greatest<LastRun>([before, ...seen], byEnd) ?? [];
  });

const asLastRun = ({ kind, jobName, time, outcome, failure, repository }: RunReport): LastRun => ({
  kind,
  jobName,
  completionTime: time,
  outcome,
  ...(failure === undefined ? {} : { reason: failure.reason }),
  ...optional('repository', repository),
});

const failuresOf = (reports: readonly RunReport[]): LastFailure[] =>
  reports.flatMap(({ failure, outcome, time, jobName, kind }) =>
    failure === undefined || outcome !== 'Failed' ? [] : [{ ...failure, time, jobName, kind }],
  );

const dataTimes = (sets: readonly { readonly dataTime: string }[]): string[] => sets.map(({ dataTime }) => dataTime);

/** What is left to remember when backups are stored in another place: nothing of what was said of the one before. */
const withoutStored = ({
  lastFull: _full,
  lastIncremental: _incremental,
  lastBackupTime: _time,
  chain: _chain,
  retention: _retention,
  recovery: _recovery,
  lastVerification: _verification,
  lastVerified: _verified,
  lastVerifiedTime: _verifiedTime,
  lastFailedVerification: _failed,
  ...rest
}: DeepReadonly<History>): DeepReadonly<History> => rest;

/** What is said of a set in another place is not news here; that a verification came to none is. */
const isOfPlace = ({ storedIn }: Runs, { repository, verification }: RunReport): boolean => {
  const sets = [verification?.latest.set, verification?.older?.set];
  if (sets.every((set) => set === undefined)) return true;
  return storedIn !== undefined && repository === placeDigest(storedIn);
};

/**
 * What status remembers after looking at the runs. Pure and idempotent: the same runs again change nothing. It begins anew once a backup lies in
 * another place than what it remembers.
 */
export const nextHistory = (known: DeepReadonly<History>, runs: Runs): History => {
  const { reports, newest, storedIn = known.storedIn } = runs;
  const isSame = known.storedIn !== undefined && storedIn !== undefined && isSamePlace(known.storedIn, storedIn);
  const previous = isSame || storedIn === undefined || !hasStored(known) ? known : withoutStored(known);
  const { localCopies, fulls, incrementals, chains, retentions, dumps, copies, recoveries }: Newest = newest;
  const lastRuns = lastRunsOf(previous.lastRuns ?? [], reports);
  const listed = greatest<NonNullable<History['localCopies']>>([previous.localCopies, ...copies], byListing);
  const report = greatest<RecoveryReport>([reportOfRecovery(previous.recovery), ...recoveries], byRecoveryCheck);
  const setTimes = [previous.lastBackupTime, ...dataTimes(fulls), ...dataTimes(incrementals)];
  return {
    ...optional('storedIn', isSame ? known.storedIn : storedIn),
    ...optional(
      'lastLocalCopy',
      greatest<NonNullable<History['lastLocalCopy']>>([previous.lastLocalCopy, ...localCopies], byCompletion),
    ),
    ...optional('lastFull', greatest<NonNullable<History['lastFull']>>([previous.lastFull, ...fulls], byCompletion)),
    ...optional(
      'lastIncremental',
      greatest<NonNullable<History['lastIncremental']>>([previous.lastIncremental, ...incrementals], byCompletion),
    ),
    ...optional('localCopies', listed),
    ...optional('recovery', recoveryOf(listed, report)),
    ...optional('lastBackupTime', greatest(setTimes, byTime)),
    ...optional('chain', greatest<NonNullable<History['chain']>>([previous.chain, ...chains], byCheck)),
    ...optional('retention', greatest<NonNullable<History['retention']>>([previous.retention, ...retentions], byPrune)),
    ...(lastRuns.length === 0 ? {} : { lastRuns }),
    ...optional('lastDump', greatest<NonNullable<History['lastDump']>>([previous.lastDump, ...dumps], byDumpEnd)),
    ...optional('lastFailure', greatest<LastFailure>([previous.lastFailure, ...failuresOf(reports)], byFailure)),
    ...verificationHistory(
      previous,
      reports.filter((report) => isOfPlace(runs, report)),
    ),
  };
};

/**
 * The runs that status did not know of yet, oldest first: each is worth one Event. One whose end was not known comes again when it is.
 */
export const newReports = (previous: DeepReadonly<History>, { reports }: Runs): RunReport[] =>
  reports.filter((report) => {
    const known = previous.lastRuns?.find((run) => run.kind === report.kind);
    if (known === undefined || byTime(report.time, known.completionTime) > 0) return true;
    return known.jobName === report.jobName && proof[report.outcome] > proof[known.outcome];
  });
