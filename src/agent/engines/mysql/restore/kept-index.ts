import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readRecord, replaceFile } from '../../../disk.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { indexDump, sectionKinds, type DumpIndex } from './dump-index.ts';

/**
 * Each container of a restore needs the index of the dump, two of them while everybody waits: the first that reads the dump for it leaves it
 * beside what was fetched.
 */

const offset = z.int().min(0);
const range = z.object({ start: offset, end: offset });

const kept = z.object({
  version: z.literal(1),
  dump: z.string().describe('Which file it is of, and in which state.'),
  index: z.object({
    prologue: range,
    databases: z.array(z.object({ name: z.string(), options: z.string() })),
    sections: z.array(range.extend({ kind: z.enum(sectionKinds), database: z.string() })),
  }),
});

/** What is another when anything has been done to a file: nobody can set the time at which it was changed last. */
const stateOf = async (path: string): Promise<string> => {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
};

/** The index of a dump: as it was left by a container before, if the dump is the very same; else read from end to end. */
export const indexOf = async (
  { task, signal, log }: Pick<RestoreContext, 'task' | 'signal' | 'log'>,
  dump: string,
): Promise<DumpIndex> => {
  if (!('fetched' in task)) return indexDump(dump, signal);
  const path = join(task.fetched, 'dump-index.json');
  const state = await stateOf(dump);
  const before = await readRecord(path, kept);
  if (before?.dump === state) return before.index;
  const index = await indexDump(dump, signal);
  const record: z.input<typeof kept> = {
    version: 1,
    dump: state,
    index: { ...index, databases: [...index.databases], sections: [...index.sections] },
  };
  await replaceFile(path, JSON.stringify(record)).catch((error: unknown) =>
    log.warn('the index of the dump is not kept: it is made once more', { error }),
  );
  return index;
};
