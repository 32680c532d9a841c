import { createHash } from 'node:crypto';
import type { BackupPolicySpec, Timetable } from '../api/v1alpha1/backuppolicy.ts';
import { durationSeconds } from '../api/v1alpha1/duration.ts';
import { scheduledKinds, type ScheduledKind } from '../api/v1alpha1/recovery-points.ts';
import { timestamp } from '../base/times.ts';
import type { DeepReadonly } from '../base/types.ts';
import { parseCron } from '../cron/parse.ts';
import { nextOwed } from '../sla/due.ts';
import { cronLineOf } from '../workloads/lines.ts';
import { cronJobName } from '../workloads/names.ts';
import type { Evidence, Statement } from './statement.ts';
import { hasReadableSchedule } from './objectives.ts';
import { ownJobs } from './observed.ts';
import { stuckRuns } from './starts.ts';

const type = 'RunsOnTime';

/** Beyond deadlines.start, which is as late as CronJob starts a run: for its controller, and for what watches tell later. */
const graceMs = 5 * 60_000;

/** As many stuck runs are told of one by one. */
const mostNamed = 5;

/** The times by which runs are expected, and since when: a time before that is asked for of nobody. Pure. */
export const nextTimetable = (
  { schedule, deadlines, suspend }: BackupPolicySpec,
  previous: DeepReadonly<Timetable> | undefined,
  now: Date,
): DeepReadonly<Timetable> => {
  const { timeZone, localCopy, full, incremental, verify } = schedule;
  const lines = JSON.stringify([timeZone, localCopy, full, incremental, verify, deadlines.start, suspend]);
  const key = createHash('sha256').update(lines).digest('hex').slice(0, 16);
  return previous?.key === key ? previous : { key, since: timestamp(now) };
};

interface Look {
  missed: { kind: ScheduledKind; slot: Date } | undefined;
  wakeAt: Date | undefined;
}

const cronJobOf = ({ observed: { policy, cronJobs } }: Evidence, kind: ScheduledKind) =>
  cronJobs.find(
    ({ name, ownerPolicyUids }) =>
      name === cronJobName(policy.metadata.name, kind) && ownerPolicyUids.includes(policy.metadata.uid),
  );

/**
 * Until when the runs of a kind are accounted for: the newest time at which a run of it began, went on or ended, by whatever tells of it.
 * Infinity: one goes on, and the next waits for it.
 */
const accountedFor = (evidence: Evidence, kind: ScheduledKind): number => {
  const { observed, history } = evidence;
  const jobs = ownJobs(observed).filter((job) => job.kind === kind);
  if (jobs.some(({ end }) => end === undefined)) return Infinity;
  const times = [
    cronJobOf(evidence, kind)?.lastScheduleTime,
    ...jobs.flatMap(({ end, creationTimestamp }) => [end?.time, creationTimestamp]),
    ...(history.lastRuns ?? []).filter((run) => run.kind === kind).map(({ completionTime }) => completionTime),
  ];
  return Math.max(0, ...times.map((time) => Date.parse(time ?? '')).filter((time) => !Number.isNaN(time)));
};

const lookAt = (evidence: Evidence, spec: BackupPolicySpec, kind: ScheduledKind): Look => {
  const { metadata, zones, now, created, timetable } = evidence;
  const line = cronLineOf({ metadata, spec }, kind);
  const known = line === undefined ? Infinity : accountedFor(evidence, kind);
  if (line === undefined || known === Infinity) return { missed: undefined, wakeAt: undefined };
  const since = Math.max(Date.parse(created), Date.parse(timetable?.since ?? created));
  const accounted = new Date(Math.max(since, known));
  const cronJob = cronJobOf(evidence, kind);
  const counted = Date.parse(cronJob?.lastScheduleTime ?? cronJob?.creationTimestamp ?? '');
  const anchor = Number.isNaN(counted) ? accounted : new Date(counted);
  const slot = nextOwed(parseCron(line), zones(spec.schedule.timeZone), { accounted, anchor });
  if (slot === undefined) return { missed: undefined, wakeAt: undefined };
  const lateAt = new Date(slot.getTime() + durationSeconds(spec.deadlines.start) * 1000 + graceMs);
  return now.getTime() < lateAt.getTime()
    ? { missed: undefined, wakeAt: lateAt }
    : { missed: { kind, slot }, wakeAt: undefined };
};

const earliest = (times: readonly (Date | undefined)[]): Date | undefined => {
  const known = times.flatMap((time) => time?.getTime() ?? []);
  return known.length === 0 ? undefined : new Date(Math.min(...known));
};

/**
 * Whether what is scheduled starts, and what was started gets going. A time of the schedule counts once it is `deadlines.start` and five
 * minutes past, and only since the timetable is as it is; that its run began is told by CronJob, Job or status, never by what the operator
 * remembers to have seen. Pure.
 */
export const runsOnTime = (evidence: Evidence): Statement => {
  const { spec, observed, now } = evidence;
  const { stuck, wakeAt: lookAtStuck } = stuckRuns(observed, now);
  if (stuck.length > 0) {
    const named = stuck.slice(0, mostNamed).map(({ jobName, words: why }) => `${jobName}: ${why}.`);
    const more = stuck.length > mostNamed ? [`So are ${stuck.length - mostNamed} more.`] : [];
    const words = [...named, ...more].join(' ');
    return {
      type,
      status: 'False',
      reason: 'RunStuck',
      message: `A run was started and does not get going. ${words} More: kubectl describe job,pod --selector batch.kubernetes.io/job-name=${stuck[0]?.jobName ?? ''}.`,
      wakeAt: lookAtStuck,
    };
  }
  if (spec === undefined)
    return { type, status: 'Unknown', reason: 'SpecUnreadable', message: 'The spec cannot be read.' };
  if (!hasReadableSchedule(evidence) || evidence.problems.some(({ reason }) => reason === 'DeadlineInvalid')) {
    return {
      type,
      status: 'Unknown',
      reason: 'ScheduleInvalid',
      message: 'Schedule or deadlines cannot be read: see the condition Stalled.',
    };
  }
  if (spec.suspend) {
    return {
      type,
      status: 'Unknown',
      reason: 'Suspended',
      message: 'No run starts until spec.suspend is false.',
      wakeAt: lookAtStuck,
    };
  }
  const looks = scheduledKinds.map((kind) => lookAt(evidence, spec, kind));
  const wakeAt = earliest([lookAtStuck, ...looks.map((look) => look.wakeAt)]);
  const missed = looks.flatMap((look) => look.missed ?? []);
  if (missed.length > 0) {
    const words = missed.map(({ kind, slot }) => `${kind} of ${timestamp(slot)}`).join(', ');
    return {
      type,
      status: 'False',
      reason: 'RunMissed',
      message: `What was due did not start: ${words}. No Job was made for it, and it is too late for that (deadlines.start ${spec.deadlines.start}). Look at kubectl describe cronjob --selector holdfast.dev/policy, at kube-controller-manager, and whether its zones know ${spec.schedule.timeZone}.`,
      wakeAt,
    };
  }
  return { type, status: 'True', reason: 'Started', message: 'Every run that was due has started.', wakeAt };
};
