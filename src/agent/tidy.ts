import type { AgentTask } from '../api/v1alpha1/task.ts';
import { exec, type Command } from './exec.ts';
import type { RunContext } from './run.ts';

/** Tidies up at the end of a run. That must not hide how the run ended, so what fails is logged only. */
export const tidy = async ({ log }: Pick<RunContext, 'log'>, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    log.debug('not everything could be tidied up', { error });
  }
};

const endMs = 5000;

/** What of a run is needed at its end. */
export interface EndScope extends Pick<RunContext, 'log'> {
  readonly task: Pick<AgentTask, 'scratch'>;
}

/** Runs a program that ends something, without a word; also when the run itself was told to stop. */
export const runAtEnd = async (
  { log, task }: EndScope,
  { file, args }: Pick<Command, 'file' | 'args'>,
): Promise<void> => {
  const scope = { signal: AbortSignal.timeout(endMs), log, home: task.scratch };
  await exec(scope, { file, args, stdout: 'ignore', stderr: 'ignore' });
};
