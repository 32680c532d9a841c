import { apiVersion, backupPolicyNames } from '../api/v1alpha1/backuppolicy.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { ReconcileContext, ReconcileResult } from '../kube/controller.ts';
import { isConflict } from '../kube/errors.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Logger } from '../kube/logger.ts';
import { getObject } from '../kube/objects.ts';
import { nameOf } from '../kube/types.ts';
import { observe, type Caches } from '../policy/caches.ts';
import { resources } from '../policy/resources.ts';
import { podView } from '../policy/views.ts';
import { askersOf, holderName, isActive } from './askers.ts';
import type { Holder } from './hold.ts';
import { lookAt, lookAtWorkload } from './look.ts';
import { nextGate, planHold, planRelease, refusal, stampMs, type Asker, type Change, type Found } from './plan.ts';
import type { HeldWatches } from './watches.ts';
import { workloadOf, writeChange, writeGate } from './write.ts';
import type { Workload } from './workload.ts';

export interface QuiesceReconcilerOptions {
  client: KubeClient;
  /** What is known in the namespace of a policy, by its key. */
  scopeOf: (key: string) => { caches: Caches; held: HeldWatches } | undefined;
  events: EventRecorder;
  clock: Clock;
}

/** How soon a workload that is going down is looked at again. */
const lookAgainMs = 2000;

interface Pass {
  readonly namespace: string;
  readonly caches: Caches;
  readonly held: HeldWatches;
  readonly now: Date;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Tells people, on the policy, while there is one. */
  tell(reason: string, message: string): void;
}

/**
 * Stops the workloads of one policy while its pods dump, and puts them back: observe → plan → write, nothing kept in memory. Putting back
 * needs no policy: what is held says for which pod, and is let go when that pod no longer dumps.
 */
export const createQuiesceReconciler = ({ client, scopeOf, events, clock }: QuiesceReconcilerOptions) => {
  const write = async ({ held, signal, logger, tell }: Pass, workload: Workload, change: Change): Promise<Workload> => {
    const { kind, name, replicas } = workload;
    const answer = await writeChange({ client, signal }, workload, change);
    held.remember(kind, answer);
    const { hold } = change;
    logger.info({ workload: kind, object: name, replicas, change }, hold === undefined ? 'let go' : 'held');
    if (change.replicas === 0) tell('WorkloadStopped', `${kind} ${name} is stopped for a dump; it had ${replicas}.`);
    if (hold === undefined) {
      const how =
        change.replicas === undefined
          ? `left at ${replicas}, as somebody else set it`
          : `put back to ${change.replicas}`;
      tell('WorkloadReleased', `${kind} ${name} is ${how}.`);
    }
    return workloadOf(workload, answer);
  };

  /** Whether a holder is over by the API server's own word: a cache that is behind must not start what a dump relies on. */
  const isOver = async ({ namespace, now, signal }: Pass, holder: Holder): Promise<boolean> => {
    const raw = await getObject(client, resources.pod, { namespace, name: holder.pod }, { signal });
    return raw === undefined || !isActive(holder, [podView(raw)], now);
  };

  const letGo = async (pass: Pass, key: string): Promise<void> => {
    const { namespace, caches, held, now, signal } = pass;
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
      if (change !== undefined) await write(pass, workload, change);
    }
  };

  const isStillAsking = async ({ namespace, signal }: Pass, { pod, uid }: Asker): Promise<boolean> => {
    const raw = await getObject(client, resources.pod, { namespace, name: pod }, { signal });
    const dump = raw === undefined ? undefined : podView(raw).containers.find(({ name }) => name === 'dump');
    return (
      raw?.metadata.uid === uid && raw.metadata.deletionTimestamp === undefined && dump?.runningSince !== undefined
    );
  };

  const serve = async (pass: Pass, asker: Asker): Promise<void> => {
    const { namespace, caches, now, signal } = pass;
    const scope = { client, namespace, signal };
    const found: Found[] = [];
    for (const wanted of asker.workloads) found.push(await lookAt(scope, wanted));
    // All or none: nothing is stopped for a dump that will not be made. One that was told that all are down has them held already.
    if (asker.gate === undefined && found.every((each) => refusal(each) === undefined)) {
      const changes = found.map(({ workload }) =>
        workload === undefined ? undefined : planHold(workload, asker, now),
      );
      if (changes.some((change) => change !== undefined) && !(await isStillAsking(pass, asker))) return;
      for (const [index, change] of changes.entries()) {
        const each = found[index];
        if (change === undefined || each?.workload === undefined) continue;
        found[index] = { ...each, workload: await write(pass, each.workload, change) };
      }
    }
    const gate = nextGate(asker, found, now);
    if (gate === undefined) return;
    const answer = await writeGate({ client, signal }, { namespace, asker, gate });
    if (answer !== undefined) caches.pods.remember(answer, { silent: gate.state === 'Held' });
    if (gate.state === 'Refused') pass.logger.warn({ pod: asker.pod, why: gate.message }, 'the dump is refused');
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
    const pass: Pass = { namespace, caches, held, now, signal, logger, tell };
    await letGo(pass, key);
    const askers = (observed === undefined ? [] : askersOf(observed, now)).filter(
      ({ gate }) => gate?.state !== 'Refused',
    );
    for (const asker of askers) await serve(pass, asker);
    if (askers.some(({ gate }) => gate === undefined)) return { requeueAfterMs: lookAgainMs };
    // Also what is held for a pod that no longer asks is let go in time.
    return askers.length > 0 || held.ofPolicy(key).length > 0 ? { requeueAfterMs: stampMs } : {};
  };

  return async (context: ReconcileContext): Promise<ReconcileResult> => {
    try {
      return await reconcile(context);
    } catch (error) {
      if (!isConflict(error)) throw error;
      context.logger.debug({ err: error }, 'a workload has changed meanwhile: looking again');
      return { lookAgain: true };
    }
  };
};
