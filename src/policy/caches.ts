import type { DeepReadonly } from '../base/types.ts';
import type { RequestView } from '../restore/views.ts';
import type { Cache } from './cache.ts';
import type { Observed } from './observed.ts';
import type { ClaimView, CronJobView, JobView, PodView, PolicyView } from './views.ts';

/** The caches of everything the controller looks at. */
export interface Caches {
  policies: Cache<PolicyView>;
  claims: Cache<ClaimView>;
  cronJobs: Cache<CronJobView>;
  jobs: Cache<JobView>;
  pods: Cache<PodView>;
  /** The requests that name a policy, by its key. */
  restores?: { ofPolicy(policyKey: string): readonly DeepReadonly<RequestView>[] };
}

/** What is known about one policy; undefined when it is gone. */
export const observe = (caches: Caches, key: string): Observed | undefined => {
  const [policy] = caches.policies.ofPolicy(key);
  if (policy === undefined) return undefined;
  return {
    policy,
    claims: caches.claims.ofPolicy(key),
    cronJobs: caches.cronJobs.ofPolicy(key),
    jobs: caches.jobs.ofPolicy(key),
    pods: caches.pods.ofPolicy(key),
    restores: caches.restores?.ofPolicy(key) ?? [],
  };
};
