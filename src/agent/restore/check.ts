import type { RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import type { CheckTask } from '../../api/v1alpha1/task.ts';
import { runErrorOf } from '../failure-of.ts';
import type { Made, RunContext } from '../run.ts';
import { timed } from '../timed.ts';
import { readFetched } from './fetched.ts';
import { compareAndJudge } from './load-and-judge.ts';
import type { RestorerFor } from './restorer.ts';

/**
 * Compares what is in place now with the facts. Only when all is equal is the restored data said to be there, whole; what could not be
 * compared is not said to be anything.
 * @throws StepFailure with a RunError of the catalogue
 */
export const checkWith =
  (restorerFor: RestorerFor) =>
  async (context: RunContext<CheckTask>): Promise<Made> => {
    let report: RestoreReport = {};
    context.restores(() => report);
    const { directory, set } = await context.step('Prepare', () => readFetched(context));
    const engine = restorerFor(context.task);
    const { value: compared, seconds: compareSeconds } = await context.step('Check', () =>
      timed(async () => {
        try {
          const judged = await compareAndJudge(context, set, { replaces: true }, () =>
            engine.check(context, directory),
          );
          return judged.compared;
        } catch (error) {
          if (runErrorOf(error).reason === 'ContentDiffers') report = { state: 'Unavailable' };
          throw error;
        }
      }),
    );
    report = { compared: { ...compared, compareSeconds }, state: 'Replaced' };
    return {};
  };
