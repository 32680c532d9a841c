import type { RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import type { LoadTask } from '../../api/v1alpha1/task.ts';
import type { FetchedSet } from '../fetch/handover.ts';
import type { Made, RunContext } from '../run.ts';
import type { RestoreEngine } from './engine.ts';
import { readFetched } from './fetched.ts';
import { loadAndJudge } from './load-and-judge.ts';
import type { RestorerFor } from './restorer.ts';
import { orDiscard } from './undo.ts';

type Context = RunContext<LoadTask>;

/**
 * Loads what was fetched beside the present data, or where it is to stay, and compares it with the facts. Before that, what a restore that
 * was killed left is put back. When it fails nothing of it is left, and the present data is as it was.
 * @throws StepFailure with a RunError of the catalogue
 */
export const loadWith =
  (restorerFor: RestorerFor) =>
  async (context: Context): Promise<Made> => {
    const { into } = context.task;
    let report: RestoreReport = { state: 'Untouched' };
    context.restores(() => report);
    const fetched = await context.step('Prepare', () => readFetched(context));
    const engine = restorerFor(context.task);
    // As long as that is not done, nobody knows whether what is there is whole.
    report = {};
    const put = await context.step('PutBack', () => engine.recover(context));
    report = { state: 'Untouched' };
    if (put !== undefined) context.note({ reason: 'PutBackFirst', message: put });
    const compared = await orDiscard(context, engine, () => loadAndCompare(context, engine, fetched));
    report = { compared, state: into.by === 'InPlace' ? 'Untouched' : 'Replaced' };
    return {};
  };

const loadAndCompare = async (
  context: Context,
  engine: RestoreEngine,
  { directory, set, bytes }: FetchedSet,
): Promise<NonNullable<RestoreReport['compared']>> => {
  context.log.info('the set is loaded', { chain: set.chain, set: set.setTime, bytes });
  return loadAndJudge(context, {
    set,
    replaces: context.task.into.by === 'InPlace',
    load: () => engine.load(context, directory),
    compare: () => engine.compare(context, directory),
  });
};
