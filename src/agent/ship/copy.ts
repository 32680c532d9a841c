import { link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { RunError } from '../../errors/run-error.ts';
import { errorCode, sha256OfFile } from '../disk.ts';
import type { ClaimLayout } from '../layout.ts';
import type { Ledger, LedgerCopy } from '../ledger.ts';

/**
 * The local copy that is shipped: the one that the dump container took for this Job.
 * @throws RunError LocalCopyMissing
 */
export const chooseCopy = ({ copies }: Pick<Ledger, 'copies'>, jobName: string): LedgerCopy => {
  const taken = copies.find(({ takenBy }) => takenBy === jobName);
  if (!taken) throw new RunError('LocalCopyMissing', `No local copy is recorded on the claim for ${jobName}.`);
  if (taken.shippedAs !== undefined)
    throw new RunError(
      'LocalCopyMissing',
      `The local copy of ${jobName}, ${taken.name}, was shipped already, as the set of ${taken.shippedAs}.`,
    );
  return taken;
};

const damaged = ({ name }: LedgerCopy, why: string): RunError =>
  new RunError('LocalCopyDamaged', `Local copy ${name}: ${why}.`);

/** The ledger lies on a claim that others may write to: a name in it must not lead out of the copy. */
const checkName = (copy: LedgerCopy, name: string): void => {
  if (name === '' || name.startsWith('/') || normalize(name) !== name || name.split('/').includes('..'))
    throw damaged(copy, `the ledger names the file ${JSON.stringify(name)}`);
};

const linkFile = async (from: string, to: string): Promise<void> => {
  await mkdir(dirname(to), { recursive: true });
  await link(from, to);
};

/** All entries below a directory, itself included: what duplicity counts as SourceFiles. */
export const countEntries = async (directory: string): Promise<number> =>
  (await readdir(directory, { recursive: true })).length + 1;

/**
 * Lays the copy out where duplicity reads it, by hard links: so it stays whole when the copy itself is pruned meanwhile. Then every file
 * is compared with its recorded size and SHA-256.
 * @throws RunError LocalCopyMissing, LocalCopyDamaged
 */
export const layOut = async (
  { copies, outgoing }: Pick<ClaimLayout, 'copies' | 'outgoing'>,
  copy: LedgerCopy,
  signal: AbortSignal,
): Promise<void> => {
  await rm(outgoing, { recursive: true, force: true });
  await mkdir(outgoing);
  if (copy.files.length === 0) throw damaged(copy, 'no file is recorded for it');
  checkName(copy, copy.name);
  for (const { name } of copy.files) {
    checkName(copy, name);
    try {
      await linkFile(join(copies, copy.name, name), join(outgoing, name));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      throw new RunError('LocalCopyMissing', `Local copy ${copy.name} lacks its file ${name}.`, { cause: error });
    }
  }
  for (const { name, size, sha256 } of copy.files) {
    const path = join(outgoing, name);
    const found = await stat(path);
    if (!found.isFile()) throw damaged(copy, `${name} is not a file`);
    if (found.size !== size) throw damaged(copy, `${name} has ${found.size} bytes instead of ${size}`);
    if (sha256 === undefined) throw damaged(copy, `no SHA-256 is recorded for ${name}`);
    if ((await sha256OfFile(path, signal)) !== sha256) throw damaged(copy, `${name} has another SHA-256 than recorded`);
  }
};
