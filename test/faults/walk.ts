import { setTimeout as wait } from 'node:timers/promises';
import { isRecord, type KubeObject } from '../../src/kube/types.ts';
import { resources } from '../../src/policy/resources.ts';
import { conditionOf, eventually } from '../support/operator/cluster.ts';
import type { Json } from '../support/operator/policies.ts';
import type { Victim } from './harness-operator.ts';
import { isEvent } from './harness.ts';
import type { Stage } from './stage.ts';

/** What the operator made of a policy; without what counts changes, since a walk makes many. */
export interface Made {
  /** The condition Stalled, when there is one. */
  readonly stalled: Record<string, unknown> | undefined;
  readonly status: unknown;
  /** CronJobs, claims, the Job of a run: all but the policy, and Jobs that prune, which are made once and stay. */
  readonly objects: Readonly<Record<string, unknown>>;
}

/** Longer than from an event to its answer on a busy machine; and how long nothing may be written after it. */
const settleMs = 1200;
const watchMs = 1500;
const counting = new Set(['generation', 'observedGeneration']);

const withoutCounts = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutCounts);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => (counting.has(name) ? [] : [[name, withoutCounts(inner)]])),
  );
};

const isPrune = (key: string): boolean => /^(Job\/)?agama-prune-/.test(key);

/** Takes the Jobs away that a retention that was tried has made, as their end would. */
const clearPrunes = async (stage: Stage): Promise<void> => {
  for (const { metadata } of await stage.list(resources.job))
    if (isPrune(metadata.name)) await stage.remove(resources.job, metadata.name);
};

/** What the operator has made of the policy `agama` of a stage. */
export const madeOf = async (stage: Stage): Promise<Made> => {
  const { objects } = await stage.state();
  const { 'BackupPolicy/agama': policy, ...others } = objects;
  const stalled = conditionOf(policy as KubeObject, 'Stalled');
  const { status } = policy as KubeObject;
  return {
    stalled: withoutCounts(stalled) as Made['stalled'],
    status: withoutCounts(status),
    objects: withoutCounts(
      Object.fromEntries(Object.entries(others).filter(([key]) => !isPrune(key))),
    ) as Made['objects'],
  };
};

// Events are written one after the other for all policies: those of many lanes come late, and nothing waits for them.
const writesOf = (victim: Victim, { namespace }: Stage) =>
  victim.writes().filter((write) => write.namespace === namespace && !isEvent(write));

/** Waits until the operator has answered the newest spec and written no more for a while. */
export const settle = async (victim: Victim, stage: Stage): Promise<void> => {
  await eventually(
    `${stage.namespace}: the operator has settled`,
    async () => {
      const { metadata, status } = await stage.get(resources.policy, 'agama');
      if (!isRecord(status) || status['observedGeneration'] !== metadata.generation) return false;
      const newest = Math.max(0, ...writesOf(victim, stage).map(({ atMs }) => atMs));
      return Date.now() - newest >= settleMs;
    },
    45_000,
  );
};

/** A step of the walk: what was made of the changed spec, and what was written after it had settled. */
export const step = async (
  victim: Victim,
  stage: Stage,
  spec: Json,
): Promise<{ made: Made; late: readonly string[] }> => {
  await stage.policy({ spec });
  await settle(victim, stage);
  if (spec['retention'] === undefined) await clearPrunes(stage);
  await settle(victim, stage);
  const settled = writesOf(victim, stage).length;
  const made = await madeOf(stage);
  await wait(watchMs);
  const late = writesOf(victim, stage).slice(settled);
  return { made, late: late.map(({ what, upstreamStatus }) => `${what}: ${upstreamStatus}`) };
};
