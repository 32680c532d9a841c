import type { DestinationState, RestoreReport, SafetyCopy } from '../../api/v1alpha1/restore-report.ts';
import type { SwapCopyTask, SwapTask } from '../../api/v1alpha1/task.ts';
import { timestamp } from '../../base/times.ts';
import { RunError } from '../../errors/run-error.ts';
import type { Made, RunContext } from '../run.ts';
import { plainText, shorten } from '../text.ts';
import { checkLeave, waitForLeave } from './gate.ts';
import { originOf, type Origin } from './origin.ts';
import type { RestorerFor } from './restorer.ts';
import { orDiscard } from './undo.ts';

type Context = RunContext<SwapTask | SwapCopyTask>;

/**
 * Puts what was loaded in the place of the present data, once the operator says that nobody uses that, and while no dump runs. The result says
 * what the destination holds, also when this fails or is stopped.
 * @throws StepFailure with a RunError of the catalogue
 */
export const swapWith =
  (restorerFor: RestorerFor) =>
  async (context: Context): Promise<Made> => {
    let state: DestinationState = 'Untouched';
    let safetyCopy: SafetyCopy | undefined;
    context.restores((): RestoreReport => ({ ...(safetyCopy && { safetyCopy }), state }));
    const tell = (next: DestinationState): void => {
      if (next === 'Unavailable') checkBeginning(context);
      context.log.info(`the destination is now: ${next}`);
      state = next;
    };
    // Of an exchange that is not whole, what was loaded is a part of what is needed.
    const keeps = (): boolean => state === 'Unavailable' || state === 'Replaced';
    // What cannot be read at first is discarded all the same.
    await orDiscard(
      context,
      restorerFor(context.task),
      async () => {
        const origin = await context.step('Prepare', () => originOf(context, restorerFor));
        const made = await whileHeld(context, () => exchange(context, origin, tell));
        safetyCopy = fit(made, (text) => context.secrets.redact(text));
        if (state !== 'Replaced') {
          const was = state;
          state = 'Unavailable';
          throw new RunError('InternalError', `The exchange ended, and said of the destination only: ${was}.`);
        }
      },
      keeps,
    );
    return {};
  };

/**
 * Makes sure that the exchange may begin, at the moment before its first change: an engine may have taken long to get ready for it.
 * @throws the reason of the signal: who was told to stop begins nothing any more, since the result that says so may be written by now;
 * RunError as the operator's word says, which stays the cause whatever the engine makes of it
 */
const checkBeginning = (context: Context): void => {
  context.signal.throwIfAborted();
  try {
    checkLeave(context.task.gate.file, context.now());
  } catch (error) {
    context.fails(error);
    throw error;
  }
};

/** A dump that takes longer is not waited for: the workloads are down meanwhile. */
const longestDumpSeconds = 600;

/** An operator that said so before says it again every few seconds. */
const longestSilenceSeconds = 60;

/** Does the work while nobody uses the data and no dump runs. The operator's word is of the moment when the work begins. */
const whileHeld = async (context: Context, work: () => Promise<SafetyCopy>): Promise<SafetyCopy> => {
  const { task, layout } = context;
  const { gate } = task;
  await context.step('Wait', () => waitForLeave(context, gate));
  const lock = await context.step('Lock', () =>
    context.lock(layout.dumpLock, 'lock for dumps', Math.min(gate.waitSeconds, longestDumpSeconds)),
  );
  try {
    // The lock may have been waited for.
    const waitSeconds = Math.min(gate.waitSeconds, longestSilenceSeconds);
    await context.step('Wait', () => waitForLeave(context, { ...gate, waitSeconds }));
    return await work();
  } finally {
    await lock.release();
  }
};

const exchange = (
  context: Context,
  { parts, directory }: Origin,
  tell: (state: DestinationState) => void,
): Promise<SafetyCopy> =>
  context.step('Swap', async () => {
    const { ledger, now, task } = context;
    // Before anything is changed: whatever becomes of it, the next backup continues nothing that was made before.
    const restored = { time: timestamp(now()), request: task.request.name };
    await ledger.update((current) => ({ ...current, restored }));
    context.signal.throwIfAborted();
    return parts.swap(context, directory, tell);
  });

const maxNames = 8;
const maxName = 160;
const maxHowToUse = 320;

/** As much as a result has room for. */
const fit = ({ kind, names, count, howToUse }: SafetyCopy, redact: (text: string) => string): SafetyCopy => {
  const words = (text: string, max: number): string => shorten(plainText(redact(text)), max);
  return {
    kind,
    names: names.slice(0, maxNames).map((name) => words(name, maxName)),
    count,
    ...(howToUse !== undefined && { howToUse: words(howToUse, maxHowToUse) }),
  };
};
