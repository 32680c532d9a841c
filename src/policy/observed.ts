import type { DeepReadonly } from '../base/types.ts';
import type { RequestView } from '../restore/views.ts';
import type { ClaimView, CronJobView, JobView, PodView, PolicyView } from './views.ts';

/** Everything a reconcile of one policy looks at: taken from the caches at one moment, never changed. */
export type Observed = DeepReadonly<{
  policy: PolicyView;
  claims: ClaimView[];
  cronJobs: CronJobView[];
  jobs: JobView[];
  pods: PodView[];
  /** The requests that name the policy. */
  restores?: readonly RequestView[];
}>;

/**
 * The Jobs that the policy's own CronJobs started, and those that the operator made for it to prune. A Job that merely carries the label
 * proves nothing; nor does one of another kind that names the policy as its owner.
 */
export const ownJobs = ({ policy, cronJobs, jobs }: Observed): DeepReadonly<JobView>[] => {
  const uids = new Set(
    cronJobs.filter(({ ownerPolicyUids }) => ownerPolicyUids.includes(policy.metadata.uid)).map(({ uid }) => uid),
  );
  return jobs.filter(({ cronJobUids, ownerPolicyUids, kind }) =>
    kind === 'Prune' ? ownerPolicyUids.includes(policy.metadata.uid) : cronJobUids.some((uid) => uids.has(uid)),
  );
};
