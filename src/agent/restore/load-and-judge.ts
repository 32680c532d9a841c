import type { RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import type { RunContext } from '../run.ts';
import { timed } from '../timed.ts';
import type { Compared } from '../verify/engine.ts';
import { judgeRestored, type Judged, type JudgedSet, type JudgeOptions } from './judge.ts';

/** Compares what is there with the facts, says in the log what differs, and judges it. @throws CheckFailed ContentDiffers; RunError FactsUnknown */
export const compareAndJudge = async (
  { log }: Pick<RunContext, 'log'>,
  set: JudgedSet,
  options: JudgeOptions,
  compare: () => Promise<Compared>,
): Promise<Judged> => {
  const found = await compare();
  for (const mismatch of found.mismatches) log.error('differs', { mismatch });
  return judgeRestored(found, set, options);
};

/** How what was fetched is loaded, wherever that is, and compared. */
export interface Loading extends JudgeOptions {
  readonly set: JudgedSet;
  load(): Promise<void>;
  compare(): Promise<Compared>;
}

/** Loads what was fetched and compares it. What is not proven of it, and may be kept all the same, is told. @throws StepFailure with a RunError of the catalogue */
export const loadAndJudge = async (
  context: Pick<RunContext, 'step' | 'signal' | 'note' | 'log'>,
  { set, load, compare, replaces }: Loading,
): Promise<NonNullable<RestoreReport['compared']>> => {
  const { seconds: loadSeconds } = await context.step('Load', () => timed(load));
  const { value, seconds: compareSeconds } = await context.step('Compare', () =>
    timed(() => compareAndJudge(context, set, { replaces }, compare)),
  );
  context.signal.throwIfAborted();
  const { compared, unproven } = value;
  if (unproven !== undefined)
    context.note({ reason: 'FactsUnknown', message: `It is not proven that all of the backup is there. ${unproven}` });
  return { ...compared, loadSeconds, compareSeconds };
};
