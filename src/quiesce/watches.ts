import type { KubeClient } from '../kube/client.ts';
import type { Controller } from '../kube/controller.ts';
import type { Logger } from '../kube/logger.ts';
import type { AnyReflector } from '../kube/manager.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import type { Places } from '../kube/places.ts';
import { createReflector, keysOfEvent, type Reflector, type ReflectorTuning } from '../kube/reflector.ts';
import type { DeepReadonly } from '../base/types.ts';
import type { KubeObject } from '../kube/types.ts';
import { byPolicy } from '../policy/cache.ts';
import type { Caches } from '../policy/caches.ts';
import { heldSelector, holdAnnotation, parseHold } from './hold.ts';
import { workloadTypes, type WorkloadKind, type WorkloadName } from './workload.ts';

/** A workload that is held, as the cache keeps it: who holds it. */
export interface HeldView extends WorkloadName {
  namespace: string;
  /** Keys of the policies that hold it: namespace/name. */
  policyKeys: string[];
}

/** The workloads that are held in one namespace, or in the whole cluster. Only those: the label selects them. */
export interface HeldWatches {
  /** Those that a policy holds, also one that is gone. */
  ofPolicy(policyKey: string): readonly DeepReadonly<HeldView>[];
  /** Takes in what the server answered to a write, which the watch has not told yet. */
  remember(kind: WorkloadKind, raw: KubeObject): void;
  reflectors: AnyReflector[];
  /** Lets every change of a held workload, and of a pod that may hold one, point the controller to its policy. */
  attach(controller: Controller, caches: Caches): void;
}

const heldView =
  (kind: WorkloadKind) =>
  ({ metadata }: KubeObject): HeldView => {
    const hold = parseHold(metadata.annotations?.[holdAnnotation]);
    const namespace = metadata.namespace ?? '';
    const holders = hold === undefined || hold === 'Damaged' ? [] : hold.holders;
    const keys = holders.flatMap((holder) => {
      const [, policy] = /^BackupPolicy\/(.+)$/.exec(holder.for) ?? [];
      return policy === undefined ? [] : [`${namespace}/${policy}`];
    });
    return { kind, name: metadata.name, namespace, policyKeys: [...new Set(keys)] };
  };

interface Options {
  client: KubeClient;
  logger: Logger;
  metrics: KubeMetrics;
  namespace?: string;
  tuning?: Partial<ReflectorTuning>;
  lists: Places;
}

export const createHeldWatches = (options: Options): HeldWatches => {
  const reflectorOf = (kind: WorkloadKind): Reflector<HeldView> =>
    createReflector<HeldView>({
      ...options,
      type: workloadTypes[kind],
      labelSelector: heldSelector,
      project: heldView(kind),
      indexes: { policy: ({ policyKeys }) => policyKeys },
    });
  const byKind = {
    Deployment: reflectorOf('Deployment'),
    StatefulSet: reflectorOf('StatefulSet'),
    CronJob: reflectorOf('CronJob'),
  } satisfies Record<WorkloadKind, Reflector<HeldView>>;
  const all = Object.values(byKind);
  return {
    ofPolicy: (policyKey) => all.flatMap(({ store }) => store.byIndex('policy', policyKey)),
    remember: (kind, raw) => byKind[kind].remember(raw),
    reflectors: all,
    attach(controller, { pods, jobs, policies }) {
      for (const reflector of all)
        controller.watch(reflector, (event) => keysOfEvent(event, ({ policyKeys }) => policyKeys));
      controller.watch(pods.reflector, ({ object }) => byPolicy(object));
      controller.watch(jobs.reflector, ({ object }) => byPolicy(object));
      controller.watch(policies.reflector, ({ object }) => byPolicy(object));
    },
  };
};
