import { createHash } from 'node:crypto';
import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { serverError, serverMessage, type Connection, type NetworkAccount } from '../connect.ts';
import { identifier } from '../sql.ts';
import { factsOf } from './compare.ts';
import { keptFacts } from './copy-facts.ts';
import { alteredTo } from './database-options.ts';
import { moveDefaults } from './defaults.ts';
import type { DatabaseFacts } from '../facts.ts';
import type { Incoming, IncomingDatabase } from './incoming.ts';
import { changeState, stateOf, writeJournal, type ExchangedDatabase, type Journal } from './journal.ts';
import { exchangeName, oldName, setAsideView } from './names.ts';
import { checkExchangeable } from './obstacles.ts';
import { exchangeRenames, renameStatement } from './plan-renames.ts';
import { existing, presentIn, tablesIn, type Present } from './present.ts';
import { brokenViews, dropPrograms, savePrograms, saveViews, viewsAsText } from './programs.ts';
import { giveGrants, rehearseGrants, routineGrants } from './routine-grants.ts';

/** How long a table that somebody has in use is waited for: then the exchange is undone. */
const lockWaitSeconds = 60;

export interface ExchangeInput {
  readonly id: string;
  readonly account: NetworkAccount;
  readonly optionFile: string;
  readonly incoming: Incoming;
}

/**
 * Looks at all that is there, and writes down what undoes the exchange. Nothing that is present was touched when it returns.
 * @throws RunError DestinationUnsupported, PrivilegeMissing
 */
export const prepareExchange = async (
  context: RestoreContext,
  connection: Connection,
  { id, account, optionFile, incoming }: ExchangeInput,
): Promise<Journal> => {
  const state = await stateOf(connection, id);
  if (state === 'writing') await connection.query(`DROP DATABASE ${identifier(exchangeName(id))}`);
  else if (state !== undefined) {
    throw new RunError('ExchangeFailed', `This restore was exchanged before (${exchangeName(id)} is ${state}).`);
  }
  const names = incoming.databases.map(({ name }) => name);
  const there = await existing(connection, names);
  await checkExchangeable(connection, names, there);
  const present: Present[] = [];
  for (const name of there) present.push(await presentIn(connection, name));
  const databases: ExchangedDatabase[] = [];
  for (const each of incoming.databases) {
    const before = present.find(({ name }) => name === each.name);
    databases.push(await exchangedDatabase(connection, { id, incoming: each, present: before }));
  }
  const grants = await rehearseGrants(connection, await routineGrants(connection, there));
  const definitions = await definitionsOf(context, account, there);
  const { viewDump, broken } = await keepViews(context, connection, optionFile, present);
  const journal: Journal = { version: 1, databases, definitions: digestOf(definitions), grants };
  await writeJournal(connection, id, journal, {
    programs: await savePrograms(context, optionFile, present),
    viewDump,
    views: await viewsAsText(connection, present),
    facts: keptFacts({ databases: definitions, broken }),
  });
  return journal;
};

/** The views as statements that make them again, and which of them those are not for. A restore does not fail for want of them. */
const keepViews = async (
  context: RestoreContext,
  connection: Connection,
  optionFile: string,
  present: readonly Present[],
): Promise<{ readonly viewDump: Buffer; readonly broken: ReadonlyMap<string, readonly string[]> }> => {
  const broken = new Map<string, readonly string[]>();
  for (const each of present) broken.set(each.name, await brokenViews(connection, each));
  try {
    return { viewDump: await saveViews(context, optionFile, present, broken), broken };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof RunError)) throw error;
    context.log.warn('the views could not be kept but as text', { error });
    return { viewDump: Buffer.alloc(0), broken: new Map(present.map(({ name, views }) => [name, views])) };
  }
};

const exchangedDatabase = async (
  connection: Connection,
  {
    id,
    incoming: { name, aside, newViews, goes },
    present,
  }: { readonly id: string; readonly incoming: IncomingDatabase; readonly present: Present | undefined },
): Promise<ExchangedDatabase> => ({
  name,
  existed: present !== undefined,
  options: present?.options ?? '',
  aside,
  old: oldName(id, name),
  tables: [...(present?.tables ?? [])],
  views: (present?.views ?? []).map((view, index) => ({ name: view, as: setAsideView(id, index) })),
  newTables: goes ? [] : (await tablesIn(connection, aside)).tables,
  newViews: [...newViews],
  goes,
});

/** A digest of all definitions of databases: of what is there, by kind and name. */
export const definitionsDigest = async (
  context: RestoreContext,
  account: NetworkAccount,
  databases: readonly string[],
): Promise<string> => digestOf(await definitionsOf(context, account, databases));

const definitionsOf = (
  context: RestoreContext,
  account: NetworkAccount,
  databases: readonly string[],
): Promise<DatabaseFacts[]> =>
  factsOf(context, account, new Map(databases.map((name) => [name, name])), { definitionsOnly: true });

const digestOf = (facts: readonly DatabaseFacts[]): string => {
  // Counters move, and rows with them, by whoever still writes.
  const definitions = facts.map((database) => ({
    ...database,
    tables: database.tables.map(({ name, kind, engine, schema }) => ({ name, kind, engine, schema })),
  }));
  return createHash('sha256').update(JSON.stringify(definitions)).digest('hex');
};

/** Puts what was loaded into the place of what is there. Whatever it throws, the journal undoes. @throws RunError ExchangeFailed */
export const exchange = async (
  context: RestoreContext,
  connection: Connection,
  { id, account, incoming }: ExchangeInput,
  journal: Journal,
): Promise<void> => {
  const { databases } = journal;
  const coming = incoming.databases.filter(({ goes }) => !goes);
  await connection.query(`SET SESSION lock_wait_timeout = ${lockWaitSeconds}`);
  for (const { existed, old, options } of databases) {
    if (existed) await connection.query(`CREATE DATABASE ${identifier(old)} ${options}`);
  }
  const there = new Set(databases.filter(({ existed }) => existed).map(({ name }) => name));
  for (const { name, options } of coming) {
    if (!there.has(name)) await connection.query(`CREATE DATABASE ${identifier(name)} ${options}`);
  }
  for (const { name, existed } of databases) {
    if (existed) await dropPrograms(connection, await presentIn(connection, name));
  }
  const renames = renameStatement(exchangeRenames(databases));
  if (renames !== undefined) await connection.query(renames);
  for (const { name, options } of coming) {
    await connection.query(`ALTER DATABASE ${identifier(name)} ${alteredTo(options)}`);
  }
  await moveDefaults(connection, databases);
  await incoming.loadPrograms(context, connection);
  await checkDefinitions(context, connection, { account, incoming, journal });
  const lost = await giveGrants(connection, journal.grants);
  if (lost.length > 0) {
    context.note({
      reason: 'NotCovered',
      message: `Rights on routines that are not in what was restored are gone: ${lost.length} of ${journal.grants.length}.`,
    });
  }
  await incoming.giveGrants(context, connection);
  await changeState(connection, id, 'begun', 'done');
};

/** What is in place must be what was recorded, by definition: better found now, when it can be undone. @throws RunError ExchangeFailed */
const checkDefinitions = async (
  context: RestoreContext,
  connection: Connection,
  { account, incoming, journal }: Pick<ExchangeInput, 'account' | 'incoming'> & { readonly journal: Journal },
): Promise<void> => {
  const names = incoming.databases.filter(({ goes }) => !goes).map(({ name }) => name);
  const found = (await definitionsOf(context, account, names)).map((database) => ({
    ...database,
    views: database.views.filter((view) => !isSetAside(journal, database.name, view.name)),
  }));
  const [first, ...more] = await incoming.differences(context, connection, found);
  if (first === undefined) return;
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  throw new RunError('ExchangeFailed', `What came into its place differs from what was to come: ${first}${others}.`);
};

const isSetAside = ({ databases }: Journal, database: string, view: string): boolean =>
  databases.some(({ name, views }) => name === database && views.some(({ as }) => as === view));

/** What of the exchange is of no more use once it is done. What cannot be removed does no harm, and is removed with the safety copy. */
export const tidyExchange = async (
  { log }: Pick<RestoreContext, 'log'>,
  connection: Connection,
  { databases }: Pick<Journal, 'databases'>,
): Promise<void> => {
  for (const { name, aside, views, goes } of databases) {
    try {
      for (const { as } of views) {
        await connection.query(`DROP VIEW IF EXISTS ${identifier(name)}.${identifier(as)}`);
      }
      await dropEmpty(connection, aside);
      if (goes) await dropEmpty(connection, name);
    } catch (error) {
      if (serverError(error) === undefined) throw error;
      log.warn(`not removed yet: ${serverMessage(error)}`, { database: name });
    }
  }
};

/** Drops a database that holds nothing; one that is not there is dropped. */
export const dropEmpty = async (connection: Connection, database: string): Promise<void> => {
  if ((await existing(connection, [database])).length === 0) return;
  const { tables, views, routines, events } = await presentIn(connection, database);
  if (tables.length + views.length + routines.length + events.length > 0) return;
  await connection.query(`DROP DATABASE ${identifier(database)}`);
};
