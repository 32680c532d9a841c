import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cost } from './figures.ts';

const lookMs = 200;
const pageBytes = 4096;
const mebibyte = 1024 ** 2;

export interface MeasuredCommand {
  readonly command: readonly [file: string, ...args: string[]];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Where standard output goes; else it is kept for the message of a failure. */
  readonly output?: string;
  /** Directories whose size is watched. */
  readonly scratch: readonly string[];
  /** A directory for the measuring itself. */
  readonly notes: string;
}

/** Bytes of all files in and below a directory that are there when they are looked at. */
export const bytesBelow = async (directory: string): Promise<number> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((total, size) => total + size, 0);
};

/** One process as /proc/PID/stat tells of it. */
export interface ProcessLine {
  readonly pid: number;
  readonly parent: number;
  readonly rssBytes: number;
}

/** Reads /proc/PID/stat, proc(5): after the name in parentheses, which may hold blanks, the parent is field 4 and the memory field 24. */
export const parseStat = (line: string): ProcessLine => {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return { pid: Number.parseInt(line, 10), parent: Number(fields[1]), rssBytes: Number(fields[21]) * pageBytes };
};

/** Memory of a process and all below it. */
export const treeBytes = (processes: readonly ProcessLine[], root: number): number => {
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const below = (pid: number): number =>
    (children.get(pid) ?? []).reduce((total, child) => total + child.rssBytes + below(child.pid), 0);
  return (processes.find(({ pid }) => pid === root)?.rssBytes ?? 0) + below(root);
};

const processes = async (): Promise<ProcessLine[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)));
  return lines.flatMap((line) => (line === undefined ? [] : [parseStat(line)]));
};

/** Reads what bash's `time` wrote with TIMEFORMAT `%R %U %S`: seconds in all, of the program, of the kernel for it. */
export const parseTimes = (written: string): Pick<Cost, 'seconds' | 'cpuSeconds'> => {
  const [seconds = Number.NaN, user = Number.NaN, system = Number.NaN] = written.trim().split(' ').map(Number);
  if (Number.isNaN(seconds + user + system)) throw new Error(`no times: ${written}`);
  return { seconds, cpuSeconds: user + system };
};

// The times are those of the program and of all that it waited for. What the program says goes past them by descriptor 3.
const timed = 'exec 3>&2; TIMEFORMAT="%R %U %S"; { time "$@" 2>&3 3>&-; } 2>"$0"';

/** Runs a command to its end and tells what it cost. @throws Error with its last words when it fails */
export const measured = async (options: MeasuredCommand): Promise<Cost> => {
  const { command, environment, cwd, output, scratch, notes } = options;
  const times = join(notes, `times-${process.hrtime.bigint()}`);
  const handle = output === undefined ? undefined : await open(output, 'w');
  const watch = async (): Promise<number> =>
    (await Promise.all(scratch.map(bytesBelow))).reduce((total, bytes) => total + bytes, 0);
  const before = await watch();
  const child = spawn('bash', ['-c', timed, times, ...command], {
    env: { ...environment },
    ...(cwd !== undefined && { cwd }),
    stdio: ['ignore', handle?.fd ?? 'pipe', 'pipe'],
  });
  const said = Promise.all([child.stdout, child.stderr].map((stream) => (stream ? text(stream) : '')));
  const ended = once(child, 'close');
  const over = new AbortController();
  let peakRss = 0;
  let peakScratch = 0;
  const looking = (async () => {
    while (!over.signal.aborted) {
      peakRss = Math.max(peakRss, treeBytes(await processes(), child.pid ?? 0));
      peakScratch = Math.max(peakScratch, (await watch()) - before);
      await sleep(lookMs, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  await ended;
  over.abort();
  await looking;
  await handle?.close();
  const words = (await said).join('\n');
  if (child.exitCode !== 0)
    throw new Error(`${command[0]} ended with status ${child.exitCode}:\n${words.slice(-4000)}`);
  const cost = parseTimes(await readFile(times, 'utf8'));
  await rm(times);
  return { ...cost, peakRssMiB: peakRss / mebibyte, peakScratchMiB: peakScratch / mebibyte };
};
