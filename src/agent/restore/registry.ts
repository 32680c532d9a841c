import { RunError } from '../../errors/run-error.ts';
import type { RestorerFor } from './restorer.ts';

/** What restores, for a task's target: one line an engine, by the block that it reads. */
export const restorerFor: RestorerFor = ({ target }) => {
  throw new RunError('InternalError', `Restoring is not available for ${Object.keys(target).join()} yet.`);
};
