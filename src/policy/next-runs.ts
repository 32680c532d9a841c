import type { BackupPolicy, BackupPolicyStatus } from '../api/v1alpha1/backuppolicy.ts';
import type { ScheduledKind } from '../api/v1alpha1/recovery-points.ts';
import { nextTime } from '../cron/next.ts';
import { parseCron } from '../cron/parse.ts';
import type { Zone } from '../cron/zone.ts';
import { timestamp } from '../base/times.ts';
import type { DeepReadonly } from '../base/types.ts';
import type { CronJobView } from './views.ts';
import { cronLineOf } from '../workloads/lines.ts';
import { cronJobName } from '../workloads/names.ts';

type NextRuns = Pick<BackupPolicyStatus, 'nextRunTimes' | 'nextRunTime'>;

// CronJob counts `@every` from its last run, or from when it was made.
const anchorOf = (cronJob: DeepReadonly<CronJobView> | undefined): Date | undefined => {
  const anchor = cronJob?.lastScheduleTime ?? cronJob?.creationTimestamp;
  return anchor === undefined || anchor === '' ? undefined : new Date(anchor);
};

/** When the next run of each kind starts, as the CronJob controller will see it. Pure. A suspended policy has none. */
export const nextRuns = (
  policy: BackupPolicy,
  cronJobs: readonly DeepReadonly<CronJobView>[],
  zone: Zone,
  now: Date,
): NextRuns => {
  if (policy.spec.suspend) return {};
  const timeOf = (kind: ScheduledKind): string | undefined => {
    const line = cronLineOf(policy, kind);
    if (line === undefined) return undefined;
    const cronJob = cronJobs.find(({ name }) => name === cronJobName(policy.metadata.name, kind));
    const next = nextTime(parseCron(line), zone, now, anchorOf(cronJob));
    return next === undefined ? undefined : timestamp(next);
  };
  const times = {
    localCopy: timeOf('LocalCopy'),
    full: timeOf('Full'),
    incremental: timeOf('Incremental'),
    verify: timeOf('Verify'),
  };
  const nextRunTimes = Object.fromEntries(Object.entries(times).filter(([, time]) => time !== undefined));
  const [nextRunTime] = Object.values(nextRunTimes).sort();
  return nextRunTime === undefined ? {} : { nextRunTimes, nextRunTime };
};
