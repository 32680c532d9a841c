import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { flush, replaceFile, sha256OfFile } from '../disk.ts';
import { ledgerCopy, type LedgerCopy } from '../ledger.ts';

/** Describes a copy in its own directory, so that a copy whose run died before the ledger was written is not lost. Not shipped. */
export const manifestFile = 'copy.json';

type Files = LedgerCopy['files'];

const manifest = ledgerCopy.omit({ takenBy: true, shippedAs: true });

/** Names, sizes and SHA-256 of the files in a directory, but for the manifest; sorted by name. */
export const describeFiles = async (directory: string, signal: AbortSignal): Promise<Files> => {
  const names = (await readdir(directory)).filter((name) => name !== manifestFile).toSorted();
  const files: Files = [];
  for (const name of names) {
    const path = join(directory, name);
    files.push({ name, size: (await stat(path)).size, sha256: await sha256OfFile(path, signal) });
  }
  return files;
};

/** Flushes every file of a directory and the directory itself. */
export const flushAll = async (directory: string): Promise<void> => {
  for (const name of await readdir(directory)) await flush(join(directory, name));
  await flush(directory);
};

export const writeManifest = (directory: string, copy: LedgerCopy): Promise<void> =>
  replaceFile(join(directory, manifestFile), `${JSON.stringify(manifest.parse(copy))}\n`);

/** Whether all files of a copy are there with the sizes that were recorded. */
export const filesPresent = async (directory: string, { files }: LedgerCopy): Promise<boolean> => {
  const sizes = await Promise.all(
    files.map(({ name }) =>
      stat(join(directory, name)).then(
        ({ size }) => size,
        () => undefined,
      ),
    ),
  );
  return files.length > 0 && files.every(({ size }, index) => sizes[index] === size);
};

/** The copy that a directory holds by its own manifest, when every file is as recorded, content included; else undefined. */
export const provenCopy = async (
  directory: string,
  name: string,
  signal: AbortSignal,
): Promise<LedgerCopy | undefined> => {
  try {
    const copy = manifest.parse(JSON.parse(await readFile(join(directory, manifestFile), 'utf8')));
    const found = await describeFiles(directory, signal);
    return copy.name === name && JSON.stringify(found) === JSON.stringify(copy.files) ? copy : undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
};
