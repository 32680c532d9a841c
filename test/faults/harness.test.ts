import type { KubeClient } from '../../src/kube/client.ts';
import { apiOf } from '../cluster/api.ts';
import { startOperatorCluster, type OperatorCluster } from '../support/operator/cluster.ts';
import { createJudge, type Judge } from './harness-check.ts';
import { randomKills } from './harness-plan.ts';
import { killEverywhere, newTally, tallyWords } from './harness-suite.ts';
import { chooseSeed, seedVariable } from './random.ts';
import { scenarios } from './scenarios.ts';

// The operator is killed before and after each write of each scenario, and comes back: the end is the same, made by the same creates and
// deletes, and then nothing is written.

const lanes = 4;
const rows = 30;

let cluster: OperatorCluster;
let client: KubeClient;
let judge: Judge;
let rowsPlayed = 0;
const tally = newTally();

beforeAll(async () => {
  cluster = await startOperatorCluster();
  const { kubeconfig } = cluster.plane;
  client = apiOf(kubeconfig);
  judge = createJudge({ kubeconfig, client }, 'kill', lanes);
}, 180_000);

afterAll(async () => {
  process.stdout.write(`kill harness: ${tallyWords(tally)}, ${rowsPlayed} rows of kills\n`);
  client?.close();
  await cluster?.stop();
});

test.each(scenarios.map((scenario) => ({ scenario, name: scenario.name })))(
  '$name',
  async ({ scenario }) => {
    const { came, writes } = await killEverywhere({ cluster, judge, tally }, scenario);
    expect(came).toBeGreaterThan(writes);
  },
  600_000,
);

test('several kills in a row, by chance', async () => {
  const seed = chooseSeed();
  process.stdout.write(`rows of kills: ${seedVariable}=${seed} repeats them\n`);
  const plays = randomKills(scenarios, seed, { count: rows, most: 4, write: 5 });
  const endings = await judge.playAll(plays);
  expect(endings).toHaveLength(plays.length);
  rowsPlayed += endings.length;
}, 600_000);
