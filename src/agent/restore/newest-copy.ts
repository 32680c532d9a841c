import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, sha256OfFile } from '../disk.ts';
import { factsFile } from '../layout.ts';
import type { RunContext } from '../run.ts';

/** Names of whole copies, which are their data times: what is being made has a suffix. */
const isCopy = (name: string): boolean => /^\d{8}T\d{6}Z$/.test(name);

/**
 * The newest local copy that says what the source held: with a facts.json, which is the one that was recorded where that is known.
 * It is evidence only; nothing is restored from it.
 */
export const newestCopy = async ({ layout, ledger, log, signal }: RunContext): Promise<string | undefined> => {
  const recorded = new Map((await ledger.read()).copies.map(({ name, factsDigest }) => [name, factsDigest]));
  const names = (await readdir(layout.copies)).filter(isCopy).toSorted().toReversed();
  for (const name of names) {
    const directory = join(layout.copies, name);
    const found = await digestOf(join(directory, factsFile), signal);
    if (found === undefined) continue;
    const expected = recorded.get(name);
    if (expected === undefined || expected === found) return directory;
    log.warn(`local copy ${name} is passed over: its facts are not those that were recorded`);
  }
  return undefined;
};

const digestOf = async (path: string, signal: AbortSignal): Promise<string | undefined> => {
  try {
    return await sha256OfFile(path, signal);
  } catch (error) {
    // It may be removed at this moment, to make room for a newer one.
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};
