import { setTimeout as wait } from 'node:timers/promises';
import type { Patience } from '../support/operator/in-process.ts';
import { say, startBench } from './bench.ts';
import type { Call, FaultAt } from './calls.ts';
import { faults, type Fault } from './faults.ts';
import { recordBaseline, type Baseline } from './matrix.ts';
import { patiently } from './patient-api.ts';
import { chooseSeed, createRandom, seedVariable } from './random.ts';
import { runScenario, type Bench, type RunResult } from './run.ts';
import { policyScenario, type Step } from './scenario.ts';

// The servers behind are restarted, or come back with older data, and many faults strike in one run: it still ends the same.

const seed = chooseSeed();

let own: Awaited<ReturnType<typeof startBench>>;
let bench: Bench;
let baseline: Baseline;

beforeAll(async () => {
  own = await startBench();
  bench = { ...own, api: patiently(own.api) };
  baseline = await recordBaseline(bench, 'restarts');
  say(`restarts and faults together: ${seedVariable}=${seed}`);
}, 180_000);

afterAll(() => own?.stop());

// One that a person would have at hand: silence is noticed in seconds, so that the test lasts no hour.
const patience: Patience = {
  requestMs: 5000,
  idleMs: () => 6000,
  tuning: { relistMs: 15_000, watchMinMs: 10_000, watchMaxMs: 15_000 },
};

/** The scenario with a wait before each step, so that what happens beside it strikes anywhere. */
const paced = (random: () => number, longestMs: number): Step[] =>
  policyScenario.map((step) => ({
    ...step,
    act: async (stage) => {
      await wait(random() * longestMs);
      await step.act(stage);
    },
  }));

interface Many {
  prefix: string;
  count: number;
  steps?: (random: () => number) => readonly Step[];
  faultAt?: (run: number) => FaultAt;
  repeats?: boolean;
}

/** Runs side by side, each with a seed that follows from the one of all. @throws Error what went wrong, once all have ended */
const runMany = async ({
  prefix,
  count,
  steps = () => policyScenario,
  faultAt = () => () => undefined,
  repeats = false,
}: Many) => {
  const runs = await Promise.allSettled(
    Array.from({ length: count }, (_, run) =>
      runScenario(bench, {
        namespace: `${prefix}-${run}`,
        patience,
        steps: steps(createRandom(seed + run)),
        faultAt: faultAt(run),
        expected: baseline.state,
        // A lost event leaves the cache behind until everything is listed anew.
        strict: false,
        repeats,
        limitMs: 150_000,
      }),
    ),
  );
  expect(runs.flatMap((run) => (run.status === 'rejected' ? [String(run.reason)] : []))).toEqual([]);
  return runs.flatMap((run) => (run.status === 'fulfilled' ? [run.value] : []));
};

const strikesOf = (runs: readonly RunResult[]): number => runs.reduce((sum, { struck }) => sum + struck.length, 0);

const components = [
  { name: 'kube-apiserver, killed', restart: () => own.plane.restartApiserver() },
  { name: 'kube-apiserver, told to stop', restart: () => own.plane.restartApiserver({ signal: 'SIGTERM' }) },
  { name: 'etcd, killed', restart: () => own.plane.restartEtcd({ downMs: 1000 }) },
];

test.each(components.map((component, index) => ({ ...component, index })))(
  '$name and started again in the middle of runs',
  async ({ name, restart, index }) => {
    const restarts = 2;
    const disturb = async (): Promise<void> => {
      for (let count = 0; count < restarts; count += 1) {
        await wait(3000);
        await restart();
      }
    };
    const many = { prefix: `restart-${index}`, count: 12, steps: (random: () => number) => paced(random, 12_000) };
    const [runs] = await Promise.all([runMany(many), disturb()]);
    say(`${name}: ${restarts} restarts × ${runs.length} runs`);
    expect(runs).toHaveLength(12);
  },
  300_000,
);

/** Does something once all have come to it. */
const together = (count: number, action: () => Promise<void>): (() => Promise<void>) => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let waiting = 0;
  return async () => {
    waiting += 1;
    if (waiting === count) action().then(resolve, reject);
    await promise;
  };
};

test('the data of an older snapshot: what was done since is done again, and ends the same', async () => {
  const count = 8;
  let restore: () => Promise<void> = () => Promise.reject(new Error('no snapshot'));
  const take = together(count, async () => {
    ({ restore } = await own.plane.snapshot());
  });
  const putBack = together(count, () => restore());
  const [create, ...since] = policyScenario;
  if (create === undefined) throw new Error('no steps');
  const done = (): Promise<boolean> => Promise.resolve(true);
  const steps: readonly Step[] = [
    create,
    { name: 'a snapshot is taken', act: take, done },
    ...since,
    { name: 'the snapshot is put back', act: putBack, done },
    ...since,
  ];
  const runs = await runMany({ prefix: 'older', count, steps: () => steps, repeats: true });
  say(`an older snapshot: 1 × ${runs.length} runs`);
  expect(runs).toHaveLength(count);
}, 300_000);

/** A fault at about every fourth call, as the seed has it, whatever the order in which calls come; the later ones go well. */
const many =
  (run: number): FaultAt =>
  ({ what, nth }: Call): Fault | undefined => {
    if (nth > 4) return undefined;
    const place = [...`${what} ${nth}`].reduce((hash, letter) => Math.imul(hash, 31) + letter.charCodeAt(0), 0);
    const random = createRandom(seed + run * 7919 + place);
    // The first numbers of near seeds are near.
    random();
    return random() < 0.25 ? faults[Math.floor(random() * faults.length)] : undefined;
  };

test('many faults in one run, as the seed has it', async () => {
  const runs = await runMany({ prefix: 'many', count: 16, faultAt: many });
  say(`many faults: ${strikesOf(runs)} in ${runs.length} runs, ${seedVariable}=${seed}`);
  expect(strikesOf(runs)).toBeGreaterThan(runs.length);
}, 300_000);

test('many faults, and kube-apiserver killed beside them', async () => {
  const paces = (random: () => number): Step[] => paced(random, 6000);
  const [runs] = await Promise.all([
    runMany({ prefix: 'both', count: 12, faultAt: many, steps: paces }),
    wait(4000).then(() => own.plane.restartApiserver()),
  ]);
  say(`many faults and a restart: ${strikesOf(runs)} in ${runs.length} runs, ${seedVariable}=${seed}`);
  expect(strikesOf(runs)).toBeGreaterThan(runs.length);
}, 300_000);
