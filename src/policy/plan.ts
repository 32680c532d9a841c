import type { BackupPolicy } from '../api/v1alpha1/backuppolicy.ts';
import { runKinds, scheduledKinds } from '../api/v1alpha1/recovery-points.ts';
import type { DeepReadonly } from '../base/types.ts';
import type { KubeObject } from '../kube/types.ts';
import { policyClaim } from '../workloads/claim.ts';
import { runCronJob, verifyCronJob } from '../workloads/cronjob.ts';
import { claimName, cronJobName } from '../workloads/names.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';
import type { Claim, CronJob } from '../workloads/types.ts';
import type { Observed } from './observed.ts';
import type { Problem } from './problems.ts';
import type { CronJobView } from './views.ts';

/** An object to have, with what the cache holds of it. */
export interface Wanted<T> {
  desired: T;
  observed: DeepReadonly<KubeObject> | undefined;
}

/** What a reconcile is to write. */
export interface Plan {
  claim: Wanted<Claim> | undefined;
  cronJobs: Wanted<CronJob>[];
  /** CronJobs of the policy that it no longer asks for. */
  remove: DeepReadonly<CronJobView>[];
}

const nothing: Plan = { claim: undefined, cronJobs: [], remove: [] };

const isOwn = (cronJob: DeepReadonly<CronJobView>, uid: string): boolean => cronJob.ownerPolicyUids.includes(uid);

const claimOf = (policy: BackupPolicy, { claims }: Observed): Wanted<Claim> => ({
  desired: policyClaim(policy),
  observed: claims.find(({ name }) => name === claimName(policy.metadata.name))?.object,
});

/**
 * CronJobs to delete: the policy's own that it no longer asks for, and what an earlier policy of this name left behind, which would start
 * the runs of a policy that is no more. One without any owner is left alone unless it has a name that only Holdfast gives: a copy that
 * somebody made still has the labels.
 */
const cronJobsToRemove = (
  { policy: { metadata }, cronJobs }: Observed,
  wanted: ReadonlySet<string>,
): DeepReadonly<CronJobView>[] => {
  const possible = new Set(scheduledKinds.map((kind) => cronJobName(metadata.name, kind)));
  return cronJobs.filter((cronJob) => {
    if (isOwn(cronJob, metadata.uid)) return !wanted.has(cronJob.name);
    if (cronJob.ownerPolicyUids.length > 0) return true;
    return cronJob.owned ? false : possible.has(cronJob.name) && !wanted.has(cronJob.name);
  });
};

/** What the newest backup says of its source, for a scratch server of the same release. */
const serverOf = ({ policy: { status } }: Observed): string | undefined =>
  [status.lastFull, status.lastIncremental]
    .filter((set) => set?.server !== undefined)
    .toSorted((a, b) => Date.parse(a?.completionTime ?? '') - Date.parse(b?.completionTime ?? ''))
    .at(-1)?.server;

/**
 * What must be written so that the cluster is as the policy says. Pure. A stalled policy is left as it was last applied: what worked
 * yesterday goes on, since backups that stop for a typing error are a loss.
 */
export const planPolicy = (observed: Observed, problems: readonly Problem[], settings: WorkloadSettings): Plan => {
  const { metadata, spec } = observed.policy;
  if (spec === undefined || problems.length > 0) return nothing;
  const policy: BackupPolicy = { metadata, spec };
  const wanted = [
    ...runKinds.flatMap((kind) => runCronJob(policy, kind, settings) ?? []),
    ...[verifyCronJob(policy, serverOf(observed), settings)].filter((cronJob) => cronJob !== undefined),
  ];
  const names = new Set(wanted.map(({ metadata: { name } }) => name));
  const own = observed.cronJobs.filter((cronJob) => isOwn(cronJob, metadata.uid));
  return {
    claim: claimOf(policy, observed),
    cronJobs: wanted.map((desired) => ({
      desired,
      observed: own.find(({ name }) => name === desired.metadata.name)?.object,
    })),
    remove: cronJobsToRemove(observed, names),
  };
};
