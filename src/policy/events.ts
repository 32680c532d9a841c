import type { V1CronJob } from '@kubernetes/client-node';
import type { BackupPolicyStatus } from '../api/v1alpha1/backuppolicy.ts';
import type { PolicyConditionType } from '../api/v1alpha1/conditions.ts';
import { runKinds, type JobKind, type RunKind } from '../api/v1alpha1/recovery-points.ts';
import type { Note } from '../api/v1alpha1/result.ts';
import type { EventNote } from '../kube/events.ts';
import type { Wire } from '../kube/types.ts';
import { requestAnnotation } from '../workloads/labels.ts';
import { cronJobName } from '../workloads/names.ts';
import { newReports } from './history.ts';
import type { Observed } from './observed.ts';
import type { Plan } from './plan.ts';
import type { RunReport } from './run-report.ts';
import type { Runs } from './run-reports.ts';

/** What is worth an Event and is as it should be. */
const good: readonly Note['reason'][] = ['ChainRemoved'];

const made = { LocalCopy: 'A local copy', Full: 'A full', Incremental: 'An incremental' } as const;

const isBackup = (kind: JobKind): kind is RunKind => runKinds.some((each) => each === kind);

const eventsOf = (report: RunReport): EventNote[] => {
  const { kind, jobName, outcome, failure, notes } = report;
  const hints = notes.map(
    ({ reason, message }) =>
      ({ type: good.includes(reason) ? 'Normal' : 'Warning', reason, message: `${jobName}: ${message}` }) as const,
  );
  // What a verification found is told by its verdict.
  if (kind === 'Verify') return hints;
  // One that removed nothing is worth none; what it removed is a note.
  if (outcome === 'Succeeded' && !isBackup(kind)) return hints;
  if (outcome === 'Succeeded' && isBackup(kind)) {
    const message = `${made[report.made ?? kind]} was made by ${jobName}, checked and recorded.`;
    return [{ type: 'Normal', reason: `${kind}Succeeded`, message }, ...hints];
  }
  const at = failure === undefined ? '' : ` at step ${failure.step}: ${failure.reason}: ${failure.message}`;
  const how = outcome === 'Failed' ? 'failed' : 'ended, and how is not known,';
  return [{ type: 'Warning', reason: `${kind}${outcome}`, message: `${jobName} ${how}${at}` }, ...hints];
};

const stalledReason = (status: BackupPolicyStatus): string | undefined =>
  status.conditions?.find(({ type }) => type === 'Stalled')?.message;

const verdicts = { Verified: 'Verified', Failed: 'VerificationFailed', CouldNotVerify: 'CouldNotVerify' } as const;

/** One for each verification, or for what is known better of the same. */
const verificationEvents = (previous: BackupPolicyStatus, next: BackupPolicyStatus): EventNote[] => {
  const [before, verdict] = [previous.lastVerification, next.lastVerification];
  if (verdict === undefined) return [];
  if (before?.jobName === verdict.jobName && before.outcome === verdict.outcome && before.reason === verdict.reason)
    return [];
  const { outcome, jobName, reason = '', message = '' } = verdict;
  if (outcome === 'Verified') {
    const { set } = next.lastVerified ?? {};
    const what = set === undefined ? '' : ` the ${set.type.toLowerCase()} of ${set.setTime} in ${set.chain}`;
    return [{ type: 'Normal', reason: verdicts.Verified, message: `${jobName} restored${what} and found it equal.` }];
  }
  const how = outcome === 'Failed' ? 'found a backup that cannot be relied on' : 'could not verify';
  return [{ type: 'Warning', reason: verdicts[outcome], message: `${jobName} ${how}: ${reason}: ${message}` }];
};

interface Turn {
  type: PolicyConditionType;
  /** Of the Event when it becomes False; that of the condition when left out. */
  bad?: string;
  good: string;
}

/** Conditions that turn by themselves: nothing else tells of it. One Event when it becomes False, and one when it is True again. */
const turns: readonly Turn[] = [
  { type: 'RecoveryPointMet', bad: 'RecoveryPointMissed', good: 'RecoveryPointMet' },
  { type: 'RunsOnTime', good: 'RunsOnTime' },
];

const turnEvents = (previous: BackupPolicyStatus, next: BackupPolicyStatus): EventNote[] =>
  turns.flatMap(({ type, bad, good: again }): EventNote[] => {
    const [before, after] = [previous, next].map(({ conditions }) => conditions?.find((one) => one.type === type));
    if (after === undefined || after.status === before?.status) return [];
    const { message } = after;
    if (after.status === 'False') return [{ type: 'Warning', reason: bad ?? after.reason, message }];
    return after.status === 'True' && before?.status === 'False' ? [{ type: 'Normal', reason: again, message }] : [];
  });

const requestEvents = (previous: BackupPolicyStatus, next: BackupPolicyStatus): EventNote[] => {
  const request = next.lastRequestedRun;
  if (request === undefined || request.value === previous.lastRequestedRun?.value) return [];
  const { value, jobName, problem } = request;
  return jobName === undefined
    ? [
        {
          type: 'Warning',
          reason: 'RunNotStarted',
          message: `${requestAnnotation}=${value}: ${problem ?? 'no run was started.'}`,
        },
      ]
    : [{ type: 'Normal', reason: 'RunRequested', message: `${requestAnnotation}=${value}: ${jobName} was started.` }];
};

/**
 * The Events that are due between two statuses: one a run that ended, one when the policy became stalled or was freed, and one when what
 * was promised turned. Pure.
 */
export const dueEvents = (previous: BackupPolicyStatus, next: BackupPolicyStatus, runs: Runs): EventNote[] => {
  const before = stalledReason(previous);
  const after = stalledReason(next);
  const stalled: EventNote[] =
    after !== undefined && after !== before ? [{ type: 'Warning', reason: 'Stalled', message: after }] : [];
  const freed: EventNote[] =
    after === undefined && before !== undefined
      ? [{ type: 'Normal', reason: 'Applied', message: 'The spec is applied.' }]
      : [];
  return [
    ...newReports(previous, runs).flatMap(eventsOf),
    ...verificationEvents(previous, next),
    ...turnEvents(previous, next),
    ...requestEvents(previous, next),
    ...stalled,
    ...freed,
  ];
};

/**
 * The Events for CronJobs that somebody suspended or deleted, when they are put back. Only of a spec that was applied before, and only of what
 * was there then: what is new was nobody's to take away. Pure.
 */
export const tamperEvents = (
  { policy: { metadata, status } }: Observed,
  { cronJobs }: Pick<Plan, 'cronJobs'>,
): EventNote[] => {
  const there = (status.timetable?.cronJobs ?? []).map((kind) => cronJobName(metadata.name, kind));
  if (status.observedGeneration !== metadata.generation) return [];
  return cronJobs.flatMap(({ desired, observed }): EventNote[] => {
    const { name } = desired.metadata;
    if (!there.includes(name)) return [];
    if (observed === undefined) {
      const message = `Somebody deleted the CronJob ${name}: it is made again. To stop runs, set spec.suspend.`;
      return [{ type: 'Warning', reason: 'CronJobDeleted', message }];
    }
    const { suspend } = (observed as Wire<V1CronJob>).spec ?? {};
    if (suspend !== true || desired.spec?.suspend !== false) return [];
    const message = `Somebody suspended the CronJob ${name}: that is put back. To stop runs, set spec.suspend.`;
    return [{ type: 'Warning', reason: 'CronJobSuspended', message }];
  });
};
