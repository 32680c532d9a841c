import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';

/** A server process of this one: it does not outlive it. */
export type Server = {
  readonly pid: number;
  /** Resolves when the process has ended, however that was. */
  readonly ended: Promise<unknown>;
  /** False once it has ended. */
  running(): boolean;
  /** Ends it and waits; SIGKILL unless told. What has not ended 20 s after another signal is killed. */
  stop(signal?: NodeJS.Signals): Promise<void>;
};

const PATIENCE_MS = 20_000;

/**
 * The command that ends with its parent, even when that is killed: setpriv(1) sets the signal which prctl(2) PR_SET_PDEATHSIG sends.
 * Only Linux has it.
 */
export const dyingWithParent = (program: string, args: readonly string[], platform: string): [string, string[]] =>
  platform === 'linux' ? ['setpriv', ['--pdeathsig', 'KILL', '--', program, ...args]] : [program, [...args]];

/**
 * Starts a server whose output is appended to `log`. By spawn and not execa: the log is the process's own file, so that it can write
 * whatever this process is doing.
 *
 * @throws Error when the program cannot be run
 */
export const startServer = async (program: string, args: readonly string[], log: string): Promise<Server> => {
  const file = await open(log, 'a');
  try {
    const [command, commandArguments] = dyingWithParent(program, args, process.platform);
    const child = spawn(command, commandArguments, { stdio: ['ignore', file.fd, file.fd] });
    const ended = once(child, 'exit');
    // The promise is one of two ways to hear of a failed start; the other is awaited here.
    ended.catch(() => {});
    await once(child, 'spawn');
    if (child.pid === undefined) throw new Error(`${program} could not be started`);
    return {
      pid: child.pid,
      ended,
      running: () => child.exitCode === null && child.signalCode === null,
      stop: async (signal = 'SIGKILL') => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill(signal);
        const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
        await ended;
        clearTimeout(timer);
      },
    };
  } finally {
    await file.close();
  }
};

/** The last lines of a log, to be shown with a failure. */
export const tail = async (log: string, lines = 8): Promise<string> => {
  const text = await readFile(log, 'utf8').catch(() => '(no log)');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
};
