import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createMysqlVerifier } from '../../../src/agent/engines/mysql/verify.ts';
import { createRun, type RunContext } from '../../../src/agent/run.ts';
import type { Compared, VerifyEngine } from '../../../src/agent/verify/engine.ts';
import type { VerifyTask } from '../../../src/api/v1alpha1/task.ts';
import { RunError } from '../../../src/errors/run-error.ts';
import { makeDirectory } from './directories.ts';
import { subject } from '../../support/subject.ts';

/** The engine of a verification, in this process, beside a scratch server. */
export interface MysqlVerifyBench {
  readonly engine: VerifyEngine;
  readonly context: RunContext<VerifyTask>;
  /** What the engine has logged. */
  readonly log: readonly string[];
  /** Loads and compares, as the container does. */
  verify(directory: string): Promise<Compared>;
  stop(): void;
  remove(): Promise<void>;
}

export const makeVerifyBench = async (
  socket: string,
  task: Partial<VerifyTask> = {},
  below?: string,
): Promise<MysqlVerifyBench> => {
  const { path, remove } = await makeDirectory(below);
  for (const name of ['claim', 'scratch', 'fetched']) await mkdir(join(path, name));
  const abort = new AbortController();
  const log: string[] = [];
  const say =
    (level: string) =>
    (message: string, fields: object = {}) =>
      void log.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const { context } = createRun<VerifyTask>({
    task: {
      kind: 'Verify',
      policy: { namespace: 'agama', name: 'mysql' },
      claim: join(path, 'claim'),
      scratch: join(path, 'scratch'),
      fetched: join(path, 'fetched'),
      subject,
      deadlineSeconds: 600,
      sandbox: { mysql: { socket } },
      queries: [],
      startSeconds: 5,
      ...task,
    },
    jobName: 'policy-verify-1',
    startTime: new Date(),
    signal: abort.signal,
    stop: (failure) => abort.abort(failure),
    now: () => new Date(),
    createLog: () => ({ debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }),
  });
  const engine = createMysqlVerifier({ socket });
  return {
    engine,
    context,
    log,
    async verify(directory) {
      await engine.load(context, directory);
      return engine.compare(context, directory);
    },
    stop: () => abort.abort(new RunError('Interrupted', 'The pod was told to stop.')),
    remove,
  };
};

/** The reason that something failed with. */
export const reasonOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'none';
  } catch (error) {
    return error instanceof RunError ? error.reason : String(error);
  }
};
