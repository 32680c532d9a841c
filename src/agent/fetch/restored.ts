import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { time } from '../../api/v1alpha1/primitives.ts';
import { RunError } from '../../errors/run-error.ts';
import { errorCode, sha256OfFile } from '../disk.ts';
import { factsFile } from '../layout.ts';
import type { LedgerCopy } from '../ledger.ts';
import { contentOf, type ContentFile } from '../ship/content.ts';
import { CheckFailed } from '../verify/report.ts';
import type { Choice, FetchableSet } from './choose.ts';

/** What lies in a directory. */
export interface Restored {
  readonly files: readonly (ContentFile & { readonly sha256: string })[];
  /** Names of what is neither a file nor a directory. */
  readonly odd: readonly string[];
}

const entriesOf = async (directory: string) => {
  try {
    return await readdir(directory, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
};

/** Reads every file below a directory. */
export const readRestored = async (directory: string, signal: AbortSignal): Promise<Restored> => {
  const files: (ContentFile & { sha256: string })[] = [];
  const odd: string[] = [];
  for (const entry of await entriesOf(directory)) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(directory.length + 1);
    if (entry.isFile()) files.push({ name, size: (await stat(path)).size, sha256: await sha256OfFile(path, signal) });
    else odd.push(name);
  }
  return { files, odd };
};

/** The first difference by name, where the local copy that the set was made from is still known. */
const firstDifference = (found: readonly ContentFile[], copy: LedgerCopy | undefined): string | undefined => {
  for (const file of copy?.files ?? []) {
    const there = found.find(({ name }) => name === file.name);
    if (there === undefined) return `${file.name} is missing`;
    if (there.size !== file.size) return `${file.name} has ${there.size} bytes instead of ${file.size}`;
    if (there.sha256 !== file.sha256) return `${file.name} has another SHA-256 than recorded`;
  }
  return undefined;
};

const damaged = (evidence: string): CheckFailed => new CheckFailed('complete', 'BackupDamaged', evidence);

/**
 * Makes sure that what was restored is what was stored, file by file. Pure.
 * @throws CheckFailed BackupDamaged; RunError FactsUnknown when nothing was recorded to compare with
 */
export const judgeRestored = ({ files, odd }: Restored, set: FetchableSet, copy: LedgerCopy | undefined): void => {
  if (odd.length > 0) throw damaged(`${odd[0]} is not a plain file`);
  const facts = files.find(({ name }) => name === factsFile);
  if (set.content === undefined)
    throw new RunError(
      'FactsUnknown',
      `No digests of its files were recorded when the set of ${set.setTime} was shipped, by an earlier version.`,
    );
  const found = contentOf(files);
  if (found.digest === set.content.digest && (set.factsDigest ?? facts?.sha256) === facts?.sha256) return;
  const different = firstDifference(files, copy);
  if (different !== undefined) throw damaged(different);
  if (facts === undefined)
    throw damaged(`${factsFile} is missing; ${files.length} of ${set.content.files} files came out`);
  if (set.factsDigest !== undefined && facts.sha256 !== set.factsDigest)
    throw damaged(`${factsFile} has another SHA-256 than recorded`);
  throw damaged(
    files.length === set.content.files
      ? 'The files are not those that were stored: their digests are others than recorded'
      : `${files.length} of ${set.content.files} files came out`,
  );
};

/**
 * Likewise of a set that no ledger records, of which nobody knows which files there should be: no backup of Holdfast is without its facts. Pure.
 * @throws CheckFailed BackupDamaged
 */
export const judgeUnrecorded = ({ files, odd }: Restored): void => {
  if (odd.length > 0) throw damaged(`${odd[0]} is not a plain file`);
  if (!files.some(({ name }) => name === factsFile)) throw damaged(`${factsFile} is missing`);
};

/**
 * Makes sure that the data is of the time that was recorded; of a set that no ledger records, that it is not younger than the set. Pure.
 * @throws CheckFailed BackupDamaged
 */
export const judgeDataTime = ({ set, unrecorded }: Choice, dataTime: string | undefined): void => {
  if (dataTime === undefined) return;
  const [said, known] = [Date.parse(dataTime), Date.parse(set.dataTime)];
  if (unrecorded === undefined ? said === known : said < known + 1000) return;
  const words = unrecorded === undefined ? `recorded was data of ${set.dataTime}` : `the set is of ${set.setTime}`;
  throw new CheckFailed('created', 'BackupDamaged', `${factsFile} is of ${dataTime}; ${words}`);
};

const dated = z.object({ dataTime: time });

/** The time that facts.json names; undefined when it names none. */
export const dataTimeIn = async (directory: string): Promise<string | undefined> => {
  try {
    return dated.parse(JSON.parse(await readFile(join(directory, factsFile), 'utf8'))).dataTime;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError || errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};
