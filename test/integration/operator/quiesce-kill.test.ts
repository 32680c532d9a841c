import { setTimeout as wait } from 'node:timers/promises';
import { createVictim, describeKill, type Kill } from '../../faults/harness-operator.ts';
import { conditionOf, eventually, startOperatorCluster, type OperatorCluster } from '../../support/operator/cluster.ts';
import { inParallel } from '../../support/parallel.ts';
import { application, createPlay, free, quiesceEnvironment } from '../../support/operator/workloads.ts';

// The operator is killed before or after each write that stopping two workloads, saying so and putting them back takes; then another one
// comes. Whatever was written by then, the workloads end as they began, and the dump was told nothing that was not so.

let cluster: OperatorCluster;

beforeAll(async () => {
  cluster = await startOperatorCluster({ controllerManager: true });
}, 180_000);

afterAll(() => cluster?.stop());

const workloads = [
  { kind: 'Deployment', name: 'shop' },
  { kind: 'CronJob', name: 'nightly' },
] as const;

/** Writes of a dump from its start on, as many as a play without a kill has: two holds, a word to the pod, two Events, … */
const writes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const kills = writes.flatMap((write): Kill[] => [
  { side: 'before', write },
  { side: 'after', write },
]);

/** Waits for something that may also not come. */
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  const endMs = Date.now() + 30_000;
  while (!(await holds()) && Date.now() < endMs) await wait(100);
};

const play = async (kill: Kill): Promise<boolean> => {
  const namespace = `kill-${kill.side}-${kill.write}`;
  await cluster.namespace(namespace);
  await cluster.apply(...workloads.map(({ kind, name }) => application(kind, { namespace, name, replicas: 1 })));
  const victim = await createVictim(cluster.plane.kubeconfig, namespace, quiesceEnvironment);
  try {
    await victim.start();
    await cluster.policy({ namespace, spec: { quiesce: { workloads } } });
    await eventually('Ready', async () => {
      const found = await cluster.get('bp', 'agama', '--namespace', namespace);
      return conditionOf(found, 'Ready')?.['status'] === 'True';
    });
    await victim.quiet(1000);
    victim.doom(kill);
    const stage = createPlay(cluster, namespace);
    const pod = await stage.run('agama-local-copy', 'dump-1');
    const isDown = async (): Promise<boolean> => {
      if ((await stage.gate(pod))?.state !== 'Held') return false;
      for (const { kind, name } of workloads) expect((await stage.stateOf(kind, name)).replicas).toBe(0);
      return true;
    };
    // Killed on the way there, it is started again; killed later, the dump ends first.
    await until(async () => victim.isKilled() || (await isDown()));
    const killedBefore = victim.isKilled();
    if (killedBefore) await victim.start();
    await eventually('all are down', isDown, 30_000);
    await stage.end(pod, 'dump-1');
    const isBack = async (): Promise<boolean> => {
      const states = await Promise.all(workloads.map(({ kind, name }) => stage.stateOf(kind, name)));
      return states.every((state) => JSON.stringify(state) === JSON.stringify(free(1)));
    };
    await until(async () => (!killedBefore && victim.isKilled()) || (await isBack()));
    if (!killedBefore) await victim.quiet(1500);
    const killed = killedBefore || victim.isKilled();
    if (killed && !killedBefore) await victim.start();
    await eventually('all are back', isBack, 30_000);
    return killed;
  } finally {
    await victim.stop();
  }
};

test('killed at any write, it comes back and ends where it would have ended', async () => {
  const results = await inParallel(kills, 3, async (kill) => {
    try {
      return { kill: describeKill(kill), killed: await play(kill), error: undefined };
    } catch (error) {
      return { kill: describeKill(kill), killed: true, error: String(error) };
    }
  });
  expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
  // Not one of the first six is planned for a write that there is not.
  expect(results.filter(({ killed }) => killed).length).toBeGreaterThanOrEqual(12);
}, 600_000);
