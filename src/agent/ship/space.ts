import { join } from 'node:path';
import { RunError } from '../../errors/run-error.ts';
import { bytesBelow, freeBytes, uploadShortage } from '../space.ts';
import type { ChosenChain } from './choose.ts';
import type { Session } from './session.ts';

/** Looks before an upload whether what duplicity needs is free. @throws RunError OutOfScratchSpace when it surely is not */
export const checkSpace = async (
  { context: { layout }, scratch }: Pick<Session, 'context' | 'scratch'>,
  { continued }: ChosenChain,
  volumes: { readonly mebibytes: number; readonly ahead: number },
): Promise<void> => {
  const shortage = uploadShortage({
    scratchFree: await freeBytes(scratch),
    claimFree: await freeBytes(layout.copies),
    volumeMebibytes: volumes.mebibytes,
    volumesAhead: volumes.ahead,
    archive: continued === undefined ? 0 : await bytesBelow(join(layout.archive, continued.directory)),
  });
  if (shortage !== undefined) throw new RunError('OutOfScratchSpace', shortage);
};
