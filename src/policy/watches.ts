import type { KubeClient } from '../kube/client.ts';
import type { Controller } from '../kube/controller.ts';
import type { Logger } from '../kube/logger.ts';
import type { AnyReflector } from '../kube/manager.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import { createReflector, type ObjectEvent, type Reflector, type ReflectorTuning } from '../kube/reflector.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import { managedSelector } from '../workloads/labels.ts';
import type { Caches } from './caches.ts';
import { resources } from './resources.ts';
import { byPolicy, claimView, cronJobView, jobView, podView, policyView } from './views.ts';

interface WatchOptions {
  client: KubeClient;
  logger: Logger;
  metrics: KubeMetrics;
  /** Left out: the whole cluster. */
  namespace?: string;
  /** Times of the reflectors, where the usual ones will not do. */
  tuning?: Partial<ReflectorTuning>;
}

/** The watches of one namespace, or of the whole cluster. */
export interface Watches {
  caches: Caches;
  reflectors: AnyReflector[];
  /** Lets every change point the controller to the policy it concerns. */
  attach(controller: Controller): void;
}

interface Member {
  policyKey: string | undefined;
}

// The old one too: what loses its annotation is missed by the policy that it named.
const policiesOf = (event: ObjectEvent<Member>): string[] => [
  ...new Set([...byPolicy(event.object), ...(event.type === 'modified' ? byPolicy(event.old) : [])]),
];

export const createWatches = ({ client, logger, metrics, namespace, tuning = {} }: WatchOptions): Watches => {
  const scope = { client, logger, metrics, tuning, ...(namespace === undefined ? {} : { namespace }) };
  const members = <T extends Member>(type: ResourceType, project: (raw: KubeObject) => T): Reflector<T> =>
    createReflector<T>({ ...scope, type, project, labelSelector: managedSelector, indexes: { policy: byPolicy } });

  const policies = createReflector({ ...scope, type: resources.policy, project: policyView });
  const claims = members(resources.claim, claimView);
  const cronJobs = members(resources.cronJob, cronJobView);
  const jobs = members(resources.job, jobView);
  const pods = members(resources.pod, podView);

  return {
    caches: {
      policies: policies.store,
      claims: claims.store,
      cronJobs: cronJobs.store,
      jobs: jobs.store,
      pods: pods.store,
    },
    reflectors: [policies, claims, cronJobs, jobs, pods],
    attach(controller) {
      controller.watch(policies);
      controller.watch(claims, policiesOf);
      controller.watch(cronJobs, policiesOf);
      controller.watch(jobs, policiesOf);
      controller.watch(pods, policiesOf);
    },
  };
};
