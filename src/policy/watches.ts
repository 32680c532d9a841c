import type { KubeClient } from '../kube/client.ts';
import type { Controller } from '../kube/controller.ts';
import type { Logger } from '../kube/logger.ts';
import type { AnyReflector } from '../kube/manager.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import { keysOfEvent, type ObjectEvent, type ReflectorTuning } from '../kube/reflector.ts';
import { createPlaces, type Places } from '../kube/places.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import { managedSelector } from '../workloads/labels.ts';
import { byPolicy, createCache, type Cache } from './cache.ts';
import type { Caches } from './caches.ts';
import { resources } from './resources.ts';
import { claimView, cronJobView, jobView, podView, policyView } from './views.ts';

interface WatchOptions {
  client: KubeClient;
  logger: Logger;
  metrics: KubeMetrics;
  /** Left out: the whole cluster. */
  namespace?: string;
  /** Times of the reflectors, where the usual ones will not do. */
  tuning?: Partial<ReflectorTuning>;
  /** Lists take turns, also those of several namespaces. */
  lists?: Places;
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

const policiesOf = (event: ObjectEvent<Member>): readonly string[] => keysOfEvent(event, byPolicy);

export const createWatches = ({
  client,
  logger,
  metrics,
  namespace,
  tuning = {},
  lists = createPlaces(1),
}: WatchOptions): Watches => {
  const scope = { client, logger, metrics, tuning, lists, ...(namespace === undefined ? {} : { namespace }) };
  const members = <T extends Member>(type: ResourceType, view: (raw: KubeObject) => T): Cache<T> =>
    createCache<T>({ ...scope, type, view, labelSelector: managedSelector });

  const caches: Caches = {
    policies: createCache({ ...scope, type: resources.policy, view: policyView }),
    claims: members(resources.claim, claimView),
    cronJobs: members(resources.cronJob, cronJobView),
    jobs: members(resources.job, jobView),
    pods: members(resources.pod, podView),
  };
  const { policies, claims, cronJobs, jobs, pods } = caches;

  return {
    caches,
    reflectors: [policies, claims, cronJobs, jobs, pods].map(({ reflector }) => reflector),
    attach(controller) {
      controller.watch(policies.reflector);
      controller.watch(claims.reflector, policiesOf);
      controller.watch(cronJobs.reflector, policiesOf);
      controller.watch(jobs.reflector, policiesOf);
      controller.watch(pods.reflector, policiesOf);
    },
  };
};
