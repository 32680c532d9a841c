import { mkdir } from 'node:fs/promises';
import type { RunKind } from '../api/v1alpha1/recovery-points.ts';
import type { Failure, Note, runSteps } from '../api/v1alpha1/result.ts';
import type { DumpTask, ShipTask } from '../api/v1alpha1/task.ts';
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
export interface RunContext<Task extends DumpTask | ShipTask = DumpTask | ShipTask> {
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
  /** Reports something a person should know although the run succeeds. */
  note(note: Note): void;
  /** Runs a program; see exec. HOME is the scratch directory. */
  run(command: Command): Promise<Ended>;
  /** Waits for a lock on the claim, until the deadline. `what` is for messages: "dump lock". */
  lock(path: string, what: string): Promise<HeldLock>;
}

/** What a container made, when it made something. Its points are in the ledger by then. */
export interface Made {
  readonly made?: RunKind;
  /** Whether the run has to dump: what the container that decides says. */
  readonly dumps?: boolean;
}

/** The work of a container: it returns when everything it made is checked, flushed and in the ledger, and throws otherwise. */
export type Work<Task extends DumpTask | ShipTask> = (context: RunContext<Task>) => Promise<Made>;

/** The parts of a run that the frame around it looks at. */
export interface Run<Task extends DumpTask | ShipTask> {
  readonly context: RunContext<Task>;
  readonly notes: readonly Note[];
  /** The step that is being done: for work that does not end when it is told to. */
  currentStep(): Failure['step'];
}

export interface RunOptions<Task extends DumpTask | ShipTask> {
  readonly task: Task;
  readonly jobName: string;
  readonly startTime: Date;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  readonly createLog: (redact: (text: string) => string) => Log;
}

export const createRun = <Task extends DumpTask | ShipTask>(options: RunOptions<Task>): Run<Task> => {
  const { task, jobName, startTime, signal, now } = options;
  const secrets = createSecrets();
  const log = options.createLog((text) => secrets.redact(text));
  const layout = claimLayout(task.claim);
  const scope = { signal, log, home: task.scratch };
  // The ledger is also written when the run was stopped, to say so: its lock has a time limit of its own.
  const ledger = createLedgerStore({ ...scope, signal: new AbortController().signal }, layout, now);
  const notes: Note[] = [];
  const steps: RunStep[] = ['Prepare'];
  const deadline = startTime.getTime() + task.deadlineSeconds * 1000;
  const remainingSeconds = (): number =>
    Math.max(0, Math.floor((deadline - now().getTime()) / 1000) - Math.min(reserveSeconds, task.deadlineSeconds / 2));
  const context: RunContext<Task> = {
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
      steps.push(name);
      log.info(`step ${name}`);
      try {
        return await work();
      } catch (error) {
        throw error instanceof StepFailure ? error : new StepFailure(name, error);
      } finally {
        steps.pop();
      }
    },
    note(note) {
      log.warn(note.message, { reason: note.reason });
      notes.push(note);
    },
    run: (command) => exec(scope, command),
    lock: (path, what) => acquireLock(scope, path, { what, timeoutSeconds: remainingSeconds() }),
  };
  return { context, notes, currentStep: () => steps.at(-1) ?? 'Prepare' };
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
