import type { BackupPolicyStatus, LastRequestedRun } from '../api/v1alpha1/backuppolicy.ts';
import { scheduledKinds, type ScheduledKind } from '../api/v1alpha1/recovery-points.ts';
import type { Zones } from '../cron/zones.ts';
import { nextConditions, storedConditions } from '../kube/conditions.ts';
import { claimName, cronJobName } from '../workloads/names.ts';
import { stateConditions } from './conditions.ts';
import type { Evidence } from './statement.ts';
import { nextHistory } from './history.ts';
import { nextRuns } from './next-runs.ts';
import { recoveryPointMet, recoveryStatus, recoveryTimeMet } from './objectives.ts';
import type { Observed } from './observed.ts';
import type { Problem } from './problems.ts';
import { lastRestoreOf } from './restores.ts';
import { requestProblemOf } from './requested-run.ts';
import type { Runs } from './run-reports.ts';
import { nextTimetable } from './runs-on-time.ts';

interface StatusInput {
  observed: Observed;
  problems: readonly Problem[];
  runs: Runs;
  /** The run that a person asked for, as it was dealt with; what status has when left out. */
  request?: LastRequestedRun | undefined;
  zones: Zones;
  now: Date;
}

/** A status, and when it may become another by itself. */
export interface Judgement {
  status: BackupPolicyStatus;
  wakeAt: Date | undefined;
}

/** The kinds of run that have their CronJob. */
const ownCronJobs = ({ policy: { metadata }, cronJobs }: Observed): ScheduledKind[] =>
  scheduledKinds.filter((kind) =>
    cronJobs.some(
      ({ name, ownerPolicyUids }) =>
        name === cronJobName(metadata.name, kind) && ownerPolicyUids.includes(metadata.uid),
    ),
  );

const earliest = (times: readonly Date[]): Date | undefined =>
  times.length === 0 ? undefined : new Date(Math.min(...times.map((time) => time.getTime())));

/** The whole status after a reconcile. Pure. */
export const judgePolicy = ({ observed, problems, runs, request, zones, now }: StatusInput): Judgement => {
  const { metadata, spec, status: previous, acceptShrink, requested } = observed.policy;
  const lastRestore = lastRestoreOf(previous.lastRestore, observed.restores ?? [], metadata.name);
  const history = { ...nextHistory(previous, runs), ...(lastRestore !== undefined && { lastRestore }) };
  const observedGeneration = metadata.generation;
  const lastRequestedRun = request ?? previous.lastRequestedRun;
  const timetable = spec === undefined ? previous.timetable : nextTimetable(spec, previous.timetable, now);
  const { name, creationTimestamp: created } = metadata;
  const evidence: Evidence = {
    spec,
    problems,
    history,
    zones,
    name,
    metadata,
    created,
    observed,
    timetable,
    acceptShrink,
    now,
    requestProblem: requestProblemOf(requested, lastRequestedRun),
  };
  const statements = stateConditions(evidence);
  const conditions = nextConditions(
    storedConditions(previous.conditions),
    statements.map((statement) => ({ ...statement, observedGeneration })),
    now,
  );
  const recovery = recoveryStatus(history.recovery, recoveryPointMet(evidence), recoveryTimeMet(evidence));
  const { recovery: _listed, ...remembered } = history;
  const upcoming =
    spec === undefined || problems.length > 0
      ? {}
      : nextRuns({ metadata, spec }, observed.cronJobs, zones(spec.schedule.timeZone), now);
  return {
    status: {
      observedGeneration,
      conditions,
      ...remembered,
      ...(recovery !== undefined && { recovery }),
      ...(lastRequestedRun !== undefined && { lastRequestedRun }),
      ...(timetable !== undefined && { timetable: { ...timetable, cronJobs: ownCronJobs(observed) } }),
      ...upcoming,
      claimName: claimName(name),
    },
    wakeAt: earliest(statements.flatMap(({ wakeAt }) => wakeAt ?? [])),
  };
};

/** The status of {@link judgePolicy} alone. */
export const nextStatus = (input: StatusInput): BackupPolicyStatus => judgePolicy(input).status;
