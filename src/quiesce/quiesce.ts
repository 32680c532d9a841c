import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { createController, type Controller } from '../kube/controller.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Logger } from '../kube/logger.ts';
import type { AnyReflector } from '../kube/manager.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import type { Places } from '../kube/places.ts';
import type { ReflectorTuning } from '../kube/reflector.ts';
import { nameOf } from '../kube/types.ts';
import type { Caches } from '../policy/caches.ts';
import { resources } from '../policy/resources.ts';
import { createQuiesceReconciler } from './reconcile.ts';
import { createHeldWatches, type HeldWatches } from './watches.ts';

export interface QuiesceOptions {
  client: KubeClient;
  logger: Logger;
  metrics: KubeMetrics;
  events: EventRecorder;
  clock: Clock;
  lists: Places;
  tuning?: Partial<ReflectorTuning>;
  /** The namespaces that are watched, each with what is known of its policies; one without a namespace is the whole cluster. */
  scopes: readonly { namespace?: string; caches: Caches }[];
}

/** Its controller, and its watches of what is held, for each of the namespaces that are watched. */
export interface Quiesce {
  controller: Controller;
  reflectors: AnyReflector[];
  held: readonly HeldWatches[];
}

/** What stops workloads for dumps, and puts them back, also those of restores. */
export const createQuiesce = ({ scopes, events, clock, ...common }: QuiesceOptions): Quiesce => {
  const { client, logger, metrics } = common;
  const watched = scopes.map(({ namespace, caches }) => ({
    namespace,
    caches,
    held: createHeldWatches({ ...common, ...(namespace === undefined ? {} : { namespace }) }),
  }));
  const scopeOf = (key: string) =>
    watched.find(({ namespace }) => namespace === undefined || namespace === nameOf(key).namespace);
  const controller = createController({
    name: 'quiesce',
    kind: resources.policy.kind,
    reconcile: createQuiesceReconciler({ client, scopeOf, events, clock }),
    // A workload that is down waits for this: not for minutes after a failure.
    backoffCapMs: 15_000,
    logger,
    metrics,
  });
  for (const { held, caches } of watched) held.attach(controller, caches);
  return {
    controller,
    reflectors: watched.flatMap(({ held }) => held.reflectors),
    held: watched.map(({ held }) => held),
  };
};
