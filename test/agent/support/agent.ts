import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { maxResultBytes, result, type ContainerName, type Result } from '../../../src/api/v1alpha1/result.ts';
import { jobVariable, taskVariable } from '../../../src/api/v1alpha1/task.ts';
import { compileCache } from './compile-cache.ts';
import { makeDirectory } from './directories.ts';

const main = join(import.meta.dirname, '../../../src/agent/main.ts');

/** How an agent ended. */
export interface AgentEnd {
  readonly exitCode: number | null;
  /** The result by its schema. Reading it fails the test when it is not valid or too large. */
  readonly result: Result;
  /** Everything on stdout and stderr. */
  readonly log: string;
  readonly seconds: number;
}

/** An agent that runs as a process of its own, as in its container. */
export interface RunningAgent {
  readonly pid: number;
  readonly end: Promise<AgentEnd>;
  /** What a deleted pod gets. */
  terminate(): void;
  /** What a lost node does. */
  kill(): void;
}

export interface AgentOptions {
  readonly jobName?: string;
  /** Directory put before PATH: for programs that misbehave. */
  readonly programs?: string | undefined;
}

export const startAgent = async (
  container: ContainerName,
  task: unknown,
  { jobName = 'policy-job-1', programs }: AgentOptions = {},
): Promise<RunningAgent> => {
  const directory = await makeDirectory();
  const terminationLog = join(directory.path, 'termination-log');
  const path = process.env['PATH'] ?? '';
  const began = Date.now();
  const child = spawn(process.execPath, [main, container], {
    env: {
      ...compileCache,
      PATH: programs === undefined ? path : `${programs}:${path}`,
      ...(task !== undefined && { [taskVariable]: JSON.stringify(task) }),
      [jobVariable]: jobName,
      HOLDFAST_TERMINATION_LOG: terminationLog,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const finish = async (): Promise<AgentEnd> => {
    await once(child, 'exit');
    const seconds = (Date.now() - began) / 1000;
    const log = (await output).join('');
    const written = await readFile(terminationLog, 'utf8').catch(() => '');
    await rm(directory.path, { recursive: true });
    return { exitCode: child.exitCode, result: readResult(written, log), log, seconds };
  };
  return {
    pid: child.pid ?? 0,
    end: finish(),
    terminate: () => void child.kill('SIGTERM'),
    kill: () => void child.kill('SIGKILL'),
  };
};

/** Runs an agent to its end. */
export const runAgent = async (container: ContainerName, task: unknown, options?: AgentOptions): Promise<AgentEnd> => {
  const agent = await startAgent(container, task, options);
  return agent.end;
};

/** What a test looks at: the outcome, or the reason. */
export const outcomeOf = ({ result: { outcome, failure } }: AgentEnd): string =>
  failure === undefined ? outcome : `${outcome}: ${failure.reason} at ${failure.step}`;

const readResult = (written: string, log: string): Result => {
  if (Buffer.byteLength(written) > maxResultBytes) throw new Error(`the result has ${written.length} bytes`);
  try {
    return result.parse(JSON.parse(written));
  } catch (error) {
    throw new Error(`the agent wrote no valid result: ${written}\n${log}`, { cause: error });
  }
};
