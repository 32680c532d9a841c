import type { BackupPolicy, BackupPolicyStatus, LastRun } from '../api/v1alpha1/backuppolicy.ts';
import type { DeepReadonly } from '../base/types.ts';
import { pruneJobPrefix } from '../workloads/names.ts';
import { pruneJob } from '../workloads/prune-job.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';
import type { Job } from '../workloads/types.ts';
import { isUnderWay } from '../restore/views.ts';
import { isStoredAsNamed } from './named.ts';
import { ownJobs, type Observed } from './observed.ts';
import type { Problem } from './problems.ts';
import { acceptedTime, pruneCause, pruneGraceMs, retentionRule, shrunkCopy } from './retention.ts';
import type { JobView } from './views.ts';

/** What is to be done for retention. */
export interface PrunePlan {
  /** The Job to make. */
  create: Job | undefined;
  /** Ended Jobs whose results are in status. */
  remove: DeepReadonly<JobView>[];
  /** When to look again. */
  wakeAt: Date | undefined;
}

interface PruneInput {
  observed: Observed;
  /** The status as it will be written: what the newest runs told is in it. */
  status: BackupPolicyStatus;
  problems: readonly Problem[];
  settings: WorkloadSettings;
  now: Date;
}

/** Ended Jobs that stay to be looked at, as those of a CronJob do. */
const historyLimit = 3;
const minuteMs = 60_000;
const firstDelayMs = 15 * minuteMs;
const longestDelayMs = 24 * 60 * minuteMs;

/** How long after an attempt the next comes: a quarter of an hour, an hour, four, sixteen, then a day. */
const delayAfter = (attempt: number): number => Math.min(longestDelayMs, firstDelayMs * 4 ** Math.min(attempt, 10));

/**
 * The newest attempt for this cause whose end is in status. Of an earlier Job of the same cause (the rule was changed and changed back) only
 * its name may be left.
 */
const lastAttempt = (
  prunes: readonly DeepReadonly<JobView>[],
  last: LastRun | undefined,
  prefix: string,
): number | undefined => {
  if (last === undefined) return undefined;
  const known = prunes.filter(
    ({ end }) => end !== undefined && Date.parse(end.time) <= Date.parse(last.completionTime),
  );
  const attempts = [last.jobName, ...known.map(({ name }) => name)].flatMap((name) => attemptOf(name, prefix) ?? []);
  return attempts.length === 0 ? undefined : Math.max(...attempts);
};

/** The attempt of a Job for this cause; undefined for a Job that had another. Attempts beyond 999 have the last number again. */
const attemptOf = (jobName: string, prefix: string): number | undefined => {
  const number = jobName.startsWith(prefix) ? jobName.slice(prefix.length) : '';
  return /^\d{1,3}$/.test(number) ? Number(number) : undefined;
};

const surplusJobs = (jobs: readonly DeepReadonly<JobView>[], status: BackupPolicyStatus): DeepReadonly<JobView>[] => {
  const known = status.lastRuns?.find(({ kind }) => kind === 'Prune');
  const ended = jobs.flatMap((job) => (job.end === undefined ? [] : [{ job, time: Date.parse(job.end.time) }]));
  return ended
    .toSorted((a, b) => b.time - a.time || (a.job.name < b.job.name ? 1 : -1))
    .slice(historyLimit)
    .filter(({ time }) => known !== undefined && time <= Date.parse(known.completionTime))
    .map(({ job }) => job);
};

/** The chains that stay whatever their age: what was last restored and found equal is the surest there is. */
const protectedChains = ({ lastVerified }: BackupPolicyStatus): string[] => [
  ...new Set([lastVerified?.set.chain, lastVerified?.older?.chain].filter((chain) => chain !== undefined)),
];

/**
 * Whether a Job is to be made that removes what retention no longer asks for. Pure. It is made once for each cause (a new full, another
 * rule, a chain that comes due by the calendar), with a name that follows from the cause, so that whoever is interrupted makes the same
 * one again; after a failure anew, with growing waits. Never while a run of the policy goes on: the lock on the claim is what
 * keeps them apart, this only keeps a prune from waiting for it.
 */
export const planPrune = ({ observed, status, problems, settings, now }: PruneInput): PrunePlan => {
  const { metadata, spec, acceptShrink } = observed.policy;
  const jobs = ownJobs(observed);
  const prunes = jobs.filter(({ kind }) => kind === 'Prune');
  const idle: PrunePlan = { create: undefined, remove: surplusJobs(prunes, status), wakeAt: undefined };
  if (spec === undefined || spec.retention === undefined || spec.suspend || problems.length > 0) return idle;
  // Nothing is known to be where the policy stores now.
  if (!isStoredAsNamed(spec, status)) return idle;
  const rule = retentionRule(spec, acceptShrink);
  const cause = pruneCause(status, rule);
  if (cause === undefined || status.lastFull === undefined) return idle;
  // It would refuse; once a loss is accepted the rule is another.
  if (shrunkCopy(status) !== undefined && status.retention?.rule === rule) return idle;

  const prefix = pruneJobPrefix(metadata.name, `${metadata.uid} ${cause.key}`);
  const last = status.lastRuns?.find(({ kind }) => kind === 'Prune');
  const tried = lastAttempt(prunes, last, prefix);
  const justTried = last === undefined ? undefined : attemptOf(last.jobName, prefix);
  const retryAt =
    last === undefined || justTried === undefined ? 0 : Date.parse(last.completionTime) + delayAfter(justTried);
  const startAt = Math.max(cause.since.getTime(), retryAt);
  if (startAt > now.getTime()) return { ...idle, wakeAt: new Date(startAt) };
  // What is not pruned by then counts as not known.
  const overdueAt = cause.since.getTime() + pruneGraceMs;
  const waiting = { ...idle, wakeAt: overdueAt > now.getTime() ? new Date(overdueAt) : undefined };
  if (jobs.some(({ end }) => end === undefined)) return waiting;
  // A plan names the very set: it must be there when it is confirmed.
  if ((observed.restores ?? []).some(isUnderWay)) return waiting;

  const policy: BackupPolicy = { metadata, spec };
  const attempt = tried === undefined ? 0 : Math.min(999, tried + 1);
  const name = `${prefix}${attempt}`;
  // Made before, and not in status yet: its end is on the way.
  if (prunes.some((job) => job.name === name)) return waiting;
  const accepted = acceptedTime(acceptShrink);
  const asked = {
    name,
    rule,
    fullTime: status.lastFull.setTime,
    asOf: now,
    protect: protectedChains(status),
    ...(accepted !== undefined && { acceptShrink: accepted }),
  };
  return { ...waiting, create: pruneJob(policy, asked, settings) };
};
