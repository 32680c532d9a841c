import type { Gate } from '../api/v1alpha1/gate.ts';
import type { Hold, Holder } from './hold.ts';
import type { Workload, WorkloadName } from './workload.ts';

/** Something for which workloads are to be down: the dump or the restore of one pod. */
export interface Asker {
  readonly for: string;
  readonly pod: string;
  readonly uid: string;
  /** The container that waits for it. */
  readonly container: 'dump' | 'swap';
  /** When it lets go at the latest. */
  readonly until: Date;
  readonly workloads: readonly WorkloadName[];
  readonly gate: Gate | undefined;
}

/** A workload as it was found for an asker; `pods` that have not ended, undefined while nobody counted. */
export interface Found {
  readonly wanted: WorkloadName;
  readonly workload: Workload | undefined;
  readonly pods: number | undefined;
}

/** What is written on a workload. */
export interface Change {
  /** Undefined: it is held by nobody any more. */
  readonly hold: Hold | undefined;
  /** Undefined: left as it is. */
  readonly replicas: number | undefined;
}

const nameOf = ({ kind, name }: WorkloadName): string => `${kind} ${name}`;

/** Why a workload cannot be held, before anything is stopped; undefined when it can. */
export const refusal = ({ wanted, workload }: Pick<Found, 'wanted' | 'workload'>): string | undefined => {
  if (workload === undefined) return `There is no ${nameOf(wanted)} in the namespace.`;
  if (workload.ours) return `${nameOf(wanted)} is part of Holdfast, which does not stop itself.`;
  if (workload.hold === 'Damaged') {
    return `${nameOf(wanted)} is marked as held, but what it had before cannot be read: scale it as it should be and remove its annotation holdfast.dev/held.`;
  }
  return undefined;
};

/**
 * How a workload becomes held for an asker: one write that notes what it had and stops it. Undefined when the asker holds it, or cannot.
 * What others who hold it noted stays; the count only where somebody has started it meanwhile, for theirs is the newer word.
 */
export const planHold = (workload: Workload, asker: Asker, now: Date): Change | undefined => {
  const { hold, replicas, scaledByUs, scale } = workload;
  if (hold === 'Damaged' || hold?.holders.some(({ uid }) => uid === asker.uid) === true) return undefined;
  const mustStop = replicas !== 0;
  const stops = (hold?.stops ?? 0) + (mustStop ? 1 : 0);
  const holder: Holder = {
    for: asker.for,
    pod: asker.pod,
    uid: asker.uid,
    since: now.toISOString(),
    until: asker.until.toISOString(),
    stop: mustStop || (hold !== undefined && scaledByUs) ? stops : 0,
    scale: scale.slice(0, 512),
  };
  return {
    hold: { replicas: mustStop ? replicas : (hold?.replicas ?? 0), stops, holders: [...(hold?.holders ?? []), holder] },
    replicas: mustStop ? 0 : undefined,
  };
};

/**
 * How a workload is let go by the holders that are no longer active; undefined when all are. The last one puts it back, unless somebody
 * else has set the number since: then theirs stays.
 */
export const planRelease = (workload: Workload, isActive: (holder: Holder) => boolean): Change | undefined => {
  const { hold, replicas, scaledByUs } = workload;
  if (hold === undefined || hold === 'Damaged') return undefined;
  const holders = hold.holders.filter(isActive);
  if (holders.length === hold.holders.length) return undefined;
  if (holders.length > 0) return { hold: { ...hold, holders }, replicas: undefined };
  const puts = replicas === 0 && hold.replicas !== 0 && scaledByUs;
  return { hold: undefined, replicas: puts ? hold.replicas : undefined };
};

/** A CronJob that was just suspended may still be seen as it was by its controller, which then starts a Job. */
const settleMs = 5000;
/** How often it is said again that the workloads are still down. */
export const stampMs = 5000;

const refused = (message: string): Gate => ({ state: 'Refused', message: message.slice(0, 400) });

/** Why the hold of an asker on a workload is not what it was; undefined when it is. */
const broken = ({ wanted, workload, pods }: Found, holder: Holder | undefined, opened: boolean): string | undefined => {
  if (holder === undefined || workload === undefined) return `${nameOf(wanted)} was let go while it was to be down.`;
  if (workload.replicas !== 0) {
    return `${nameOf(wanted)} was started by somebody else while it was to be down: it has ${workload.replicas} replicas.`;
  }
  const { hold, scaledByUs, scale } = workload;
  const stops = hold === undefined || hold === 'Damaged' ? 0 : hold.stops;
  const isAsItWas = holder.stop === 0 ? scale.slice(0, 512) === holder.scale : scaledByUs && stops === holder.stop;
  if (!isAsItWas) return `${nameOf(wanted)} was started and stopped by somebody else while it was to be down.`;
  if (opened && pods !== 0) return `${nameOf(wanted)} has pods although it has no replicas.`;
  return undefined;
};

/**
 * What the pod of an asker is to be told; undefined when there is nothing new. `Held` only while every workload is held by this asker
 * without a break since it was first said, and has no pods. Once refused, it stays so.
 * @param now a time before the workloads were looked at
 */
export const nextGate = (asker: Asker, found: readonly Found[], now: Date): Gate | undefined => {
  const { gate } = asker;
  if (gate?.state === 'Refused') return undefined;
  for (const each of found) {
    const why = refusal(each);
    if (why !== undefined) return refused(why);
  }
  const holders = found.map(({ workload }) => {
    const hold = workload?.hold === 'Damaged' ? undefined : workload?.hold;
    return hold?.holders.find(({ uid }) => uid === asker.uid);
  });
  for (const [index, each] of found.entries()) {
    const why = broken(each, holders[index], gate !== undefined);
    if (why !== undefined) return refused(why);
  }
  const heldSince = Math.max(...holders.map((holder) => Date.parse(holder?.since ?? '')));
  if (gate !== undefined) {
    // Let go and held again in between: the dump that began before does not count.
    if (!(heldSince <= Date.parse(gate.since)))
      return refused('A workload was let go and stopped again while it was to be down.');
    return now.getTime() - Date.parse(gate.asOf) < stampMs ? undefined : { ...gate, asOf: now.toISOString() };
  }
  const still = found.every(({ workload, pods }) => workload?.observed === true && pods === 0);
  if (!still || !(now.getTime() - heldSince >= settleMs)) return undefined;
  return { state: 'Held', since: now.toISOString(), asOf: now.toISOString() };
};
