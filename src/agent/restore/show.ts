import type { RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import type { Sandbox, ShowTask, VerifyTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import type { Made, RunContext } from '../run.ts';
import { plainText, shorten } from '../text.ts';
import type { VerifyEngine } from '../verify/engine.ts';
import { readFetched } from './fetched.ts';
import { loadAndJudge } from './load-and-judge.ts';

const maxServer = 64;

const verifyTaskOf = ({ request: _request, set: _set, ...task }: ShowTask): VerifyTask => ({
  ...task,
  kind: 'Verify',
  queries: [],
});

/** The same run as engines that verify know it. */
const asVerification = (context: RunContext<ShowTask>, task = verifyTaskOf(context.task)): RunContext<VerifyTask> => ({
  ...context,
  task,
  lasting: (milliseconds) => asVerification(context.lasting(milliseconds), task),
});

/**
 * Loads what was fetched into a scratch server, compares it, and leaves it there to be looked at. What the facts do not witness is told.
 * @throws StepFailure with a RunError of the catalogue
 */
export const showWith =
  (engineFor: (sandbox: Sandbox) => VerifyEngine) =>
  async (context: RunContext<ShowTask>): Promise<Made> => {
    let report: RestoreReport = {};
    context.restores(() => report);
    const { directory, set } = await context.step('Prepare', () => readFetched(context));
    const engine = engineFor(context.task.sandbox);
    const scope = asVerification(context);
    const server = await context.step('Sandbox', async () => {
      const found = await engine.start(scope);
      const unsuitable = await engine.unsuitable(directory, found);
      if (unsuitable !== undefined) throw new RunError('SandboxVersionDiffers', unsuitable);
      return found;
    });
    const compared = await loadAndJudge(context, {
      facts: () => Promise.resolve(set),
      replaces: false,
      load: () => engine.load(scope, directory),
      compare: () => engine.compare(scope, directory),
    });
    report = { compared: { ...compared, server: shorten(plainText(server), maxServer) } };
    return {};
  };
