import type { DumpTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import type { RunContext } from '../run.ts';
import { bytesBelow, forecastCopy, freeBytes } from '../space.ts';
import { byDataTime } from './tidy.ts';

/**
 * Looks before a dump whether the claim has room for it; to be called under the dump lock.
 * @throws RunError OutOfScratchSpace when there is surely too little
 */
export const foreseeSpace = async (context: RunContext<DumpTask>): Promise<void> => {
  const { task, layout, ledger, note } = context;
  const { copies } = await ledger.read();
  const forecast = forecastCopy({
    free: await freeBytes(layout.copies),
    copies: copies
      .toSorted(byDataTime)
      .map(({ sizeBytes }) => sizeBytes)
      .toReversed(),
    keep: task.keep,
    archive: await bytesBelow(layout.archive),
  });
  if (forecast.verdict === 'Short') throw new RunError('OutOfScratchSpace', forecast.words);
  if (forecast.verdict === 'Low') note({ reason: 'SpaceLow', message: forecast.words });
};
