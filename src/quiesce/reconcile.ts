import { apiVersion, backupPolicyNames } from '../api/v1alpha1/backuppolicy.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { ReconcileContext, ReconcileResult } from '../kube/controller.ts';
import type { EventRecorder } from '../kube/events.ts';
import { lookingAgain } from '../kube/look-again.ts';
import { getObject } from '../kube/objects.ts';
import { nameOf } from '../kube/types.ts';
import { observe, type Caches } from '../policy/caches.ts';
import { resources } from '../policy/resources.ts';
import { podView } from '../policy/views.ts';
import { askersOf, holderName, isActive } from './askers.ts';
import type { Holder } from './hold.ts';
import { lookAtWorkload } from './look.ts';
import { planRelease, stampMs } from './plan.ts';
import { serveAsker, writeHold, type Pass } from './serve.ts';
import type { HeldWatches } from './watches.ts';

export interface QuiesceReconcilerOptions {
  client: KubeClient;
  /** What is known in the namespace of a policy, by its key. */
  scopeOf: (key: string) => { caches: Caches; held: HeldWatches } | undefined;
  events: EventRecorder;
  clock: Clock;
}

/** How soon a workload that is going down is looked at again. */
const lookAgainMs = 2000;

/**
 * Stops the workloads of one policy while its pods dump, and puts them back: observe → plan → write, nothing kept in memory. Putting back
 * needs no policy: what is held says for which pod, and is let go when that pod no longer dumps.
 */
export const createQuiesceReconciler = ({ client, scopeOf, events, clock }: QuiesceReconcilerOptions) => {
  /** Whether a holder is over by the API server's own word: a cache that is behind must not start what a dump relies on. */
  const isOver = async ({ namespace, now, signal }: Pass, holder: Holder): Promise<boolean> => {
    const raw = await getObject(client, resources.pod, { namespace, name: holder.pod }, { signal });
    return raw === undefined || !isActive(holder, [podView(raw)], now);
  };

  const letGo = async (pass: Pass, held: HeldWatches, key: string): Promise<void> => {
    const { namespace, caches, now, signal } = pass;
    const pods = caches.pods.ofPolicy(key);
    const mine = holderName(nameOf(key).name);
    for (const { kind, name } of held.ofPolicy(key)) {
      const workload = await lookAtWorkload({ client, namespace, signal }, { kind, name });
      if (workload?.hold === undefined || workload.hold === 'Damaged') continue;
      const over = new Set<string>();
      for (const holder of workload.hold.holders) {
        if (holder.for !== mine || isActive(holder, pods, now)) continue;
        if (await isOver(pass, holder)) over.add(holder.uid);
      }
      const change = planRelease(workload, ({ uid }) => !over.has(uid));
      if (change !== undefined) await writeHold(pass, workload, change);
    }
  };

  const reconcile = async ({ key, signal, logger }: ReconcileContext): Promise<ReconcileResult> => {
    const scope = scopeOf(key);
    if (scope === undefined) return {};
    const { caches, held } = scope;
    const now = clock.now();
    const { namespace = '' } = nameOf(key);
    const observed = observe(caches, key);
    const tell = (reason: string, message: string): void => {
      if (observed === undefined) return;
      const { name, uid } = observed.policy.metadata;
      const subject = { apiVersion, kind: backupPolicyNames.kind, namespace, name, uid };
      events.record(subject, { type: 'Normal', reason, message });
    };
    const remember: Pass['remember'] = (kind, raw) => held.remember(kind, raw);
    const pass: Pass = { client, namespace, caches, remember, now, signal, logger, tell };
    await letGo(pass, held, key);
    const askers = (observed === undefined ? [] : askersOf(observed, now)).filter(
      ({ gate }) => gate?.state !== 'Refused',
    );
    for (const asker of askers) await serveAsker(pass, asker);
    if (askers.some(({ gate }) => gate === undefined)) return { requeueAfterMs: lookAgainMs };
    // Also what is held for a pod that no longer asks is let go in time.
    return askers.length > 0 || held.ofPolicy(key).length > 0 ? { requeueAfterMs: stampMs } : {};
  };

  return lookingAgain('a workload has changed meanwhile', reconcile);
};
