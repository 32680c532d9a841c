import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../../src/kube/client.ts';
import { createRandom } from '../../faults/random.ts';
import { rounded } from '../operator/figures.ts';
import { watchLag } from '../operator/metrics.ts';
import type { PolicyName } from '../operator/policies.ts';
import { memoryOf } from '../operator/process.ts';
import { countsOf, quartersOf, slopePerHour, type Sample, type SoakFigures } from './figures.ts';
import { createPeople } from './people.ts';
import { findUnsettled } from './settled.ts';
import type { Storm } from './storm.ts';
import type { Subject } from './subject.ts';

export interface SoakOptions {
  readonly storm: Storm;
  readonly api: KubeClient;
  readonly policies: readonly PolicyName[];
  readonly minutes: number;
  readonly seed: number;
  /** A line for whoever waits. */
  readonly say: (line: string) => void;
  /** Stops everything. */
  readonly signal: AbortSignal;
}

const sampleMs = 10_000;
const settleLimitMs = 120_000;
/** So long without a write, and everything as it should be. */
const quietMs = 6000;
const lookMs = 2000;

/** Does something at intervals, or as soon as the last one is over. */
const every = async (
  intervalMs: number,
  endMs: number,
  signal: AbortSignal,
  act: () => Promise<void>,
): Promise<void> => {
  for (let nextMs = performance.now(); nextMs < endMs; nextMs += intervalMs) {
    await sleep(Math.max(0, nextMs - performance.now()), undefined, { signal });
    await act();
  }
};

/** Waits until everything is as the policies say and nothing is written any more. Gives what is not, after two minutes. */
const settle = async (
  { writes }: Subject,
  storm: Storm,
  find: () => Promise<string[]>,
  signal: AbortSignal,
): Promise<{ seconds: number; unsettled: readonly string[] }> => {
  const startMs = Date.now();
  let rightMs: number | undefined;
  for (;;) {
    const lookedMs = Date.now();
    const unsettled = [
      ...storm.silent().map((what) => `${what}: not opened again since the faults`),
      ...(await find()),
    ];
    if (unsettled.length > 0) rightMs = undefined;
    else rightMs = Math.max(rightMs ?? lookedMs, writes().lastMs);
    const seconds = ((rightMs ?? Date.now()) - startMs) / 1000;
    if (rightMs !== undefined && Date.now() - rightMs >= quietMs) return { seconds, unsettled: [] };
    if (Date.now() - startMs > settleLimitMs + quietMs) {
      return { seconds, unsettled: unsettled.length > 0 ? unsettled : ['all is as it should be, and writes go on'] };
    }
    await sleep(lookMs, undefined, { signal });
  }
};

/** Faults and changes for so many minutes, then calm; all policies are Ready before it. */
export const soak = async (subject: Subject, options: SoakOptions): Promise<SoakFigures> => {
  const { api, policies, minutes, seed, say, signal, storm } = options;
  const { operator } = subject;
  const people = createPeople(api, policies, createRandom(seed + 1));
  const startedAt = await subject.startedAt();
  const heapAtStart = await subject.heapUsedMiB();
  const { rssMiB: rssAtStart } = await memoryOf(operator.pid);
  const before = subject.writes();
  const logBefore = operator.log.length;
  const lag = watchLag(operator.url);
  const samples: Sample[] = [];
  const startMs = performance.now();
  const endMs = startMs + minutes * 60_000;

  const strikes = (): number => [...storm.struck.values()].reduce((sum, count) => sum + count, 0);
  const sample = async (): Promise<void> => {
    const { rssMiB } = await memoryOf(operator.pid);
    samples.push({ minutes: (performance.now() - startMs) / 60_000, rssMiB });
  };
  const watchMemory = async (): Promise<void> => {
    for (let count = 1; count * sampleMs <= minutes * 60_000; count += 1) {
      await sleep(Math.max(0, startMs + count * sampleMs - performance.now()), undefined, { signal });
      await sample();
      if ((count * sampleMs) % 60_000 > 0) continue;
      const { done } = subject.writes();
      const rss = rounded(samples.at(-1)?.rssMiB ?? Number.NaN);
      say(`minute ${(count * sampleMs) / 60_000}: ${rss} MiB, ${strikes()} faults, ${done - before.done} writes`);
    }
  };
  try {
    await Promise.all([
      every(1000, endMs, signal, async () => storm.brew()),
      // Enough to do that a fault a second strikes some of the calls, and not all.
      every(250, endMs, signal, () => people.act()),
      watchMemory(),
    ]);
    const heapAtEnd = await subject.heapUsedMiB();
    storm.calm();
    const find = () => findUnsettled(api, people.runs, signal);
    const { seconds, unsettled } = await settle(subject, storm, find, signal);
    for (const why of unsettled.slice(0, 20)) say(`not settled: ${why}`);
    const { rssMiB, peakRssMiB } = await memoryOf(operator.pid);
    const { done, refused } = subject.writes();
    const { p99, max } = lag.stop();
    const levels = operator.log.slice(logBefore).map(({ level }) => String(level));
    return {
      policies: policies.length,
      minutes,
      seed,
      rssMiB: {
        start: rounded(rssAtStart),
        quarters: quartersOf(samples, minutes),
        settled: rounded(rssMiB),
        peak: rounded(peakRssMiB),
      },
      rssSlopeMiBPerHour: rounded(slopePerHour(samples.filter((one) => one.minutes > minutes / 2))),
      heapUsedMiB: { start: heapAtStart, end: heapAtEnd, settled: await subject.heapUsedMiB() },
      faults: strikes(),
      faultsByKind: Object.fromEntries(storm.struck),
      changes: Object.fromEntries(people.done),
      writes: { done: done - before.done, refused: refused - before.refused },
      restarts: (await subject.startedAt()) === startedAt ? 0 : 1,
      logged: { ...countsOf(levels), stray: operator.stray.length },
      eventLoopLagMs: { p99: rounded(p99), max: rounded(max) },
      secondsToSettle: rounded(seconds),
      notSettled: unsettled.length,
    };
  } finally {
    lag.stop();
  }
};
