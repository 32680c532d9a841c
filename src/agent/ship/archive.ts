import { cp, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { errorCode, flush } from '../disk.ts';
import { compactTime } from '../layout.ts';
import type { LedgerChain } from '../ledger.ts';
import { parseSetFile } from './set-files.ts';

/**
 * duplicity's archive-dirs: one a chain, below `archive` on the claim. A run works on a copy, which takes the place of the chain's own
 * only when the new set is proven: else a killed run's state would make the next one resume it, mixing two dumps.
 */
export interface ArchiveDirectories {
  /** What `--archive-dir` is given; duplicity's `--name` is the chain's directory. */
  work: string;
  /** Throws away what an earlier run left, and finishes an exchange that was cut short. */
  recover(): Promise<void>;
  /** Why the archive-dir of a chain cannot be continued; undefined when it holds every set as recorded. */
  problem(chain: LedgerChain): Promise<string | undefined>;
  /** Begins with a copy of the chain's archive-dir, or with an empty one. */
  begin(directory: string, from?: LedgerChain): Promise<string>;
  /** The copy becomes the chain's archive-dir. */
  keep(directory: string): Promise<void>;
}

/** Where the copy that a run works on lies. */
export const archiveWork = (root: string): string => join(root, 'work');

const oldSuffix = '.old';

/** SHA-256 of a text in hexadecimal. */
export const sha256OfText = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

/** SHA-256 of the signatures in a file of an archive-dir, unpacked: duplicity packs them anew in each archive-dir. */
export const sha256OfSignatures = async (file: string, signal?: AbortSignal): Promise<string> => {
  const hash = createHash('sha256');
  const take = async (parts: AsyncIterable<Buffer>): Promise<void> => {
    for await (const part of parts) hash.update(part);
  };
  await pipeline(createReadStream(file), createGunzip(), take, { ...(signal && { signal }) });
  return hash.digest('hex');
};

const namesIn = async (directory: string): Promise<string[]> => {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
};

/** A file of a set in an archive-dir; undefined when it is not there. */
export const archivedFile = async (
  directory: string,
  setTime: string,
  part: 'manifest' | 'signatures',
): Promise<string | undefined> => {
  const names = await namesIn(directory);
  const name = names.find((each) => {
    const file = parseSetFile(each);
    return file?.part === part && file.setTime === setTime;
  });
  return name === undefined ? undefined : join(directory, name);
};

export const archiveDirectories = (root: string): ArchiveDirectories => {
  const work = archiveWork(root);
  return {
    work,
    async recover() {
      await mkdir(root, { recursive: true });
      await rm(work, { recursive: true, force: true });
      const names = await readdir(root);
      for (const old of names.filter((name) => name.endsWith(oldSuffix))) {
        const name = old.slice(0, -oldSuffix.length);
        if (names.includes(name)) await rm(join(root, old), { recursive: true, force: true });
        else await rename(join(root, old), join(root, name));
      }
    },
    async problem({ directory, sets }) {
      for (const set of sets) {
        const time = compactTime(new Date(set.setTime));
        const manifest = await archivedFile(join(root, directory), time, 'manifest');
        const signatures = await archivedFile(join(root, directory), time, 'signatures');
        if (manifest === undefined || signatures === undefined)
          return `the archive-dir on the claim lacks the set of ${set.setTime}`;
        if (sha256OfText(await readFile(manifest)) !== set.setDigest)
          return `the archive-dir on the claim has another manifest for the set of ${set.setTime}`;
        if ((await stat(signatures)).size === 0)
          return `the archive-dir on the claim has no signatures for the set of ${set.setTime}`;
      }
      return undefined;
    },
    async begin(directory, from) {
      await rm(work, { recursive: true, force: true });
      await mkdir(work, { recursive: true });
      const copy = join(work, directory);
      if (from) await cp(join(root, from.directory), copy, { recursive: true, preserveTimestamps: true });
      else await mkdir(copy);
      return copy;
    },
    async keep(directory) {
      const own = join(root, directory);
      for (const name of await readdir(join(work, directory))) await flush(join(work, directory, name));
      await flush(join(work, directory));
      if ((await namesIn(root)).includes(directory)) await rename(own, `${own}${oldSuffix}`);
      await rename(join(work, directory), own);
      await flush(root);
      await rm(`${own}${oldSuffix}`, { recursive: true, force: true });
      await rm(work, { recursive: true, force: true });
    },
  };
};
