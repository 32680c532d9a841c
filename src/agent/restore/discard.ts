import type { DiscardTask } from '../../api/v1alpha1/task.ts';
import type { Made, RunContext } from '../run.ts';
import type { RestorerFor } from './restorer.ts';

/** Removes what a restore left at the destination. What is not there any more is no failure. @throws StepFailure with a RunError of the catalogue */
export const discardWith =
  (restorerFor: RestorerFor) =>
  async (context: RunContext<DiscardTask>): Promise<Made> => {
    const engine = restorerFor(context.task);
    await context.step('Discard', () =>
      context.task.what === 'SafetyCopy' ? engine.discardSafetyCopy(context) : engine.discardLoaded(context),
    );
    return {};
  };
