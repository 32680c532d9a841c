import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from './disk.ts';

/** What a file system says of itself, in blocks. */
interface FileSystem {
  readonly blocks: number;
  readonly bavail: number;
  readonly bsize: number;
}

/** Bytes free for others than root. One that tells of no blocks at all, as some network file systems do, tells nothing: Infinity. */
export const freeOf = ({ blocks, bavail, bsize }: FileSystem): number => (blocks > 0 ? bavail * bsize : Infinity);

/** Bytes that are free where a path lies. A hint: on a file system that is shared others write as well. Infinity when it is not known. */
export const freeBytes = async (path: string): Promise<number> => {
  try {
    return freeOf(await statfs(path));
  } catch {
    return Infinity;
  }
};

/** Bytes of all files below a directory; 0 when there is none. */
export const bytesBelow = async (directory: string): Promise<number> => {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw error;
  }
};

/** Bytes in words: `4.1 GiB`. */
export const sizeWords = (bytes: number): string => {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return power === 0 ? `${Math.round(bytes)} bytes` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
};

/** What is known before a dump. */
export interface CopySpace {
  /** Bytes that are free on the claim. */
  readonly free: number;
  /** Sizes of the local copies that are there, newest first. */
  readonly copies: readonly number[];
  /** How many are kept. */
  readonly keep: number;
  /** Bytes of duplicity's archive of the newest chain: shipping works on a copy of it. */
  readonly archive: number;
}

/** What the space on the claim allows, in words. */
export type CopyForecast =
  { readonly verdict: 'Enough' } | { readonly verdict: 'Low' | 'Short'; readonly words: string };

/** A source may have shrunk since, so that only less than this part of the smallest of the last copies is surely too little. */
const surelyTooLittle = 0.5;

/**
 * Whether the claim has room for one more copy, judged by the last ones. `Short`: surely not, so the dump need not be begun. `Low`: not for
 * what is promised, the copies that are to be kept, the one that is made, and the archive; it is tried, and told. Pure.
 */
export const forecastCopy = ({ free, copies, keep, archive }: CopySpace): CopyForecast => {
  const [newest] = copies;
  if (newest === undefined) return { verdict: 'Enough' };
  const smallest = Math.min(...copies);
  if (free < smallest * surelyTooLittle) {
    return {
      verdict: 'Short',
      words: `The claim has ${sizeWords(free)} free, and ${copies.length === 1 ? 'the last local copy' : `the smallest of the ${copies.length} local copies`} has ${sizeWords(smallest)}: not even half of it would fit.`,
    };
  }
  const more = Math.max(0, keep - copies.length) + 1;
  const needed = more * newest + archive;
  if (free >= needed) return { verdict: 'Enough' };
  return {
    verdict: 'Low',
    words: `The claim has ${sizeWords(free)} free, and needs ${sizeWords(needed)}: ${more} more of ${sizeWords(newest)}, as the last local copy (${keep} are kept, one more while a dump runs), and ${sizeWords(archive)} for duplicity’s signatures. Raise localCopy.size or lower localCopy.keep.`,
  };
};

const mebibyte = 1024 * 1024;

/** What is known before an upload. */
export interface UploadSpace {
  /** Bytes that are free in the scratch space, and on the claim. */
  readonly scratchFree: number;
  readonly claimFree: number;
  readonly volumeMebibytes: number;
  /** Volumes that wait to be sent while the next one is made. */
  readonly volumesAhead: number;
  /** Bytes of the archive of the chain that is continued, of which a copy is made on the claim. */
  readonly archive: number;
}

/** Why an upload cannot be done for want of space, in words; undefined when nothing is surely too small. Pure. */
export const uploadShortage = ({
  scratchFree,
  claimFree,
  volumeMebibytes,
  volumesAhead,
  archive,
}: UploadSpace): string | undefined => {
  // duplicity's own condition, below which it does not begin (dup_main.py, check_resources), as it has it for its --concurrency.
  const volume = volumeMebibytes * mebibyte;
  const needed = (volumesAhead + 2) * volume + Math.floor(0.3 * volume);
  if (scratchFree < needed) {
    return `The scratch space of the pod has ${sizeWords(scratchFree)} free, and an upload needs ${sizeWords(needed)} for volumes of ${volumeMebibytes} MiB.`;
  }
  if (claimFree >= archive) return undefined;
  return `The claim has ${sizeWords(claimFree)} free, and a copy of the chain’s signatures needs ${sizeWords(archive)}.`;
};

/** What is known before a backup is loaded into a scratch server that keeps its data beside it. */
export interface LoadSpace {
  /** Bytes that are free there. */
  readonly free: number;
  /** Bytes of the backup, which are there already. */
  readonly backup: number;
}

/** A server needs about what the backup has, which is not compressed; and some more while it takes it in. */
const loadFactor = 1.2;

/** Why a backup cannot be loaded for want of space, in words with what is needed; undefined when it is not surely too little. Pure. */
export const loadShortage = ({ free, backup }: LoadSpace): string | undefined => {
  const needed = backup * loadFactor;
  if (free >= needed) return undefined;
  return `The scratch space has ${sizeWords(free)} free, and the server needs about ${sizeWords(needed)} for this backup: with the backup itself at least ${sizeWords(backup + needed)}.`;
};
