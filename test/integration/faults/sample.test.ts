import { benchOn, say } from '../../faults/bench.ts';
import { faults } from '../../faults/faults.ts';
import { cellsOf, nameOfCell, playCells, recordBaseline } from '../../faults/matrix.ts';
import { chooseSeed, createRandom, seedVariable, shuffled } from '../../faults/random.ts';
import type { Bench } from '../../faults/run.ts';
import { sharedPlane } from '../shared-plane.ts';

// A sample of `npm run test:faults`, another one each time; the seed repeats it.

let bench: Bench;

beforeAll(async () => {
  bench = benchOn((await sharedPlane()).kubeconfig);
});

afterAll(() => bench?.api.close());

test('some faults, each at one call: the same end state, at most twice the calls, then no write', async () => {
  const seed = chooseSeed();
  const random = createRandom(seed);
  const baseline = await recordBaseline(bench, 'sample');
  // One call for every other fault, so that a sample has many kinds.
  const chosen = shuffled(faults, random).slice(0, 12);
  const cells = chosen.flatMap((fault) => shuffled(cellsOf(baseline.calls, [fault]), random).slice(0, 1));
  say(`sample of ${cells.length}, ${seedVariable}=${seed}: ${cells.map(nameOfCell).join('; ')}`);
  expect(cells).toHaveLength(12);
  const { failures, met } = await playCells(bench, baseline, cells, { prefix: 'sample-cell', parallel: 12 });
  expect(failures).toEqual([]);
  expect(met).toBeGreaterThan(8);
}, 120_000);
