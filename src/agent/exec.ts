import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { RunError } from '../errors/run-error.ts';
import type { Log } from './log.ts';

/** How long a process may take to end after SIGTERM before its group gets SIGKILL. */
const killAfterMs = 10_000;
const defaultTailLines = 20;
const longestKeptLine = 2000;

/** What is done with a stream that a program writes. */
export type Output = 'log' | 'ignore' | 'capture' | { readonly fd: number } | { readonly line: (line: string) => void };

/** A file descriptor from 3 on: handed down as it is (a lock), or read line by line (a machine-readable log). */
export type ExtraFd = { readonly inherit: number } | { readonly line: (line: string) => void };

/** A program to run. Arguments are handed over one by one; no shell sees them. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Added to PATH, HOME and LANG; nothing else is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A directory that is searched for programs before all others, by this one and what it runs. */
  readonly programs?: string;
  /** Text for standard input, a file that is open, or a stream; closed when left out. An error of the stream is the caller’s to notice. */
  readonly stdin?: string | { readonly fd: number } | { readonly stream: Readable };
  /** `log` by default. */
  readonly stdout?: Output;
  /** What is done with standard error besides keeping its end for messages; `log` by default. */
  readonly stderr?: 'log' | 'ignore' | { readonly line: (line: string) => void };
  /** File descriptors 3, 4 … */
  readonly extra?: readonly ExtraFd[];
  /** How many of the last lines of standard error are kept; 20 by default. */
  readonly tailLines?: number;
}

/** How a program ended. A status other than zero is not an error here: the caller judges. */
export interface Ended {
  /** Missing when it was ended by a signal. */
  readonly exitCode: number | undefined;
  readonly killedBy: string | undefined;
  /** Standard output, for `capture`. */
  readonly stdout: string;
  /** The last lines of standard error. */
  readonly stderr: string;
}

/** What of the run a program needs. */
export interface ExecScope {
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly home: string;
}

/**
 * Runs a program to its end. When the run's signal aborts, its whole process group gets SIGTERM, and SIGKILL 10 s later.
 * @throws the reason of the signal when that aborted; RunError InternalError when the program cannot be started.
 */
export const exec = async (scope: ExecScope, command: Command): Promise<Ended> => {
  scope.signal.throwIfAborted();
  const { file, args, stdout = 'log', extra = [] } = command;
  const toLog = (stream: string) => (line: string) => scope.log.info(line, { program: file, stream });
  const tail = keepTail(command.tailLines ?? defaultTailLines);
  const captured: string[] = [];
  const onStdout = lineReader(stdout, toLog('stdout'), (line) => captured.push(line));
  const path = process.env['PATH'] ?? '/usr/bin:/bin';
  const child = execa(file, [...args], {
    env: {
      PATH: command.programs === undefined ? path : `${command.programs}:${path}`,
      HOME: scope.home,
      LANG: 'C.UTF-8',
      ...command.env,
    },
    extendEnv: false,
    ...(command.cwd !== undefined && { cwd: command.cwd }),
    ...(typeof command.stdin === 'string' && { input: command.stdin }),
    ...(typeof command.stdin === 'object' && 'stream' in command.stdin && { input: command.stdin.stream }),
    stdio: [
      typeof command.stdin === 'object' && 'fd' in command.stdin
        ? inherited(command.stdin.fd)
        : command.stdin === undefined
          ? 'ignore'
          : 'pipe',
      typeof stdout === 'object' && 'fd' in stdout ? inherited(stdout.fd) : stdout === 'ignore' ? 'ignore' : 'pipe',
      'pipe',
      ...extra.map((fd) => ('inherit' in fd ? inherited(fd.inherit) : ('pipe' as const))),
    ],
    // A group of its own, so that what the program started is stopped with it.
    detached: true,
    cleanup: false,
    reject: false,
    buffer: false,
  });
  const group = stopGroup(child.nodeChildProcess, scope.signal);
  const reads = [
    readLines(child.stdio[1], onStdout),
    readLines(child.stdio[2], (line) => {
      tail.add(line);
      if (typeof command.stderr === 'object') command.stderr.line(line);
      else if (command.stderr !== 'ignore') toLog('stderr')(line);
    }),
    ...extra.map((fd, index) => readLines(child.stdio[index + 3], 'line' in fd ? fd.line : undefined)),
  ];
  const ended = await child;
  await Promise.all(reads);
  group.dispose();
  scope.signal.throwIfAborted();
  if (ended.exitCode === undefined && ended.signal === undefined) throw cannotStart(command, ended);
  return { exitCode: ended.exitCode, killedBy: ended.signal, stdout: captured.join('\n'), stderr: tail.text() };
};

/** How a program ended, in words: its status and the last words on standard error. */
export const lastWords = (file: string, { exitCode, killedBy, stderr }: Ended): string => {
  const how = killedBy === undefined ? `ended with status ${exitCode}` : `was ended by ${killedBy}`;
  return stderr === '' ? `${file} ${how}.` : `${file} ${how}: ${stderr.split('\n').slice(-3).join(' | ')}`;
};

const lineReader = (
  output: Output,
  log: (line: string) => void,
  capture: (line: string) => void,
): ((line: string) => void) | undefined => {
  if (output === 'log') return log;
  if (output === 'capture') return capture;
  return typeof output === 'object' && 'line' in output ? output.line : undefined;
};

const readLines = async (stream: unknown, onLine: ((line: string) => void) | undefined): Promise<void> => {
  if (!(stream instanceof Readable) || onLine === undefined) return;
  const lines = createInterface({ input: stream, crlfDelay: Infinity });
  lines.on('line', onLine);
  await new Promise<void>((resolve) => {
    lines.once('close', resolve);
    stream.once('error', () => lines.close());
  });
};

const keepTail = (count: number) => {
  const lines: string[] = [];
  return {
    add(line: string): void {
      lines.push(line.slice(0, longestKeptLine));
      if (lines.length > count) lines.shift();
    },
    text: (): string => lines.join('\n'),
  };
};

// execa's types know the first ten descriptors only; it passes any.
const inherited = (fd: number): 9 => fd as 9;

const stopGroup = (child: ChildProcess, signal: AbortSignal): { dispose(): void } => {
  const { pid } = child;
  if (pid === undefined) return { dispose: () => undefined };
  let force: NodeJS.Timeout | undefined;
  const stop = (): void => {
    killGroup(pid, 'SIGTERM');
    force = setTimeout(() => killGroup(pid, 'SIGKILL'), killAfterMs);
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  // What a program left behind would keep its pipes open, and the run waiting.
  child.once('exit', () => killGroup(pid, 'SIGKILL'));
  return {
    dispose() {
      clearTimeout(force);
      signal.removeEventListener('abort', stop);
    },
  };
};

const killGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone, which is what was wanted.
  }
};

const cannotStart = (
  { file }: Command,
  ended: { readonly code?: string | undefined; readonly cause?: unknown },
): RunError => {
  const why = ended.code === 'ENOENT' ? 'it is not in the image' : (ended.code ?? 'for an unknown cause');
  return new RunError('InternalError', `${file} could not be started: ${why}.`, { cause: ended.cause });
};
