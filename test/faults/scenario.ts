import { setTimeout as wait } from 'node:timers/promises';
import { isRecord } from '../../src/kube/types.ts';
import { resources } from '../../src/policy/resources.ts';
import { conditionOf } from '../support/operator/cluster.ts';
import { runOf, startRun, succeed } from './scenarios-runs.ts';
import type { Stage } from './stage.ts';

/** One step of a scenario: what the world does, and what it then waits for. */
export interface Step {
  readonly name: string;
  readonly act: (stage: Stage) => Promise<void>;
  /** Whether the operator has done its part, as far as the next step needs it. */
  readonly done: (stage: Stage) => Promise<boolean>;
}

const run = runOf('Full', '2020-01-05T02:00:00Z');

/** Whether the policy is Ready for its newest generation, and `also` holds. */
const isReady = async (
  stage: Stage,
  also: (status: Record<string, unknown>) => boolean = () => true,
): Promise<boolean> => {
  const policy = await stage.get(resources.policy, 'agama');
  const ready = conditionOf(policy, 'Ready');
  if (ready?.['status'] !== 'True' || ready['observedGeneration'] !== policy.metadata.generation) return false;
  return isRecord(policy['status']) && also(policy['status']);
};

const knowsRun = ({ lastRuns }: Record<string, unknown>): boolean =>
  JSON.stringify(lastRuns ?? []).includes(run.jobName);

const runOnce = async (stage: Stage): Promise<void> => {
  await startRun(stage, run);
  // Runs last longer than a watch needs to show that they have begun.
  await wait(300);
  await succeed(stage, run);
};

/** A policy is created, changed (a CronJob that changes, one that goes, two that stay), and a run of it is recorded. */
export const policyScenario: readonly Step[] = [
  { name: 'the policy is created', act: (stage) => stage.policy(), done: (stage) => isReady(stage) },
  {
    name: 'the policy is changed',
    act: (stage) => stage.policy({ spec: { schedule: { full: '35 1 * * 0', incremental: undefined } } }),
    done: (stage) => isReady(stage),
  },
  { name: 'a full is run', act: runOnce, done: (stage) => isReady(stage, knowsRun) },
];
