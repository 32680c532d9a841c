import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { apiOf } from '../../cluster/api.ts';
import { startControlPlane, type ControlPlane } from '../../cluster/control-plane.ts';
import { createProgress } from '../../cluster/progress.ts';
import { installCrds } from '../../cluster/crds.ts';
import type { RunningOperator } from '../../support/operator/operator.ts';
import { measureCeiling } from './ceiling.ts';
import { percentile, rounded, type Figures } from './figures.ts';
import { countWrites, readMetrics, sumOf, watchLag } from './metrics.ts';
import { observePolicies } from './observer.ts';
import { createPolicies, policyNames } from './policies.ts';
import { compileOperator, cpuSecondsOf, launchOperator, memoryOf, type Program } from './process.ts';
import { measureRuns } from './runs.ts';

/** How the operator scales: on a control plane of its own, with real policies and without nodes. See docs/performance.md. */

const progress = createProgress();
const runs = 200;
const restSeconds = 60;

const mib = (bytes: number): number => rounded(bytes / 1024 ** 2);

const heapOf = async (url: string): Promise<Figures['heap']> => {
  const samples = await readMetrics(url);
  return {
    usedMiB: mib(sumOf(samples, 'nodejs_heap_size_used_bytes')),
    totalMiB: mib(sumOf(samples, 'nodejs_heap_size_total_bytes')),
    externalMiB: mib(sumOf(samples, 'nodejs_external_memory_bytes')),
  };
};

/** @throws Error when the operator ends, with its last words */
const endOf = async ({ ended, log }: RunningOperator): Promise<never> => {
  const status = await ended;
  throw new Error(
    `the operator ended with exit status ${status}:\n${log
      .slice(-5)
      .map((line) => JSON.stringify(line))
      .join('\n')}`,
  );
};

const requestsOf = async (url: string): Promise<number> => sumOf(await readMetrics(url), 'holdfast_api_requests_total');

/** Until the operator has nothing left to do: no key waits and no write came for some seconds. */
const settle = async (url: string, writes: () => Promise<number>): Promise<void> => {
  for (let quiet = 0, before = -1; quiet < 3;) {
    await sleep(1500);
    const after = await writes();
    const waiting = sumOf(await readMetrics(url), 'holdfast_queue_depth');
    quiet = after === before && waiting === 0 ? quiet + 1 : 0;
    before = after;
  }
};

interface Settings {
  count: number;
  program: Program;
  nodeOptions: string | undefined;
}

const measure = async (plane: ControlPlane, { count, program, nodeOptions }: Settings): Promise<Figures> => {
  const api = apiOf(plane.kubeconfig);
  const names = policyNames(count);
  const writes = () => countWrites(api);
  await progress.task(`Creating ${count} policies`, () => createPolicies(api, names));
  const observer = await observePolicies(api);
  const before = await writes();
  const start = performance.now();
  const operator = await launchOperator(plane.kubeconfig, program, nodeOptions);
  const lag = watchLag(operator.url);
  try {
    const readyMs = await progress.task('Waiting until all are Ready', async (detail) => {
      const show = setInterval(() => detail(`${observer.ready()}`), 5000);
      try {
        return (await Promise.race([observer.whenReady(count), endOf(operator)])) - start;
      } finally {
        clearInterval(show);
      }
    });
    const cpuSeconds = await cpuSecondsOf(operator.pid);
    await progress.task('Waiting until nothing more happens', () => settle(operator.url, writes));
    const made = (await writes()) - before;

    const took = await progress.task(`Playing ${runs} runs`, () =>
      measureRuns(
        api,
        observer,
        names.filter((_name, index) => index % Math.ceil(count / runs) === 0),
      ),
    );
    await settle(operator.url, writes);
    const requestsBefore = await requestsOf(operator.url);
    await progress.task(`Watching the operator rest for ${restSeconds} s`, () => sleep(restSeconds * 1000));
    const atRest = (await requestsOf(operator.url)) - requestsBefore;
    const { rssMiB, peakRssMiB } = await memoryOf(operator.pid);
    const heap = await heapOf(operator.url);
    const lagged = lag.stop();
    await operator.stop();

    const beforeRestart = await writes();
    const again = await launchOperator(plane.kubeconfig, program);
    await progress.task('Starting it again with nothing changed', () => settle(again.url, writes));
    const onRestart = (await writes()) - beforeRestart;
    await again.stop();

    const [first = { namespace: '', name: '' }] = names;
    const ceiling = await progress.task('Measuring the API server by itself', () =>
      measureCeiling(api, first, Math.min(count, 1000)),
    );
    return {
      policies: count,
      secondsToReady: rounded(readyMs / 1000),
      writes: made,
      writesOnRestart: onRestart,
      requestsPerMinuteAtRest: rounded((atRest * 60) / restSeconds),
      rssMiB: rounded(rssMiB),
      peakRssMiB: rounded(peakRssMiB),
      heap,
      cpuSeconds: rounded(cpuSeconds),
      jobToStatusMs: { p50: rounded(percentile(took, 0.5)), p99: rounded(percentile(took, 0.99)), runs: took.length },
      eventLoopLagMs: { p99: rounded(lagged.p99), max: rounded(lagged.max) },
      ceiling: {
        writes: ceiling.writes,
        writesPerSecond: rounded(ceiling.writesPerSecond),
        operatorWritesPerSecond: rounded(made / (readyMs / 1000)),
      },
    };
  } finally {
    lag.stop();
    await operator.stop();
    await observer.stop();
    api.close();
  }
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: { policies: { type: 'string', default: '1000' }, 'node-options': { type: 'string' } },
  });
  const count = Number(values.policies);
  if (!Number.isInteger(count) || count < 1 || count > 100_000) {
    throw new Error('--policies: give a whole number from 1 to 100000');
  }
  const program = await progress.task('Compiling the operator', compileOperator);
  const plane = await progress.task('Starting a control plane', () =>
    startControlPlane({ apiserverArguments: ['--disable-admission-plugins=ServiceAccount'] }),
  );
  try {
    await installCrds(plane);
    const figures = await measure(plane, { count, program, nodeOptions: values['node-options'] });
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  } finally {
    await plane.stop();
  }
};

await main();
