import { mkdir } from 'node:fs/promises';
import type { RetentionState, RunKind } from '../api/v1alpha1/recovery-points.ts';
import type { RestoreReport } from '../api/v1alpha1/restore-report.ts';
import type { Failure, Note, runSteps } from '../api/v1alpha1/result.ts';
import type { AgentTask } from '../api/v1alpha1/task.ts';
import type { VerificationResult } from '../api/v1alpha1/verification.ts';
import { RunError } from '../errors/run-error.ts';
import { exec, type Command, type Ended } from './exec.ts';
import { StepFailure } from './failure-of.ts';
import { claimLayout, type ClaimLayout } from './layout.ts';
import { createLedgerStore, type LedgerStore } from './ledger-store.ts';
import { acquireLock, type HeldLock } from './lock.ts';
import type { Log } from './log.ts';
import { createSecrets, type Secrets } from './secrets.ts';

export type RunStep = (typeof runSteps)[number];

/** Time left over for writing the result when a lock is waited for until the deadline. */
const reserveSeconds = 5;

/** What a run works with. Everything it starts ends when `signal` aborts (deadline, SIGTERM), whose reason is the failure. */
export interface RunContext<Task extends AgentTask = AgentTask> {
  readonly task: Task;
  readonly jobName: string;
  readonly startTime: Date;
  readonly layout: ClaimLayout;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly secrets: Secrets;
  readonly ledger: LedgerStore;
  now(): Date;
  /** Seconds until the deadline, less a reserve for the end. */
  remainingSeconds(): number;
  /** Does a part of the work under the name that a failure in it is reported with. The innermost step counts. */
  step<T>(name: RunStep, work: () => Promise<T>): Promise<T>;
  /** Does the dump: the result tells when it began and ended. */
  dumping<T>(work: () => Promise<T>): Promise<T>;
  /** Stops the run at a time, with this failure, unless what is given back is called before. */
  stopAt(time: Date, failure: RunError): () => void;
  /** Reports something a person should know although the run succeeds. */
  note(note: Note): void;
  /** Says what a verification has found, should the run fail from now on: also one that is stopped, or hangs. */
  verifies(found: (failure: Failure) => VerificationResult): void;
  /** Says what a container of a restore has found or done so far: the result tells it however the run ends, also of one that is stopped, or hangs. */
  restores(report: () => RestoreReport): void;
  /** Says why the run fails although it is not over: what is undone after it, or being stopped meanwhile, does not hide that. */
  fails(error: unknown): void;
  /** The same run for what is done after it was told to stop: it ends after so many milliseconds, and by nothing else. */
  lasting(milliseconds: number): RunContext<Task>;
  /** Runs a program; see exec. HOME is the scratch directory. `also` stops this program alone. */
  run(command: Command, also?: AbortSignal): Promise<Ended>;
  /** Waits for a lock on the claim, until the deadline or for so many seconds. `what` is for messages: "dump lock". */
  lock(path: string, what: string, atMostSeconds?: number): Promise<HeldLock>;
}

/** What a container made, when it made something. Its points are in the ledger by then. */
export interface Made {
  readonly made?: RunKind;
  /** What a prune found and left. */
  readonly retention?: RetentionState;
  /** What a verification that came to its end found. */
  readonly verification?: VerificationResult;
  /** Whether the run has to dump: what the container that decides says. */
  readonly dumps?: boolean;
}

/** The work of a container: it returns when everything it made is checked, flushed and in the ledger, and throws otherwise. */
export type Work<Task extends AgentTask> = (context: RunContext<Task>) => Promise<Made>;

/** When a dump began, and ended if it did. */
export interface DumpTimes {
  readonly startTime: Date;
  readonly endTime?: Date;
}

/** The parts of a run that the frame around it looks at. */
export interface Run<Task extends AgentTask> {
  readonly context: RunContext<Task>;
  readonly notes: readonly Note[];
  /** When it dumped, as far as it did. */
  dumped(): DumpTimes | undefined;
  /** What a verification has found, when the run failed. */
  found(failure: Failure): VerificationResult | undefined;
  /** What a container of a restore has found or done. */
  restored(): RestoreReport | undefined;
  /** Why it fails, when that was said before its end. */
  failing(): unknown;
  /** The step that is being done: for work that does not end when it is told to. */
  currentStep(): Failure['step'];
}

export interface RunOptions<Task extends AgentTask> {
  readonly task: Task;
  readonly jobName: string;
  readonly startTime: Date;
  readonly signal: AbortSignal;
  /** Aborts `signal`. */
  readonly stop: (failure: RunError) => void;
  readonly now: () => Date;
  readonly createLog: (redact: (text: string) => string) => Log;
}

export const createRun = <Task extends AgentTask>(options: RunOptions<Task>): Run<Task> => {
  const { task, jobName, startTime, stop, now } = options;
  const secrets = createSecrets();
  const log = options.createLog((text) => secrets.redact(text));
  const layout = claimLayout(task.claim);
  // The ledger is also written when the run was stopped, to say so: its lock has a time limit of its own.
  const ledger = createLedgerStore({ log, home: task.scratch, signal: new AbortController().signal }, layout, now);
  const notes: Note[] = [];
  const steps: { readonly name: RunStep }[] = [{ name: 'Prepare' }];
  let dumpTimes: DumpTimes | undefined;
  let found: ((failure: Failure) => VerificationResult) | undefined;
  let restored: (() => RestoreReport) | undefined;
  let failing: unknown;
  const deadline = startTime.getTime() + task.deadlineSeconds * 1000;
  const untilDeadline = (): number =>
    Math.max(0, Math.floor((deadline - now().getTime()) / 1000) - Math.min(reserveSeconds, task.deadlineSeconds / 2));
  const contextOf = (signal: AbortSignal, remainingSeconds: () => number): RunContext<Task> => ({
    task,
    jobName,
    startTime,
    layout,
    signal,
    log,
    secrets,
    ledger,
    now,
    remainingSeconds,
    async step(name, work) {
      signal.throwIfAborted();
      const step = { name };
      steps.push(step);
      log.info(`step ${name}`);
      try {
        return await work();
      } catch (error) {
        throw error instanceof StepFailure ? error : new StepFailure(name, error);
      } finally {
        // Not always the last: steps may be done side by side.
        steps.splice(steps.indexOf(step), 1);
      }
    },
    async dumping(work) {
      const began = now();
      dumpTimes = { startTime: began };
      try {
        return await work();
      } finally {
        dumpTimes = { startTime: began, endTime: now() };
      }
    },
    stopAt(time, failure) {
      const timer = setTimeout(() => stop(failure), Math.max(0, time.getTime() - now().getTime()));
      return () => clearTimeout(timer);
    },
    note(note) {
      log.warn(note.message, { reason: note.reason });
      notes.push(note);
    },
    verifies(finding) {
      found = finding;
    },
    restores(report) {
      restored = report;
    },
    fails(error) {
      if (!options.signal.aborted) failing ??= error;
    },
    lasting: (milliseconds) => contextOf(AbortSignal.timeout(milliseconds), () => Math.floor(milliseconds / 1000)),
    run: (command, also) =>
      exec({ signal: also === undefined ? signal : AbortSignal.any([signal, also]), log, home: task.scratch }, command),
    lock: (path, what, atMostSeconds = Infinity) =>
      acquireLock({ signal, log, home: task.scratch }, path, {
        what,
        timeoutSeconds: Math.min(remainingSeconds(), atMostSeconds),
      }),
  });
  return {
    context: contextOf(options.signal, untilDeadline),
    notes,
    dumped: () => dumpTimes,
    found: (failure) => found?.(failure),
    restored: () => restored?.(),
    failing: () => failing,
    currentStep: () => steps.at(-1)?.name ?? 'Prepare',
  };
};

/** Makes the directories that every run needs. @throws RunError ClaimUnusable */
export const prepareClaim = async ({ claim }: { claim: string }): Promise<void> => {
  try {
    await mkdir(claimLayout(claim).copies, { recursive: true });
  } catch (error) {
    throw new RunError('ClaimUnusable', `The claim at ${claim} cannot be written to: ${String(error)}.`, {
      cause: error,
    });
  }
};
