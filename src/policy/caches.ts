import type { Store } from '../kube/store.ts';
import type { Observed } from './observed.ts';
import type { ClaimView, CronJobView, JobView, PodView, PolicyView } from './views.ts';

/** The caches of everything the controller looks at; the ones beside the policies have the index `policy` (namespace/name). */
export interface Caches {
  policies: Store<PolicyView>;
  claims: Store<ClaimView>;
  cronJobs: Store<CronJobView>;
  jobs: Store<JobView>;
  pods: Store<PodView>;
}

/** What is known about one policy; undefined when it is gone. */
export const observe = (caches: Caches, key: string): Observed | undefined => {
  const policy = caches.policies.getByKey(key);
  if (policy === undefined) return undefined;
  return {
    policy,
    claims: caches.claims.byIndex('policy', key),
    cronJobs: caches.cronJobs.byIndex('policy', key),
    jobs: caches.jobs.byIndex('policy', key),
    pods: caches.pods.byIndex('policy', key),
  };
};
