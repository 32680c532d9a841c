import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DumpTask } from '../../api/v1alpha1/task.ts';
import { isOutOfSpace } from '../disk.ts';
import type { LedgerCopy } from '../ledger.ts';
import type { RunContext } from '../run.ts';
import { provenCopy } from './copy-files.ts';

/** Suffix of the directory of a copy that is being made. */
export const partialSuffix = '.partial';

/**
 * Brings the directory of local copies and the ledger together; to be called under the dump lock. What a killed run left half made is
 * removed. A whole copy that the ledger does not know (killed between rename and ledger, or a ledger that was lost) is adopted when its
 * content is what its own manifest says: it is a good backup, perhaps the only one on site. Entries without a directory are dropped.
 */
export const tidyCopies = async ({ layout, ledger, log, signal }: RunContext<DumpTask>): Promise<void> => {
  const known = new Set((await ledger.read()).copies.map(({ name }) => name));
  const adopted: LedgerCopy[] = [];
  for (const name of await readdir(layout.copies)) {
    if (known.has(name)) continue;
    const directory = join(layout.copies, name);
    const copy = name.endsWith(partialSuffix) ? undefined : await provenCopy(directory, name, signal);
    if (copy === undefined) {
      log.warn(`what is left of an unfinished local copy is removed: ${name}`);
      await rm(directory, { recursive: true, force: true });
    } else {
      log.warn(`a whole local copy that the ledger did not know is adopted: ${name}`);
      adopted.push(copy);
    }
  }
  const gone = new Set<string>();
  for (const name of known) {
    if (!(await isDirectory(join(layout.copies, name)))) gone.add(name);
  }
  if (adopted.length === 0 && gone.size === 0) return;
  await ledger.update((current) => ({
    ...current,
    copies: [...current.copies.filter(({ name }) => !gone.has(name)), ...adopted].toSorted(byDataTime),
  }));
};

/** Removes local copies beyond the newest `keep`; never `made`, if one was. To be called under the dump lock. */
export const pruneCopies = async (
  { layout, ledger, log, task, now }: RunContext<DumpTask>,
  made?: string,
): Promise<void> => {
  const surplus = surplusCopies((await ledger.read()).copies, task.keep, made, now());
  if (surplus.length === 0) return;
  const forget = (): Promise<unknown> =>
    ledger.update((current) => ({
      ...current,
      copies: current.copies.filter(({ name }) => !surplus.includes(name)),
    }));
  const remove = async (): Promise<void> => {
    for (const name of surplus) {
      log.info(`local copy ${name} is removed: ${task.keep} are kept`);
      await rm(join(layout.copies, name), { recursive: true, force: true });
    }
  };
  try {
    // First out of the ledger: what it names is there, also when this is interrupted.
    await forget();
    await remove();
  } catch (error) {
    if (!isOutOfSpace(error)) throw error;
    // The ledger does not fit on a claim that is full: the copies make room. One that it still names is dropped by the next run.
    await remove();
    await forget();
  }
};

/** A copy that was taken is waited for this long; its run is over by then, however it ended. */
const longestShippingMs = 24 * 60 * 60 * 1000;

const isBeingShipped = ({ takenBy, shippedAs, completionTime }: LedgerCopy, now: Date): boolean =>
  takenBy !== undefined && shippedAs === undefined && now.getTime() - Date.parse(completionTime) < longestShippingMs;

/** Names of the copies that are too many: all but the newest `keep`; never the one just made (if one was), nor one that a run is about to ship. */
export const surplusCopies = (
  copies: readonly LedgerCopy[],
  keep: number,
  made: string | undefined,
  now: Date,
): string[] => {
  const others = copies.filter(({ name }) => name !== made).toSorted(byDataTime);
  const places = made === undefined ? keep : keep - 1;
  return others
    .slice(0, Math.max(0, others.length - places))
    .filter((copy) => !isBeingShipped(copy, now))
    .map(({ name }) => name);
};

/** Oldest first. */
export const byDataTime = (a: LedgerCopy, b: LedgerCopy): number => Date.parse(a.dataTime) - Date.parse(b.dataTime);

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
