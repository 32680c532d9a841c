import { RunError } from '../../errors/run-error.ts';
import { freeBytes, sizeWords } from '../space.ts';

/**
 * The scratch server takes about so many times the size of the dump that it loads: tables with their indexes, and its own logs. Before it
 * starts, the same space is what duplicity patches files of an incremental in.
 */
export const serverFactor = 2;

/** Why the volume is too small for fetching sets of these sizes and loading one after the other, in words. Pure. */
export const fetchShortage = (free: number, sizes: readonly number[]): string | undefined => {
  const fetched = sizes.reduce((sum, size) => sum + size, 0);
  const server = serverFactor * Math.max(0, ...sizes);
  if (free >= fetched + server) return undefined;
  return `The scratch space for the verification has ${sizeWords(free)} free, and needs ${sizeWords(fetched + server)}: ${sizeWords(fetched)} for the fetched backup, ${sizeWords(server)} for the server that loads it.`;
};

/** Looks before anything is fetched whether there is room for it. @throws RunError SandboxTooSmall */
export const checkFetchSpace = async (directory: string, sizes: readonly number[]): Promise<void> => {
  const shortage = fetchShortage(await freeBytes(directory), sizes);
  if (shortage !== undefined) throw new RunError('SandboxTooSmall', shortage);
};

/** Why there is no room for a set of this size at all, in words. Whether there is for what is done with it then shows later. Pure. */
export const bringShortage = (free: number, size: number): string | undefined =>
  free >= size
    ? undefined
    : `The space for the fetched backup has ${sizeWords(free)} free, and the backup alone has ${sizeWords(size)}.`;

/** Looks before a set is fetched to be restored whether there is room for it. @throws RunError SandboxTooSmall */
export const checkBringSpace = async (directory: string, size: number): Promise<void> => {
  const shortage = bringShortage(await freeBytes(directory), size);
  if (shortage !== undefined) throw new RunError('SandboxTooSmall', shortage);
};
