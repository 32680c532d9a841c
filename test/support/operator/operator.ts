import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectRoot } from '../../cluster/paths.ts';
import { imageEnvironment } from './images.ts';

/** One line of the operator's log. */
export type LogLine = Record<string, unknown>;

/** The operator as a process of its own, as a cluster runs it. */
export interface RunningOperator {
  readonly pid: number;
  /** Every line so far, parsed. */
  readonly log: readonly LogLine[];
  /** Lines that were not JSON, and whatever came on standard error. */
  readonly stray: readonly string[];
  /** Where /healthz, /readyz and /metrics answer. */
  readonly url: string;
  /** Sends a signal and waits for the end; gives the exit status. May be called twice. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Resolves with the exit status when it ended, by whatever cause. */
  readonly ended: Promise<number | null>;
}

export interface OperatorOptions {
  kubeconfig: string;
  /** What node is given; the sources unless told. */
  program?: readonly string[];
  environment?: Readonly<Record<string, string | undefined>>;
}

const sources = [join(projectRoot, 'src/operator.ts')];

const launch = ({ kubeconfig, program = sources, environment = {} }: OperatorOptions) => {
  const child = spawn(process.execPath, [...program], {
    cwd: projectRoot,
    env: { PATH: process.env['PATH'], KUBECONFIG: kubeconfig, HOLDFAST_PORT: '0', ...imageEnvironment, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: LogLine[] = [];
  const stray: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    try {
      log.push(JSON.parse(line));
    } catch {
      stray.push(line);
    }
  });
  createInterface({ input: child.stderr }).on('line', (line) => stray.push(line));
  const ended = once(child, 'close').then(([code]): number | null => (typeof code === 'number' ? code : null));
  return { child, log, stray, ended };
};

/** Runs the operator to its end, for what does not start; with `stopWhen`, SIGTERM is sent once it holds. */
export const runToEnd = async ({
  stopWhen = () => false,
  ...options
}: OperatorOptions & { stopWhen?: () => boolean }): Promise<{
  code: number | null;
  log: LogLine[];
  stray: string[];
}> => {
  const { child, log, stray, ended } = launch(options);
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  const poll = setInterval(() => {
    if (!child.killed && stopWhen()) child.kill('SIGTERM');
  }, 100);
  const code = await ended;
  clearTimeout(timer);
  clearInterval(poll);
  return { code, log, stray };
};

/** What is waited for, and the line that says it. */
const states = { leading: 'leading: controllers start', standby: 'standing by: another process leads' } as const;

/** Starts the operator and waits until it leads, or stands by with its caches filled. @throws Error with its log when it ends before */
export const startOperator = async ({
  until = 'leading',
  limitMs = 30_000,
  ...options
}: OperatorOptions & {
  until?: keyof typeof states;
  /** How long it may take, in milliseconds: with ten thousand policies the first lists take half a minute. */
  limitMs?: number;
}): Promise<RunningOperator> => {
  const { child, log, stray, ended } = launch(options);
  let code: number | null | undefined;
  child.once('close', (status) => {
    code = status;
  });
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (code === undefined) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    const status = await ended;
    clearTimeout(timer);
    return status;
  };
  const endMs = Date.now() + limitMs;
  while (!log.some(({ msg }) => msg === states[until])) {
    if (code !== undefined || Date.now() > endMs) {
      await stop('SIGKILL');
      throw new Error(`the operator did not start (exit status ${code}):\n${JSON.stringify(log)}\n${stray.join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const port = log.find(({ msg }) => msg === 'holdfast starts')?.['port'];
  return { pid: child.pid ?? 0, log, stray, url: `http://127.0.0.1:${String(port)}`, stop, ended };
};
