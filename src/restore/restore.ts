import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { createController, type Controller } from '../kube/controller.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Logger } from '../kube/logger.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import { nameOf } from '../kube/types.ts';
import type { Caches } from '../policy/caches.ts';
import { resources } from '../policy/resources.ts';
import type { HeldWatches } from '../quiesce/watches.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';
import { createRestoreReconciler } from './reconcile.ts';
import type { RestoreReconcilerOptions } from './turn.ts';
import type { RestoreWatches } from './watches.ts';

export interface RestoreOptions {
  client: KubeClient;
  logger: Logger;
  metrics: KubeMetrics;
  events: EventRecorder;
  clock: Clock;
  settings: WorkloadSettings;
  confirm: RestoreReconcilerOptions['confirm'];
  /** The namespaces that are watched; one without a namespace is the whole cluster. */
  scopes: readonly {
    namespace?: string;
    caches: Caches;
    watches: RestoreWatches;
    held: HeldWatches | undefined;
  }[];
}

/** The controller of RestoreRequests. */
export const createRestore = ({ scopes, logger, metrics, ...options }: RestoreOptions): Controller => {
  const scopeOf = (key: string) =>
    scopes.find(({ namespace }) => namespace === undefined || namespace === nameOf(key).namespace);
  const controller = createController({
    name: 'restorerequest',
    kind: resources.restoreRequest.kind,
    // One at a time: which of two requests for one policy comes first is decided once.
    workers: 1,
    reconcile: createRestoreReconciler({ ...options, scopeOf }),
    // Workloads that are down wait for this: not for minutes after a failure.
    backoffCapMs: 15_000,
    logger,
    metrics,
  });
  for (const { watches, caches } of scopes) watches.attach(controller, caches);
  return controller;
};
