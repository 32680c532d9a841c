import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import type { Connection, NetworkAccount } from '../connect.ts';
import type { DatabaseFacts, TableFacts } from '../facts.ts';
import { definitionsDiffer, factsOf } from './compare.ts';
import { readKeptFacts, type KeptFacts } from './copy-facts.ts';
import { indexDump } from './dump-index.ts';
import { readJournal, readText, stateOf, type Journal } from './journal.ts';
import { exchangeName } from './names.ts';
import { pastEvents } from './past-events.ts';
import { existing, tablesIn } from './present.ts';

/** What a restore has set aside: tables under their names in databases of their own, all else as text, and what was recorded of it. */
export interface SetAside {
  readonly from: string;
  readonly journal: Journal;
  readonly kept: KeptFacts;
  readonly programs: Buffer;
  readonly viewDump: Buffer;
}

const unavailable = (detail: string): RunError => new RunError('SafetyCopyUnavailable', detail);

/** Reads what restore `from` has set aside, and makes sure that every table of it is there. @throws RunError SafetyCopyUnavailable */
export const readSetAside = async (connection: Connection, from: string): Promise<SetAside> => {
  const state = await stateOf(connection, from);
  if (state === undefined) throw unavailable(`The server has no ${exchangeName(from)}: the safety copy was discarded.`);
  if (state !== 'done')
    throw unavailable(`Restore ${from} was cut off in its exchange (${state}): what it set aside is no copy.`);
  const journal = await readJournal(connection, from, state);
  for (const { old, existed, tables } of journal.databases) {
    if (!existed) continue;
    const there = (await existing(connection, [old])).length > 0 ? (await tablesIn(connection, old)).tables : [];
    const missing = tables.filter((table) => !there.includes(table));
    const more = there.filter((table) => !tables.includes(table));
    if (missing.length > 0) {
      const all = missing.length === tables.length ? ' It may have been put back before.' : '';
      throw unavailable(
        `${missing.length} of the ${tables.length} tables that were set aside in ${old} are not there: ${missing.slice(0, 3).join(', ')}.${all}`,
      );
    }
    if (more.length > 0)
      throw unavailable(
        `Somebody has put tables into ${old}, which are not of what was set aside: ${more.slice(0, 3).join(', ')}.`,
      );
  }
  if (!journal.databases.some(({ existed }) => existed))
    throw unavailable(`Restore ${from} found nothing to set aside.`);
  return {
    from,
    journal,
    kept: await readKeptFacts(connection, from),
    programs: await readText(connection, from, state, 'programs'),
    viewDump: await readText(connection, from, state, 'viewDump'),
  };
};

const ofTables = (databases: readonly DatabaseFacts[]): DatabaseFacts[] =>
  databases.map((each) => ({ ...each, views: [], triggers: [], routines: [], events: [] }));

/** What the tables of the copy are now, each database under the name that it had. */
export const factsInCopy = (
  context: RestoreContext,
  account: NetworkAccount,
  { journal }: Pick<SetAside, 'journal'>,
  definitionsOnly = false,
): Promise<DatabaseFacts[]> => {
  const existed = journal.databases.filter((each) => each.existed);
  return factsOf(context, account, new Map(existed.map(({ name, old }) => [name, old])), { definitionsOnly });
};

/** What of the tables is not as it was recorded, by definition. Pure. */
export const tablesDiffer = ({ kept }: Pick<SetAside, 'kept'>, found: readonly DatabaseFacts[]): readonly string[] =>
  definitionsDiffer({ databases: ofTables(kept.databases) }, ofTables(found));

/** Of all that was recorded, what can be made again: views that did not work then cannot. Pure. */
export const comingOf = ({ databases, broken }: KeptFacts): DatabaseFacts[] => {
  const without = new Map(broken.map(({ database, views }) => [database, views]));
  return databases.map((database) => ({
    ...database,
    views: database.views.filter(({ name }) => !(without.get(database.name) ?? []).includes(name)),
  }));
};

/** The definitions as they were recorded, with the rows that the tables of the copy have. Pure. */
export const withContents = (recorded: readonly DatabaseFacts[], found: readonly DatabaseFacts[]): DatabaseFacts[] => {
  const contents = new Map(found.map(({ name, tables }) => [name, new Map(tables.map((each) => [each.name, each]))]));
  return recorded.map((database) => ({
    ...database,
    tables: database.tables.map((table) => withContent(table, contents.get(database.name)?.get(table.name))),
  }));
};

const withContent = (
  { name, kind, engine, schema, content }: TableFacts,
  found: TableFacts | undefined,
): TableFacts => ({
  name,
  kind,
  engine,
  schema,
  content: found?.content ?? content,
  ...(found?.autoIncrement !== undefined && { autoIncrement: found.autoIncrement }),
});

/** The events of a copy whose time is over by now. */
export const pastEventsOf = async (
  context: RestoreContext,
  connection: Connection,
  { programs }: Pick<SetAside, 'programs'>,
): Promise<string[]> => {
  if (programs.length === 0) return [];
  const file = join(context.task.scratch, 'kept-programs.sql');
  await writeFile(file, programs, { mode: 0o600 });
  try {
    return await pastEvents(connection, { file, index: await indexDump(file, context.signal) }, context.now());
  } finally {
    await rm(file, { force: true });
  }
};
