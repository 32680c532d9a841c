import type { RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import type { RunContext } from '../run.ts';
import { timed } from '../timed.ts';
import type { Compared } from '../verify/engine.ts';
import { judgeRestored, type Judged, type JudgedSet, type JudgeOptions } from './judge.ts';

/** How what is there is compared, and how strictly that is judged. */
export interface Comparing extends JudgeOptions {
  /** Of what it is compared with. */
  readonly facts: () => Promise<JudgedSet>;
  compare(): Promise<Compared>;
}

/**
 * Compares what is there with the facts, says in the log what differs, and judges it. What is not proven of it, and may be kept all the same, is told.
 * @throws CheckFailed ContentDiffers; RunError FactsUnknown
 */
export const compareAndJudge = async (
  { log, note }: Pick<RunContext, 'log' | 'note'>,
  { facts, compare, replaces }: Comparing,
): Promise<Judged['compared']> => {
  const found = await compare();
  for (const mismatch of found.mismatches) log.error('differs', { mismatch });
  const { compared, unproven } = judgeRestored(found, await facts(), { replaces });
  if (unproven !== undefined)
    note({ reason: 'FactsUnknown', message: `It is not proven that all of it is there. ${unproven}` });
  return compared;
};

/** How what was fetched is loaded, wherever that is, and compared. */
export interface Loading extends Comparing {
  load(): Promise<void>;
}

/** Loads what was fetched and compares it. @throws StepFailure with a RunError of the catalogue */
export const loadAndJudge = async (
  context: Pick<RunContext, 'step' | 'signal' | 'note' | 'log'>,
  { load, ...comparing }: Loading,
): Promise<NonNullable<RestoreReport['compared']>> => {
  const { seconds: loadSeconds } = await context.step('Load', () => timed(load));
  const { value: compared, seconds: compareSeconds } = await context.step('Compare', () =>
    timed(() => compareAndJudge(context, comparing)),
  );
  context.signal.throwIfAborted();
  return { ...compared, loadSeconds, compareSeconds };
};
