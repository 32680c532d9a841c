import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createLog } from '../../../src/agent/log.ts';
import { createRun, type RunContext } from '../../../src/agent/run.ts';
import type { Compared, VerifyEngine } from '../../../src/agent/verify/engine.ts';
import type { Sandbox, VerifyTask } from '../../../src/api/v1alpha1/task.ts';
import { RunError } from '../../../src/errors/run-error.ts';
import { makeDirectory } from './directories.ts';
import { subject } from '../../support/subject.ts';

/** What the container that loads and compares has, with the engine called as it calls it. */
export interface EngineBench {
  readonly context: RunContext<VerifyTask>;
  /** Where fetched sets lie. */
  readonly fetched: string;
  /** Lays a copy out as a set that was fetched. */
  lay(copy: string): Promise<string>;
  remove(): Promise<void>;
}

export const makeEngineBench = async (
  sandbox: Sandbox,
  { startSeconds = 20, deadlineSeconds = 120 }: { startSeconds?: number; deadlineSeconds?: number } = {},
): Promise<EngineBench> => {
  const { path, remove } = await makeDirectory();
  const [claim, scratch, fetched] = ['claim', 'scratch', 'fetched'].map((name) => join(path, name)) as [
    string,
    string,
    string,
  ];
  for (const directory of [claim, scratch, fetched]) await mkdir(directory);
  const stop = new AbortController();
  const { context } = createRun<VerifyTask>({
    task: {
      kind: 'Verify',
      policy: { namespace: 'test', name: 'test' },
      claim,
      scratch,
      subject,
      deadlineSeconds,
      sandbox,
      fetched,
      queries: [],
      startSeconds,
    },
    jobName: 'verify-1',
    startTime: new Date(),
    signal: stop.signal,
    stop: (failure) => stop.abort(failure),
    now: () => new Date(),
    createLog: (redact) => createLog(redact, {}, { write: () => undefined }),
  });
  const timer = setTimeout(
    () => stop.abort(new RunError('DeadlineExceeded', 'The time is over.')),
    deadlineSeconds * 1000,
  );
  return {
    context,
    fetched,
    async lay(copy) {
      const directory = join(fetched, 'latest');
      await cp(copy, directory, { recursive: true });
      return directory;
    },
    async remove() {
      clearTimeout(timer);
      await remove();
    },
  };
};

/** Loads a set and compares it; what was thrown as `Reason: detail`. */
export const verdictOf = async (
  engine: VerifyEngine,
  { context }: Pick<EngineBench, 'context'>,
  directory: string,
): Promise<Compared | string> => {
  try {
    await engine.start(context);
    await engine.load(context, directory);
    return await engine.compare(context, directory);
  } catch (error) {
    return reasonOf(error);
  }
};

/** A failure as `Reason: detail`. What is in no catalogue fails the test. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof RunError)) throw error;
  return `${error.reason}: ${error.detail}`;
};

/** Runs work with a directory of programs put before PATH. */
export const withPath = async <T>(programs: string, work: () => Promise<T>): Promise<T> => {
  const before = process.env['PATH'];
  process.env['PATH'] = `${programs}:${before ?? ''}`;
  try {
    return await work();
  } finally {
    process.env['PATH'] = before;
  }
};
