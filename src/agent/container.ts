import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { jobKind, type JobKind } from '../api/v1alpha1/recovery-points.ts';
import type { Failure, Note, Result } from '../api/v1alpha1/result.ts';
import { jobVariable, taskVariable, type AgentTask } from '../api/v1alpha1/task.ts';
import { RunError } from '../errors/run-error.ts';
import { failureOf, StepFailure } from './failure-of.ts';
import { fitResult } from './fit-result.ts';
import { emptyLedger, maxLedgerRuns, type Ledger, type LedgerRun } from './ledger.ts';
import { newest } from './ledger-store.ts';
import { createLog, type Log } from './log.ts';
import { createRun, prepareClaim, type DumpTimes, type Made, type Run, type RunContext, type Work } from './run.ts';
import { plainText, shorten } from './text.ts';
import { timestamp, timestampAfter } from '../base/times.ts';

/** Where kubelet reads the result; another path is for tests. */
export const terminationLogVariable = 'HOLDFAST_TERMINATION_LOG';
const terminationLog = '/dev/termination-log';
const maxNote = 320;

/** How long work that was told to stop may take, before the result is written without it. Below the grace period of a pod (30 s). */
const stopMs = 15_000;

/** A timer that is set for longer goes off at once. */
const longestTimerMs = 2 ** 31 - 1;

/** What a container does: the task it reads and the work. */
export interface Container<Task extends AgentTask> {
  readonly name: Result['container'];
  readonly task: { parse(value: unknown): Task };
  readonly work: Work<Task>;
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
  /** Calls back on SIGTERM. */
  readonly onTerminate: (stop: () => void) => void;
}

/** Runs a container's task to its end and writes the result. Gives back the exit status: 0 only when the result says Succeeded. */
export const runContainer = async <Task extends AgentTask>(
  container: Container<Task>,
  { env, now, onTerminate }: Surroundings,
): Promise<0 | 1> => {
  const startTime = now();
  const jobName = env[jobVariable] ?? 'unknown';
  const stop = new AbortController();
  onTerminate(() => stop.abort(new RunError('Interrupted', 'The pod was told to stop.')));
  const log = (redact: (text: string) => string): Log => createLog(redact, { container: container.name, job: jobName });

  const task = readTask(container, env[taskVariable]);
  if (task instanceof RunError) {
    const failure = failureOf(task, 'Prepare', (text) => text);
    log((text) => text).error(failure.message, { reason: failure.reason });
    const times = { startTime: timestamp(startTime), completionTime: timestamp(now()) };
    const result = {
      version: 1,
      container: container.name,
      kind: kindIn(env[taskVariable]),
      outcome: 'Failed',
      ...times,
    } as const;
    await writeResult(env, { ...result, failure, notes: [], newest: {} });
    return 1;
  }

  const timer = setTimeout(
    () => stop.abort(new RunError('DeadlineExceeded', `The run was not done after ${task.deadlineSeconds} s.`)),
    Math.min(task.deadlineSeconds * 1000, longestTimerMs),
  );
  const run = createRun({
    task,
    jobName,
    startTime,
    signal: stop.signal,
    stop: (failure) => stop.abort(failure),
    now,
    createLog: log,
  });
  const result = await finish(container, run, await attempt(container.work, run));
  clearTimeout(timer);
  run.context.log.info(`run ${result.outcome}`, { result });
  await writeResult(env, result);
  return result.outcome === 'Succeeded' ? 0 : 1;
};

type Attempt = Made | { readonly failure: Failure };

const attempt = async <Task extends AgentTask>(work: Work<Task>, run: Run<Task>): Promise<Attempt> => {
  const { context } = run;
  const { signal, secrets, log } = context;
  try {
    const made = prepareClaim(context.task).then(() => work(context));
    const done = await Promise.race([made, stopped(signal)]);
    signal.throwIfAborted();
    return done;
  } catch (error) {
    const step = error instanceof StepFailure ? error.step : run.currentStep();
    // Whatever else breaks when a run is stopped, that it was stopped is the cause; unless it had failed before.
    const cause = run.failing() ?? (signal.aborted ? signal.reason : error);
    const failure = failureOf(cause, step, (text) => secrets.redact(text));
    log.error(failure.message, { step: failure.step, reason: failure.reason, error: originOf(error) });
    return { failure };
  }
};

const originOf = (error: unknown): unknown => {
  if (!(error instanceof Error) || error.cause === undefined) return error;
  return originOf(error.cause);
};

/** Rejects some time after the signal aborted: for work that does not stop when told. */
const stopped = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason as Error), stopMs));
  });

const finish = async <Task extends AgentTask>(
  { name }: Container<Task>,
  { context, notes, dumped, found, restored }: Run<Task>,
  outcome: Attempt,
): Promise<Result> => {
  const { task, jobName, secrets } = context;
  const failed = 'failure' in outcome;
  const { retention, verification, ...ended } =
    'failure' in outcome ? { ...outcome, retention: undefined, verification: found(outcome.failure) } : outcome;
  const common = {
    kind: task.kind,
    startTime: timestamp(context.startTime),
    completionTime: timestamp(context.now()),
    outcome: failed ? ('Failed' as const) : ('Succeeded' as const),
    ...ended,
  };
  // A run of several containers is over when the last is, or when one failed.
  const over = failed || isLast(name, task);
  const restore = restored();
  const ledger = await record(context, over ? [{ ...common, jobName }] : []);
  return {
    version: 1,
    container: name,
    ...common,
    repository: task.subject.repository,
    ...dumpOf(dumped(), context.now()),
    notes: mostImportant(notes).map(({ reason, message }) => ({
      reason,
      message: shorten(plainText(secrets.redact(message)), maxNote),
    })),
    ...(retention && { retention }),
    ...(verification && { verification }),
    ...(restore && { restore }),
    newest: newest(ledger, task.subject),
  };
};

/** After these another container of the same run is to come, or they are no run of their own. */
const notLast: readonly Result['container'][] = ['fetch', 'resolve', 'inspect', 'bring', 'swap', 'keep', 'discard'];

/** Whether a run that came so far has come to its end. A restore in place has when what is in place was compared. */
const isLast = (name: Result['container'], task: AgentTask): boolean => {
  if (name === 'dump') return task.kind === 'LocalCopy';
  if (name === 'load') return 'into' in task && task.into.by !== 'InPlace';
  return !notLast.includes(name);
};

// Rounded up: a dump that was stopped when the window closed did not end within it.
const dumpOf = (times: DumpTimes | undefined, now: Date): Pick<Result, 'dump'> =>
  times === undefined
    ? {}
    : { dump: { startTime: timestamp(times.startTime), endTime: timestampAfter(times.endTime ?? now) } };

const maxNotes = 2;

/** That a window was not kept is promised to be told, and a source that shrank freezes retention: there is room for two. */
const isGrave = ({ reason }: Note): boolean => reason === 'OutsideWindow' || reason === 'SourceShrunk';

/** The gravest first. */
const mostImportant = (notes: readonly Note[]): Note[] =>
  notes.toSorted((a, b) => Number(isGrave(b)) - Number(isGrave(a))).slice(0, maxNotes);

// The points that were made are in the ledger by now; the memory of runs is for people, so a failure here fails nothing.
const record = async ({ ledger, log }: RunContext, runs: readonly LedgerRun[]): Promise<Ledger> => {
  try {
    if (runs.length === 0) return await ledger.read();
    return await ledger.update((current) => ({
      ...current,
      runs: [...current.runs.filter((run) => run.jobName !== runs[0]?.jobName), ...runs].slice(-maxLedgerRuns),
    }));
  } catch (error) {
    log.warn('the run could not be recorded in the ledger', { error });
    return await ledger.read().catch(emptyLedger);
  }
};

const readTask = <Task extends AgentTask>({ task }: Container<Task>, text: string | undefined): Task | RunError => {
  if (text === undefined) return new RunError('InternalError', `The environment variable ${taskVariable} is not set.`);
  try {
    return task.parse(JSON.parse(text));
  } catch (error) {
    return new RunError('InternalError', `The task in ${taskVariable} cannot be read: ${String(error)}.`, {
      cause: error,
    });
  }
};

const kindIn = (text: string | undefined): JobKind => {
  const kinds = z.object({ kind: jobKind });
  try {
    return kinds.parse(JSON.parse(text ?? '')).kind;
  } catch {
    return 'LocalCopy';
  }
};

// The file is a mount of its own in the container, so it is written in place.
const writeResult = async (env: Surroundings['env'], result: Result): Promise<void> =>
  writeFile(env[terminationLogVariable] ?? terminationLog, fitResult(result));
