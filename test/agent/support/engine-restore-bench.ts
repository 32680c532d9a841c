import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGitRestorer } from '../../../src/agent/engines/git/restore/restorer.ts';
import { createInfluxdbRestorer } from '../../../src/agent/engines/influxdb/restore/restorer.ts';
import { createLog } from '../../../src/agent/log.ts';
import type { PutBackEngine, RestoreContext, RestoreEngine } from '../../../src/agent/restore/engine.ts';
import { createRun } from '../../../src/agent/run.ts';
import type { Compared } from '../../../src/agent/verify/engine.ts';
import type { Note } from '../../../src/api/v1alpha1/result.ts';
import type { DestinationState, SafetyCopy } from '../../../src/api/v1alpha1/restore-report.ts';
import type { CheckTask, CopyOf, DestinationTask, DumpSource, RestoreInto } from '../../../src/api/v1alpha1/task.ts';
import { RunError } from '../../../src/errors/run-error.ts';
import { compileCache } from './compile-cache.ts';
import { makeDirectory } from './directories.ts';
import { subject } from '../../support/subject.ts';
import { plannedSet } from './planned-set.ts';

/** Where a restore runs: what the containers of its pod have. */
export interface RestorePlace {
  readonly claim: string;
  readonly scratch: string;
  readonly fetched: string;
}

export interface RestoreOptions {
  readonly target: DumpSource;
  readonly into?: RestoreInto;
  readonly id?: string;
  /** What an earlier restore has set aside, instead of a backup. */
  readonly from?: Pick<CopyOf, 'id' | 'count'> | undefined;
  readonly now?: () => Date;
}

export const restoreTask = (
  { claim, scratch, fetched }: RestorePlace,
  { target, into = { by: 'InPlace' }, id = '0a1b2c3d' }: RestoreOptions,
): CheckTask => ({
  kind: 'Restore',
  policy: { namespace: 'test', name: 'test' },
  request: { name: 'bring-it-back', uid: 'b0b1' },
  claim,
  scratch,
  subject,
  deadlineSeconds: 120,
  target,
  into,
  id,
  fetched,
  set: plannedSet,
});

export const restorerOf = ({ target, into, id }: DestinationTask): RestoreEngine => {
  if ('influxdb' in target) return createInfluxdbRestorer({ target: target.influxdb, into, id });
  if ('git' in target) return createGitRestorer({ target: target.git, into, id });
  throw new Error('no restorer for this');
};

/** One restore, its parts called as its containers call them. */
export interface Restore {
  readonly engine: RestoreEngine;
  /** What does its steps: the engine, or what puts back. */
  readonly parts: Omit<PutBackEngine, 'look'>;
  readonly context: RestoreContext;
  readonly notes: readonly Note[];
  readonly states: DestinationState[];
  swap(directory: string): Promise<SafetyCopy>;
  /** Loads, compares, swaps and checks; each comparison must be equal. */
  whole(directory: string): Promise<SafetyCopy>;
}

export const makeRestore = (place: RestorePlace, options: RestoreOptions): Restore => {
  const stop = new AbortController();
  const task = restoreTask(place, options);
  const { context, notes } = createRun<DestinationTask>({
    task,
    jobName: 'restore-1',
    startTime: new Date(),
    signal: stop.signal,
    stop: (failure) => stop.abort(failure),
    now: options.now ?? (() => new Date()),
    createLog: (redact) =>
      createLog(redact, {}, { write: (line) => void (process.env['HOLDFAST_TEST_LOG'] && process.stderr.write(line)) }),
  });
  const engine = restorerOf(task);
  const parts = options.from === undefined ? engine : puttingBack(engine, options.from);
  const states: DestinationState[] = [];
  const swap = (directory: string): Promise<SafetyCopy> =>
    parts.swap(context, directory, (state) => void states.push(state));
  return {
    engine,
    parts,
    context,
    notes,
    states,
    swap,
    async whole(directory) {
      await engine.recover(context);
      await parts.load(context, directory);
      equal(await parts.compare(context, directory));
      const copy = await swap(directory);
      equal(await parts.check(context, directory));
      return copy;
    },
  };
};

/** What puts back by an engine. */
export const puttingBack = (engine: RestoreEngine, from: Pick<CopyOf, 'id' | 'count'>): PutBackEngine => {
  const parts = engine.puttingBack?.(from);
  if (parts === undefined) throw new Error('the engine puts nothing back');
  return parts;
};

/** Fails unless everything was compared and is equal. */
export const equal = ({ objects, mismatches, notWitnessed }: Compared): void => {
  if (mismatches.length === 0 && notWitnessed.length === 0 && objects > 0) return;
  throw new Error(`not equal: ${JSON.stringify({ objects, mismatches, notWitnessed })}`);
};

export interface RestoreBench extends RestorePlace {
  restore(options: RestoreOptions): Restore;
  /** Lays a copy out as a set that was fetched. */
  lay(copy: string, name?: string): Promise<string>;
  /** Where a safety copy is made ready. */
  copyDirectory(): Promise<string>;
  /** What is left on the claim. */
  left(): Promise<string[]>;
  remove(): Promise<void>;
}

export const makeRestoreBench = async (): Promise<RestoreBench> => {
  const { path, remove } = await makeDirectory();
  const place = { claim: join(path, 'claim'), scratch: join(path, 'scratch'), fetched: join(path, 'fetched') };
  for (const directory of Object.values(place)) await mkdir(directory);
  return {
    ...place,
    restore: (options) => makeRestore(place, options),
    async lay(copy, name = 'latest') {
      const directory = join(place.fetched, name);
      await cp(copy, directory, { recursive: true });
      return directory;
    },
    async copyDirectory() {
      const directory = join(place.fetched, 'copy');
      await mkdir(directory, { recursive: true });
      return directory;
    },
    left: async () => (await readdir(place.claim, { recursive: true })).toSorted(),
    remove,
  };
};

/** A failure as `Reason: detail`. What is in no catalogue fails the test. */
export const failureOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (thrown) {
    const error =
      thrown instanceof Error && thrown.name === 'Error' && thrown.cause !== undefined ? thrown.cause : thrown;
    if (error instanceof RunError) return `${error.reason}: ${error.detail}`;
    throw thrown;
  }
  return 'Succeeded';
};

const driver = join(import.meta.dirname, 'restore-driver.ts');

/** A swap in a process of its own, that a test kills. */
export interface RunningSwap {
  /** Resolves when the swap has begun, and when it has told a state; or when it ended. */
  reached(mark: 'begins' | 'told '): Promise<void>;
  /** Ends the process and everything it started at once, as a lost node does. Gives whether it was still at work. */
  kill(): Promise<boolean>;
  readonly end: Promise<{ readonly exitCode: number | null; readonly output: string }>;
}

export const startSwap = (place: RestorePlace, options: RestoreOptions, directory: string): RunningSwap => {
  const child = spawn(process.execPath, [driver], {
    env: {
      ...compileCache,
      PATH: process.env['PATH'],
      HOLDFAST_RESTORE: JSON.stringify({
        place,
        options: { target: options.target, into: options.into, id: options.id, from: options.from },
        directory,
      }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let ended = false;
  const waiting: (() => void)[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part: Buffer) => {
      output += part.toString();
      for (const wake of waiting) wake();
    });
  }
  const end = once(child, 'close').then(() => {
    ended = true;
    for (const wake of waiting) wake();
    return { exitCode: child.exitCode, output };
  });
  return {
    reached: (mark) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (ended || output.includes(mark)) resolve();
        };
        waiting.push(look);
        look();
      }),
    end,
    async kill() {
      const { pid } = child;
      const atWork = child.exitCode === null && pid !== undefined;
      if (atWork) {
        // Stopped first, so that it starts nothing more while its children are looked for.
        process.kill(pid, 'SIGSTOP');
        const below = await descendants(pid);
        for (const each of [pid, ...below]) endProcess(each);
      }
      await end;
      return atWork;
    },
  };
};

const endProcess = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
};

const descendants = async (root: number): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const parents = new Map<number, number>();
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1];
    if (parent !== undefined) parents.set(Number(pid), Number(parent));
  }
  const found: number[] = [];
  for (let more = [root]; more.length > 0;) {
    more = [...parents].filter(([, parent]) => more.includes(parent)).map(([pid]) => pid);
    found.push(...more);
  }
  return found;
};

/** Kills a swap some time after it began, or after it told that it changes something. */
export const killSwap = async (
  swap: RunningSwap,
  { after, ms }: { readonly after: 'Start' | 'Told'; readonly ms: number },
): Promise<boolean> => {
  await swap.reached(after === 'Told' ? 'told ' : 'begins');
  await sleep(ms);
  return swap.kill();
};
