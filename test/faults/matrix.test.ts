import { nameOfCall } from './calls.ts';
import { say, startBench } from './bench.ts';
import { faults } from './faults.ts';
import { cellsOf, playCells, recordBaseline, type Baseline } from './matrix.ts';
import { chooseSeed, createRandom, seedVariable, shuffled } from './random.ts';

// Each call of the scenario × each fault, once a run: it settles within 60 s to the same end state, with at most twice the calls, and
// writes nothing more. The runs are in namespaces of their own, each with an operator and a proxy of its own.

const parallel = 12;
const seed = chooseSeed();
const random = createRandom(seed);

let bench: Awaited<ReturnType<typeof startBench>>;
let baseline: Baseline;
let played = 0;

beforeAll(async () => {
  bench = await startBench();
  baseline = await recordBaseline(bench, 'matrix');
  say(`${faults.length} faults × ${baseline.calls.length} calls, in the order of ${seedVariable}=${seed}`);
}, 180_000);

afterAll(async () => {
  say(`${played} of ${cellsOf(baseline.calls).length} cells played; undisturbed: ${baseline.requests} calls`);
  await bench?.stop();
});

test('the scenario has the calls that matter: lists, watches, reads, applies, a delete, statuses and an Event', () => {
  const calls = new Set(baseline.calls.map(nameOfCall));
  for (const what of [
    'GET namespaces/kube-system',
    'GET backuppolicies',
    'WATCH pods',
    'PATCH persistentvolumeclaims/agama-holdfast',
    'PATCH cronjobs/agama-full',
    'DELETE cronjobs/agama-incremental',
    'PUT backuppolicies/agama/status',
    'POST events',
  ]) {
    expect(calls).toContain(`${what} #1`);
  }
});

test.each(faults.map((fault, index) => ({ fault, index, name: fault.name })))(
  '$name, at each call',
  async ({ fault, index }) => {
    const cells = shuffled(cellsOf(baseline.calls, [fault]), random);
    expect(cells.length).toBeGreaterThan(0);
    const { failures, met } = await playCells(bench, baseline, cells, { prefix: `matrix-${index}`, parallel });
    played += met;
    expect(failures).toEqual([]);
    // Only the last statuses may be of some runs and not of others.
    expect(met).toBeGreaterThan(cells.length * 0.8);
  },
  300_000,
);
