import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { readRecord, replaceFile } from '../../../disk.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { serverMessage, withConnection, type NetworkAccount } from '../connect.ts';
import type { ContentFacts, DatabaseFacts } from '../facts.ts';
import type { Names } from './compose.ts';
import { moment, momentOf, msOf, setBackMs, type Moment } from './moment.ts';
import { momentWithoutOpen } from './open-transactions.ts';
import { marksIn, type Marks, type TableMark } from './table-marks.ts';

/**
 * What was loaded is read once beside the present data, and would be once more in its place, while everybody waits. A table whose mark has
 * stayed the same in between was not changed, and what was found then is what it holds; every other one is read.
 *
 * The same mark may lie in two ways, and neither may be left open:
 * - A change may bear the time of before. On some servers it is that of the beginning of its transaction, which may have been open for long; on others it is
 *   written before the change is seen. So all transactions that were open at a moment must be over before the marks are taken and the rows are
 *   read: every later change is then of a transaction that began after that moment.
 * - Within one second two changes have one time. So the mark must be older than that moment by more than this second, and by what the
 *   server's clock may have been set back since, which the clock of the node tells.
 */
const record = z.object({
  version: z.literal(1),
  restore: z.string(),
  moment,
  tables: z.array(
    z.object({
      database: z.string().describe('Its name in the backup.'),
      table: z.string(),
      id: z.string(),
      updated: z.string(),
      rows: z.int().min(0),
      checksum: z.string(),
    }),
  ),
});

type Kept = z.output<typeof record>;

type Context = Pick<RestoreContext, 'task' | 'signal' | 'log'>;

/** What a table holds, by the names of database and table in the backup; undefined: it has to be read. */
export type KnownContent = (database: string, table: string) => ContentFacts | undefined;

/** Marks of databases by their names in the backup, and a moment. */
export interface Marked {
  readonly moment: Moment;
  readonly databases: ReadonlyMap<string, Marks>;
}

const secondMs = 1000;
/** The server may give a transaction a time that is behind by a tick of its clock. */
const tickMs = 50;
/** What is left for a clock that seems to go back a little. */
const spareMs = 250;
/** Reading so much takes about as long as waiting for the second to be over. */
const worthWaiting = 100_000_000;

const pathIn = ({ task }: Context): string | undefined =>
  'fetched' in task ? join(task.fetched, 'compared-tables.json') : undefined;

/** Whether the last change of a table was before everything that may happen to it after a moment. Pure. */
export const isBefore = (updated: string, { serverMs }: Pick<Moment, 'serverMs'>, backMs: number): boolean =>
  msOf(updated) + secondMs + tickMs + backMs <= serverMs;

/**
 * Takes the marks of what was loaded, just before it is read. Undefined when they would prove nothing.
 * @param bytes how much was loaded
 */
export const marksOf = async (
  context: Context,
  account: NetworkAccount,
  names: Names,
  bytes: number,
): Promise<Marked | undefined> => {
  const { signal, log } = context;
  const path = pathIn(context);
  if (path === undefined) return undefined;
  try {
    await rm(path, { force: true });
    if (bytes >= worthWaiting) await untilOld(account, names, signal);
    const taken = await momentWithoutOpen(account, signal);
    if (taken === undefined) {
      log.info('transactions that are open do not end: what is compared is compared once more in its place');
      return undefined;
    }
    return { moment: taken, databases: await marksBySource(account, names, signal) };
  } catch (error) {
    signal.throwIfAborted();
    log.info(`what is compared is compared once more in its place: ${serverMessage(error)}`);
    return undefined;
  }
};

/** Waits until what was loaded last is old enough to have a mark: nobody waits for it yet. */
const untilOld = async (account: NetworkAccount, names: Names, signal: AbortSignal): Promise<void> => {
  const { serverMs } = await withConnection(account, signal, momentOf);
  const marks = [...(await marksBySource(account, names, signal)).values()];
  const times = marks.flatMap(({ tables }) => [...tables.values()].map(({ updated }) => msOf(updated)));
  const wait = Math.max(...times) + secondMs + tickMs + spareMs - serverMs;
  if (wait > 0) await sleep(Math.min(wait, 2 * secondMs), undefined, { signal });
};

const marksBySource = (
  account: NetworkAccount,
  names: Names,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Marks>> =>
  withConnection(account, signal, async (connection) => {
    const marks = new Map<string, Marks>();
    for (const [source, name] of names) marks.set(source, await marksIn(connection, name));
    return marks;
  });

/** What was found in the tables that had a mark before they were read, for who comes after. Pure. */
export const recordOf = (
  restore: string,
  { moment: at, databases }: Marked,
  found: readonly DatabaseFacts[],
): Kept => ({
  version: 1,
  restore,
  moment: at,
  tables: found.flatMap(({ name: database, tables }) =>
    tables.flatMap(({ name: table, content }) => {
      const mark = markOf(databases, at, database, table);
      if (mark === undefined || !('rows' in content)) return [];
      return [{ database, table, ...mark, rows: content.rows, checksum: content.checksum }];
    }),
  ),
});

/** A mark of the same server as the moment. */
const markOf = (
  databases: Marked['databases'],
  { server }: Moment,
  database: string,
  table: string,
): TableMark | undefined => {
  const marks = databases.get(database);
  return marks?.server === server ? marks.tables.get(table) : undefined;
};

/** Keeps what was found in the tables that had a mark before they were read. */
export const keepCompared = async (
  context: Context,
  marked: Marked | undefined,
  found: readonly DatabaseFacts[],
): Promise<void> => {
  const path = pathIn(context);
  if (path === undefined || marked === undefined) return;
  await replaceFile(path, JSON.stringify(recordOf(context.task.id, marked, found))).catch((error: unknown) =>
    context.log.warn('what was compared is not kept: it is compared once more', { error }),
  );
};

/** What of a record is as true now as it was then, when the marks were taken anew and it was this moment after that. Pure. */
export const stillTrue = (kept: Kept, { moment: now, databases }: Marked): ReadonlyMap<string, ContentFacts> => {
  const backMs = setBackMs(kept.moment, now);
  if (backMs === undefined) return new Map();
  const same = kept.tables.filter(({ database, table, id, updated }) => {
    const mark = markOf(databases, kept.moment, database, table);
    return mark?.id === id && mark.updated === updated && isBefore(updated, kept.moment, backMs);
  });
  return new Map(
    same.map(({ database, table, rows, checksum }) => [keyOf(database, table), { rows, checksum }] as const),
  );
};

const nothing: KnownContent = () => undefined;

/** What is known of the tables that are in place now, since nothing has changed them after they were read. */
export const comparedBefore = async (
  context: Context,
  account: NetworkAccount,
  names: Names,
): Promise<KnownContent> => {
  const { signal, log, task } = context;
  const path = pathIn(context);
  const kept = path === undefined ? undefined : await readRecord(path, record);
  if (kept === undefined || kept.restore !== task.id) return nothing;
  try {
    // The marks are taken first: a clock that is set back after that changes nothing of them.
    const databases = await marksBySource(account, names, signal);
    const known = stillTrue(kept, { databases, moment: await withConnection(account, signal, momentOf) });
    log.info('tables that nothing has changed since they were read are not read again', {
      tables: known.size,
      of: kept.tables.length,
    });
    return (database, table) => known.get(keyOf(database, table));
  } catch (error) {
    signal.throwIfAborted();
    log.info(`everything is read: ${serverMessage(error)}`);
    return nothing;
  }
};

const keyOf = (database: string, table: string): string => JSON.stringify([database, table]);
