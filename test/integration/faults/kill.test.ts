import { apiOf } from '../../cluster/api.ts';
import { createJudge } from '../../faults/harness-check.ts';
import { randomKills } from '../../faults/harness-plan.ts';
import { chooseSeed } from '../../faults/random.ts';
import { scenarios } from '../../faults/scenarios.ts';
import { sharedPlane } from '../shared-plane.ts';

// A sample of the kill harness, which takes minutes as a whole (npm run test:faults). HOLDFAST_FAULT_SEED chooses another one.

const chosen = [
  'a policy is created',
  'the incremental is taken out',
  'a policy is deleted and made anew before its CronJobs are gone',
  'a run fails',
];

test('killed in the middle, by chance, the operator comes back and ends where it would have ended', async () => {
  const { kubeconfig } = await sharedPlane();
  const client = apiOf(kubeconfig);
  const judge = createJudge({ kubeconfig, client }, 'kill-sample', 3);
  const seed = chooseSeed(4);
  const sample = scenarios.filter(({ name }) => chosen.includes(name));
  expect(sample).toHaveLength(chosen.length);
  // Each of them has at least two writes.
  const draw = { count: 1, most: 2, write: 2 };
  const plays = sample.flatMap((scenario, index) => randomKills([scenario], seed + index, draw));
  const endings = await judge.playAll(plays);
  client.close();
  expect(endings.map(({ killed }) => killed > 0)).toEqual(chosen.map(() => true));
}, 120_000);
