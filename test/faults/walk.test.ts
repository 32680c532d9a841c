import { isDeepStrictEqual } from 'node:util';
import { backupPolicySpec } from '../../src/api/v1alpha1/backuppolicy.ts';
import { isRecord } from '../../src/kube/types.ts';
import { resources } from '../../src/policy/resources.ts';
import { apiOf } from '../cluster/api.ts';
import { eventually, startOperatorCluster, type OperatorCluster } from '../support/operator/cluster.ts';
import { policyManifest } from '../support/operator/policies.ts';
import { createVictim, type Victim } from './harness-operator.ts';
import { inParallel } from '../support/parallel.ts';
import { createStage, type Stage } from './stage.ts';
import { runOf, startRun, succeed } from './scenarios-runs.ts';
import { leavesOf, valueAt } from './walk-leaves.ts';
import { samples } from './walk-samples.ts';
import { madeOf, settle, step, type Made } from './walk.ts';

// Every field of a policy's spec is changed and changed back. Each change shows, in what the operator makes or by a name in Stalled; each
// way back leads to where the walk began; and once the operator has settled it writes nothing more.

const leaves = leavesOf(backupPolicySpec);
const laneCount = 10;
const run = runOf('Full', '2020-01-05T02:00:00Z');

describe('the samples', () => {
  test('every field has one: a new field cannot be forgotten', () => {
    expect(Object.keys(samples).sort()).toEqual([...leaves].sort());
  });

  test.each(leaves)('%s: changes the field, to a value that the schema takes', (leaf) => {
    const before = backupPolicySpec.parse(policyManifest().spec);
    const after = backupPolicySpec.parse(policyManifest({ spec: samples[leaf] ?? {} }).spec);
    expect(valueAt(after, leaf)).not.toEqual(valueAt(before, leaf));
  });
});

/** Whether a field that is not available, or a block that it is in, is named; other problems have words of their own. */
const isNamed = (leaf: string, { reason, message }: Record<string, unknown>): boolean => {
  const parts = leaf.replaceAll('[]', '').split('.');
  const names = parts.map((_, last) => `spec.${parts.slice(0, last + 1).join('.')}`);
  return reason !== 'FieldNotAvailable' || names.some((name) => String(message).includes(name));
};

interface Walked {
  readonly leaf: string;
  readonly namespace: string;
  readonly start: Made;
  readonly there: Awaited<ReturnType<typeof step>>;
  readonly back: Awaited<ReturnType<typeof step>>;
}

/** What a policy says of its restores is read when one is asked for, and changes nothing before (unit/policy/problems sees its effect). */
const isOfRequests = (leaf: string): boolean => leaf === 'deadlines.restore' || leaf.startsWith('restore.');

describe('the walk', () => {
  let cluster: OperatorCluster;
  let victim: Victim;
  let walked: readonly Walked[] = [];
  let restart: readonly string[] = [];

  const begin = async (stage: Stage): Promise<Made> => {
    await stage.policy();
    await settle(victim, stage);
    // What is promised about how long a backup takes shows once there is one.
    await startRun(stage, run);
    await succeed(stage, run);
    await eventually('the run is known', async () => {
      const { status } = await stage.get(resources.policy, 'agama');
      return isRecord(status) && status['lastRuns'] !== undefined;
    });
    await settle(victim, stage);
    return madeOf(stage);
  };

  beforeAll(async () => {
    cluster = await startOperatorCluster();
    const { kubeconfig } = cluster.plane;
    const client = apiOf(kubeconfig);
    const names = Array.from({ length: laneCount }, (_, index) => `walk-${index}`);
    const stages = await Promise.all(names.map((name) => createStage(client, name)));
    victim = await createVictim(kubeconfig, names.join(','));
    await victim.start();
    const lanes = await Promise.all(stages.map(async (stage) => ({ stage, start: await begin(stage) })));
    walked = await inParallel(leaves, laneCount, async (leaf) => {
      const lane = lanes.pop();
      if (lane === undefined) throw new Error('more steps at a time than lanes');
      const there = await step(victim, lane.stage, samples[leaf] ?? {});
      const back = await step(victim, lane.stage, {});
      lanes.push(lane);
      return { leaf, namespace: lane.stage.namespace, start: lane.start, there, back };
    });
    await victim.quiet(2000);
    const done = victim.writes().length;
    await victim.kill();
    await victim.start();
    await victim.quiet(2000);
    restart = victim
      .writes()
      .slice(done)
      .map(({ what }) => what);
    client.close();
  }, 600_000);

  afterAll(async () => {
    process.stdout.write(`walk: ${leaves.length} fields, ${walked.length * 2} steps\n`);
    await victim?.stop();
    await cluster?.stop();
  });

  test.each(leaves.map((leaf, index) => ({ leaf, index })))('$leaf: there and back', ({ leaf, index }) => {
    const { start, there, back } = walked[index] as Walked;
    const { stalled, objects } = there.made;
    expect([leaf, isDeepStrictEqual(there.made, start)]).toEqual([leaf, isOfRequests(leaf)]);
    expect([leaf, stalled === undefined ? start.objects : objects]).toEqual([leaf, start.objects]);
    expect(stalled === undefined || isNamed(leaf, stalled)).toBe(true);
    expect(back.made).toEqual(start);
    expect([...there.late, ...back.late]).toEqual([]);
  });

  test('an operator started again writes nothing', async () => {
    expect(restart).toEqual([]);
    expect(await victim.troubles()).toEqual([]);
  });
});
