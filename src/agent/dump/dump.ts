import { RunError } from '../../errors/run-error.ts';
import type { DumpTask } from '../../api/v1alpha1/task.ts';
import type { Made, RunContext } from '../run.ts';

export const dump = async (_context: RunContext<DumpTask>): Promise<Made> => {
  throw new RunError('InternalError', 'dump: in work.');
};
