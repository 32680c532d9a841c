import type { RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import type { LoadCopyTask, LoadTask } from '../../api/v1alpha1/task.ts';
import type { Made, RunContext } from '../run.ts';
import { loadAndJudge } from './load-and-judge.ts';
import { originOf, type Origin } from './origin.ts';
import type { RestorerFor } from './restorer.ts';
import { orDiscard } from './undo.ts';

type Context = RunContext<LoadTask | LoadCopyTask>;

/**
 * Loads what was fetched (or makes a safety copy ready) beside the present data, or where it is to stay, and compares it with the facts. Before that, what a restore that
 * was killed left is put back. When it fails nothing of it is left, and the present data is as it was.
 * @throws StepFailure with a RunError of the catalogue
 */
export const loadWith =
  (restorerFor: RestorerFor) =>
  async (context: Context): Promise<Made> => {
    const { into } = context.task;
    let report: RestoreReport = { state: 'Untouched' };
    context.restores(() => report);
    const origin = await context.step('Prepare', () => originOf(context, restorerFor));
    const { engine } = origin;
    // As long as that is not done, nobody knows whether what is there is whole.
    report = {};
    const put = await context.step('PutBack', () => engine.recover(context));
    report = { state: 'Untouched' };
    if (put !== undefined) context.note({ reason: 'PutBackFirst', message: put });
    const compared = await orDiscard(context, engine, () => loadAndCompare(context, origin));
    report = { compared, state: into.by === 'InPlace' ? 'Untouched' : 'Replaced' };
    return {};
  };

const loadAndCompare = async (
  context: Context,
  { parts, directory, words, facts, needsProof }: Origin,
): Promise<NonNullable<RestoreReport['compared']>> => {
  context.log.info(`loading ${words}`);
  return loadAndJudge(context, {
    facts,
    replaces: context.task.into.by === 'InPlace' && needsProof,
    load: () => parts.load(context, directory),
    compare: () => parts.compare(context, directory),
  });
};
