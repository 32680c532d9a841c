import type { KubeClient } from '../../src/kube/client.ts';
import { apiOf } from '../cluster/api.ts';
import { startOperatorCluster, type OperatorCluster } from '../support/operator/cluster.ts';
import { createJudge, type Judge } from './harness-check.ts';
import { everyKill, randomKills } from './harness-plan.ts';
import type { Ending } from './harness.ts';
import { chooseSeed, seedVariable } from './random.ts';
import { scenarios } from './scenarios.ts';

// The operator is killed before and after each write of each scenario, and comes back: the end is the same, made by the same creates and
// deletes, and then nothing is written.

const lanes = 4;
const rows = 30;

let cluster: OperatorCluster;
let client: KubeClient;
let judge: Judge;
const counts = { scenarios: 0, writes: 0, kills: 0, came: 0, rows: 0 };

beforeAll(async () => {
  cluster = await startOperatorCluster();
  const { kubeconfig } = cluster.plane;
  client = apiOf(kubeconfig);
  judge = createJudge({ kubeconfig, client }, 'kill', lanes);
}, 180_000);

afterAll(async () => {
  const { scenarios, writes, kills, came, rows } = counts;
  process.stdout.write(
    `kill harness: ${scenarios} scenarios, ${writes} writes x 2, ${kills} kills with those before the change (${came} came), ${rows} rows of kills\n`,
  );
  client?.close();
  await cluster?.stop();
});

/** What the API server's own log says was made and deleted in a namespace. */
const audited = async (mark: number, { namespace }: Ending): Promise<Pick<Ending, 'creates' | 'deletes'>> => {
  const writes = (await cluster.writes(mark)).filter(
    (write) => write.namespace === namespace && !write.what.startsWith('events'),
  );
  const made = writes.filter(({ verb, code }) => verb !== 'delete' && code === 201);
  const deleted = writes.filter(({ verb, code }) => verb === 'delete' && code < 300);
  return {
    // The proxy does not see the name of what is posted.
    creates: made.map(({ verb, what }) => (verb === 'create' ? `POST ${what.split('/')[0]}` : `PATCH ${what}`)).sort(),
    deletes: deleted.map(({ what }) => `DELETE ${what}`).sort(),
  };
};

test.each(scenarios.map((scenario) => ({ scenario, name: scenario.name })))(
  '$name',
  async ({ scenario }) => {
    const mark = await cluster.mark();
    const reference = await judge.referenceOf(scenario);
    scenario.end(reference.state);
    expect(reference.troubles).toEqual([]);
    expect(reference.afterRestart).toEqual([]);

    const kills = everyKill(reference.writes.length);
    const endings = await judge.playAll(kills.map((kill) => ({ scenario, kills: [kill] })));
    for (const ending of [reference, ...endings]) {
      expect(await audited(mark, ending)).toEqual({ creates: ending.creates, deletes: ending.deletes });
    }
    process.stdout.write(`${scenario.name}: ${reference.writes.length} writes, ${kills.length} kills\n`);
    counts.scenarios += 1;
    counts.writes += reference.writes.length;
    counts.kills += kills.length;
    counts.came += endings.reduce((sum, { killed }) => sum + killed, 0);
  },
  600_000,
);

test('several kills in a row, by chance', async () => {
  const seed = chooseSeed();
  process.stdout.write(`rows of kills: ${seedVariable}=${seed} repeats them\n`);
  const plays = randomKills(scenarios, seed, { count: rows, most: 4, write: 5 });
  const endings = await judge.playAll(plays);
  expect(endings).toHaveLength(plays.length);
  counts.rows += endings.length;
}, 600_000);
