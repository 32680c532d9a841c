import type { KubeClient } from '../../src/kube/client.ts';
import { readAdmission } from '../../src/restore/confirmation/admission-state.ts';
import { apiOf } from '../cluster/api.ts';
import { installChart, namespace as home, operator } from '../integration/chart/support.ts';
import { binding } from '../integration/restore/people.ts';
import { eventually, startOperatorCluster, type OperatorCluster } from '../support/operator/cluster.ts';
import { quiesceEnvironment } from '../support/operator/workloads.ts';
import { createJudge, type Judge } from './harness-check.ts';
import { randomKills } from './harness-plan.ts';
import { killEverywhere, newTally, tallyWords } from './harness-suite.ts';
import { chooseSeed, seedVariable } from './random.ts';
import { person } from './restore-world.ts';
import { restoreScenarios } from './scenarios-restores.ts';

// Restores, with the operator killed before and after each of its writes: one plan Job and one restore Job ever, the workloads back at their
// count, the same end. With the chart's admission and rights, a person who confirms, and Kubernetes' own controllers.

const lanes = 8;
const rows = 12;

let cluster: OperatorCluster;
let client: KubeClient;
let judge: Judge;
let rowsPlayed = 0;
const tally = newTally();

const admission = { name: 'holdfast', accounts: { operator, requesters: [], confirmers: [] } };
const variables = {
  ...quiesceEnvironment,
  HOLDFAST_ADMISSION_NAME: admission.name,
  HOLDFAST_SERVICE_ACCOUNT: operator,
};

/** What is made from now on counts. */
const untilInForce = async (kubeconfig: string): Promise<void> => {
  const ofOperator = apiOf(kubeconfig);
  await eventually('the admission policies are in force', async () => {
    const state = await readAdmission({ client: ofOperator }, admission);
    return 'inForceSince' in state && state.inForceSince.getTime() + 1000 < Date.now();
  });
  ofOperator.close();
};

beforeAll(async () => {
  cluster = await startOperatorCluster({ controllerManager: true });
  const { plane } = cluster;
  await installChart(plane, '--set', 'crds.enabled=false,quiesce.enabled=true');
  await cluster.apply(binding(person, 'cluster-admin', [person]));
  const kubeconfig = await plane.kubeconfigFor(operator, [`system:serviceaccounts:${home}`, 'system:serviceaccounts']);
  await untilInForce(kubeconfig);
  client = apiOf(await plane.kubeconfigFor(person));
  judge = createJudge({ kubeconfig, client, variables }, 'restore', lanes);
}, 180_000);

afterAll(async () => {
  process.stdout.write(`kill harness over restores: ${tallyWords(tally)}, ${rowsPlayed} rows of kills\n`);
  client?.close();
  await cluster?.stop();
});

test.each(restoreScenarios.map((scenario) => ({ scenario, name: scenario.name })))(
  '$name',
  async ({ scenario }) => {
    const { came, writes } = await killEverywhere({ cluster, judge, tally }, scenario);
    expect(came).toBeGreaterThan(writes);
  },
  900_000,
);

test('several kills in a row, by chance', async () => {
  const seed = chooseSeed();
  process.stdout.write(`rows of kills: ${seedVariable}=${seed} repeats them\n`);
  const plays = randomKills(restoreScenarios, seed, { count: rows, most: 4, write: 8 });
  const endings = await judge.playAll(plays);
  expect(endings).toHaveLength(plays.length);
  rowsPlayed += endings.length;
}, 900_000);
