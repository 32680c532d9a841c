import { timestamp } from '../base/times.ts';

/** A condition as in metav1.Condition. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase, never empty: the API server's schema for conditions demands it. */
  readonly reason: string;
  readonly message: string;
  /** RFC 3339: when `status` last changed, and nothing else. */
  readonly lastTransitionTime: string;
  /** The generation of the spec that this was said about. */
  readonly observedGeneration?: number;
}

/** A condition as a planner states it: when it changed is worked out here. */
export type StatedCondition = Omit<Condition, 'lastTransitionTime'>;

/**
 * The conditions with one set: its time moves only when its status changes. Sorted by type, so that the same conditions
 * are always the same list. Pure.
 */
export function setCondition(conditions: readonly Condition[], stated: StatedCondition, now: Date): Condition[] {
  const old = conditions.find(({ type }) => type === stated.type);
  const lastTransitionTime = old?.status === stated.status ? old.lastTransitionTime : timestamp(now);
  const { type, status, reason, message, observedGeneration } = stated;
  const generation = observedGeneration === undefined ? {} : { observedGeneration };
  const others = conditions.filter((condition) => condition.type !== type);
  return sorted([...others, { type, status, reason, message, lastTransitionTime, ...generation }]);
}

/** Conditions as a status has them, read by a schema in which what is missing may be undefined. */
export function storedConditions(
  conditions: readonly (Omit<Condition, 'observedGeneration'> & {
    readonly observedGeneration?: number | undefined;
  })[] = [],
): Condition[] {
  return conditions.map(({ observedGeneration, ...condition }) =>
    observedGeneration === undefined ? condition : { ...condition, observedGeneration },
  );
}

/** All of `stated`, with the times of `old` where the status is the same. Conditions that are not stated are gone. */
export function nextConditions(old: readonly Condition[], stated: readonly StatedCondition[], now: Date): Condition[] {
  const types = new Set(stated.map(({ type }) => type));
  const kept = old.filter(({ type }) => types.has(type));
  return stated.reduce((conditions, condition) => setCondition(conditions, condition, now), sorted(kept));
}

/**
 * The conditions without one. kstatus reads `Reconciling` and `Stalled` by their presence: they are removed when they no
 * longer hold, not set to False.
 */
export function removeCondition(conditions: readonly Condition[], type: string): Condition[] {
  return sorted(conditions.filter((condition) => condition.type !== type));
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

function sorted(conditions: readonly Condition[]): Condition[] {
  return [...conditions].sort((a, b) => (a.type < b.type ? -1 : Number(a.type > b.type)));
}
