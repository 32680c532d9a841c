import type { RunContext } from './run.ts';

/** Tidies up at the end of a run. That must not hide how the run ended, so what fails is logged only. */
export const tidy = async ({ log }: Pick<RunContext, 'log'>, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    log.debug('not everything could be tidied up', { error });
  }
};
