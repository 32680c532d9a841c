import type { RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import type { CheckTask, LoadCopyTask } from '../../api/v1alpha1/task.ts';
import { runErrorOf } from '../failure-of.ts';
import type { Made, RunContext } from '../run.ts';
import { timed } from '../timed.ts';
import { compareAndJudge } from './load-and-judge.ts';
import { originOf } from './origin.ts';
import type { RestorerFor } from './restorer.ts';

/**
 * Compares what is in place now with the facts. Only when all is equal is the restored data said to be there, whole; what could not be
 * compared is not said to be anything.
 * @throws StepFailure with a RunError of the catalogue
 */
export const checkWith =
  (restorerFor: RestorerFor) =>
  async (context: RunContext<CheckTask | LoadCopyTask>): Promise<Made> => {
    let report: RestoreReport = {};
    context.restores(() => report);
    const { parts, directory, facts, needsProof } = await context.step('Prepare', () => originOf(context, restorerFor));
    const { value: compared, seconds: compareSeconds } = await context.step('Check', () =>
      timed(async () => {
        try {
          const compare = () => parts.check(context, directory);
          return await compareAndJudge(context, { facts, compare, replaces: needsProof });
        } catch (error) {
          if (runErrorOf(error).reason === 'ContentDiffers') report = { state: 'Unavailable' };
          throw error;
        }
      }),
    );
    report = { compared: { ...compared, compareSeconds }, state: 'Replaced' };
    return {};
  };
