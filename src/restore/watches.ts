import type { DeepReadonly } from '../base/types.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Controller } from '../kube/controller.ts';
import type { Logger } from '../kube/logger.ts';
import type { AnyReflector } from '../kube/manager.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import type { Places } from '../kube/places.ts';
import { createReflector, keysOfEvent, type ReflectorTuning } from '../kube/reflector.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Caches } from '../policy/caches.ts';
import { resources } from '../policy/resources.ts';
import { confirmationView, isFinished, requestView, type ConfirmationView, type RequestView } from './views.ts';

/** The requests and confirmations of one namespace, or of the whole cluster. */
export interface RestoreWatches {
  request(key: string): DeepReadonly<RequestView> | undefined;
  /** Those that name a policy. */
  ofPolicy(policyKey: string): readonly DeepReadonly<RequestView>[];
  /** Whether anybody has confirmed anything of a request: what it says is read anew. */
  hasConfirmations(requestKey: string): boolean;
  /** Takes in what the server answered to a write, which the watch has not told yet. */
  remember(raw: KubeObject, options?: { readonly silent?: boolean }): void;
  reflectors: AnyReflector[];
  /** Lets every change point the controller of requests to the request it concerns. */
  attach(controller: Controller, caches: Caches): void;
  /** Lets every change of a request point the controller of policies to the policies it names. */
  attachPolicies(controller: Controller): void;
}

interface Options {
  client: KubeClient;
  logger: Logger;
  metrics: KubeMetrics;
  namespace?: string;
  tuning?: Partial<ReflectorTuning>;
  lists: Places;
}

const restoreKeys = ({ restoreKey }: { readonly restoreKey?: string }): string[] =>
  restoreKey === undefined ? [] : [restoreKey];

export const createRestoreWatches = (options: Options): RestoreWatches => {
  const requests = createReflector<RequestView>({
    ...options,
    type: resources.restoreRequest,
    project: requestView,
    indexes: { policy: ({ policyKeys }) => policyKeys },
  });
  const byRequest = ({ requestKey }: DeepReadonly<ConfirmationView>): string[] =>
    requestKey === undefined ? [] : [requestKey];
  const confirmations = createReflector<ConfirmationView>({
    ...options,
    type: resources.restoreConfirmation,
    project: confirmationView,
    indexes: { request: byRequest },
  });
  const ofPolicy = (policyKey: string): readonly DeepReadonly<RequestView>[] =>
    requests.store.byIndex('policy', policyKey);
  return {
    request: (key) => requests.store.getByKey(key),
    ofPolicy,
    hasConfirmations: (requestKey) => confirmations.store.byIndex('request', requestKey).length > 0,
    remember: requests.remember,
    reflectors: [requests, confirmations],
    attach(controller, { jobs, pods, policies }) {
      // What one does with the safety copy of another is that one's matter as well.
      controller.watch(requests, (event) => keysOfEvent(event, ({ key, originKey }) => [key, ...originKey]));
      controller.watch(confirmations, (event) => keysOfEvent(event, byRequest));
      controller.watch(jobs.reflector, ({ object }) => restoreKeys(object));
      controller.watch(pods.reflector, ({ object }) => restoreKeys(object));
      controller.watch(policies.reflector, ({ object: { policyKey } }) =>
        policyKey === undefined
          ? []
          : ofPolicy(policyKey).flatMap(({ key, status }) => (isFinished(status) ? [] : [key])),
      );
    },
    attachPolicies(controller) {
      controller.watch(requests, (event) => keysOfEvent(event, ({ policyKeys }) => policyKeys));
    },
  };
};
