import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../kube/logger.ts';
import { getObject } from '../kube/objects.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Caches } from '../policy/caches.ts';
import { resources } from '../policy/resources.ts';
import { podView } from '../policy/views.ts';
import { lookAt } from './look.ts';
import { nextGate, planHold, refusal, type Asker, type Change, type Found } from './plan.ts';
import type { Workload, WorkloadKind } from './workload.ts';
import { workloadOf, writeChange, writeGate } from './write.ts';

/** What one pass over the workloads of a policy works with. */
export interface Pass {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly caches: Pick<Caches, 'pods'>;
  /** A time before anything was looked at. */
  readonly now: Date;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Takes in what the server answered to a write of a workload. */
  remember(kind: WorkloadKind, raw: KubeObject): void;
  /** Tells people, on the resource for which it is done, while there is one. */
  tell(reason: string, message: string): void;
}

const whatFor = { dump: 'a dump', swap: 'a restore' } as const satisfies Record<Asker['container'], string>;

/** Writes who holds a workload, and stops or puts it back. */
export const writeHold = async (
  { client, remember, signal, logger, tell }: Pass,
  workload: Workload,
  change: Change,
  asker?: Asker,
): Promise<Workload> => {
  const { kind, name, replicas } = workload;
  const answer = await writeChange({ client, signal }, workload, change);
  remember(kind, answer);
  const { hold } = change;
  logger.info({ workload: kind, object: name, replicas, change }, hold === undefined ? 'let go' : 'held');
  if (change.replicas === 0)
    tell(
      'WorkloadStopped',
      `${kind} ${name} is stopped for ${whatFor[asker?.container ?? 'dump']}; it had ${replicas}.`,
    );
  if (hold === undefined) {
    const how =
      change.replicas === undefined ? `left at ${replicas}, as somebody else set it` : `put back to ${change.replicas}`;
    tell('WorkloadReleased', `${kind} ${name} is ${how}.`);
  }
  return workloadOf(workload, answer);
};

const isStillAsking = async ({ client, namespace, signal }: Pass, { pod, uid, container }: Asker): Promise<boolean> => {
  const raw = await getObject(client, resources.pod, { namespace, name: pod }, { signal });
  const waiting = raw === undefined ? undefined : podView(raw).containers.find(({ name }) => name === container);
  return (
    raw?.metadata.uid === uid && raw.metadata.deletionTimestamp === undefined && waiting?.runningSince !== undefined
  );
};

/** Stops the workloads of one asker, and tells its pod when they are down, that they stay so, or why not. */
export const serveAsker = async (pass: Pass, asker: Asker): Promise<void> => {
  const { client, namespace, caches, now, signal } = pass;
  const scope = { client, namespace, signal };
  const found: Found[] = [];
  for (const wanted of asker.workloads) found.push(await lookAt(scope, wanted));
  // All or none: nothing is stopped for what will not be done. One that was told that all are down has them held already.
  if (asker.gate === undefined && found.every((each) => refusal(each) === undefined)) {
    const changes = found.map(({ workload }) => (workload === undefined ? undefined : planHold(workload, asker, now)));
    if (changes.some((change) => change !== undefined) && !(await isStillAsking(pass, asker))) return;
    for (const [index, change] of changes.entries()) {
      const each = found[index];
      if (change === undefined || each?.workload === undefined) continue;
      found[index] = { ...each, workload: await writeHold(pass, each.workload, change, asker) };
    }
  }
  const gate = nextGate(asker, found, now);
  if (gate === undefined) return;
  const answer = await writeGate({ client, signal }, { namespace, asker, gate });
  if (answer !== undefined) caches.pods.remember(answer, { silent: gate.state === 'Held' });
  if (gate.state === 'Refused')
    pass.logger.warn({ pod: asker.pod, why: gate.message }, 'the pod is refused its workloads');
};
