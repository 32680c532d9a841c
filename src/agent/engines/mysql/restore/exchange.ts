import { createHash } from 'node:crypto';
import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { serverError, serverMessage, type Connection, type NetworkAccount } from '../connect.ts';
import { identifier } from '../sql.ts';
import { optionsOf, type Backup } from './backup.ts';
import { definitionsDiffer, factsOf } from './compare.ts';
import { alteredTo } from './database-options.ts';
import { moveDefaults } from './defaults.ts';
import { clientSession } from './fence.ts';
import { changeState, stateOf, writeJournal, type ExchangedDatabase, type Journal } from './journal.ts';
import { loadPrograms } from './load-databases.ts';
import { asideName, exchangeName, oldName, setAsideView } from './names.ts';
import { checkExchangeable } from './obstacles.ts';
import { pastEvents, withoutEvents } from './past-events.ts';
import { exchangeRenames, renameStatement } from './plan-renames.ts';
import { existing, presentIn, tablesIn, type Present } from './present.ts';
import { dropPrograms, savePrograms, viewsAsText } from './programs.ts';
import { giveGrants, rehearseGrants, routineGrants } from './routine-grants.ts';

/** How long a table that somebody has in use is waited for: then the exchange is undone. */
const lockWaitSeconds = 60;

export interface ExchangeInput {
  readonly id: string;
  readonly account: NetworkAccount;
  readonly optionFile: string;
  readonly backup: Backup;
}

/**
 * Looks at all that is there, and writes down what undoes the exchange. Nothing that is present was touched when it returns.
 * @throws RunError DestinationUnsupported, PrivilegeMissing
 */
export const prepareExchange = async (
  context: RestoreContext,
  connection: Connection,
  { id, account, optionFile, backup }: ExchangeInput,
): Promise<Journal> => {
  const state = await stateOf(connection, id);
  if (state === 'writing') await connection.query(`DROP DATABASE ${identifier(exchangeName(id))}`);
  else if (state !== undefined) {
    throw new RunError('ExchangeFailed', `This restore was exchanged before (${exchangeName(id)} is ${state}).`);
  }
  const there = await existing(connection, backup.databases);
  await checkExchangeable(connection, backup.databases, there);
  const present: Present[] = [];
  for (const name of there) present.push(await presentIn(connection, name));
  const databases: ExchangedDatabase[] = [];
  for (const name of backup.databases) {
    databases.push(
      await exchangedDatabase(connection, { id, name, backup, present: present.find((each) => each.name === name) }),
    );
  }
  const grants = await rehearseGrants(connection, await routineGrants(connection, there));
  const journal: Journal = {
    version: 1,
    databases,
    definitions: await definitionsDigest(context, account, there),
    grants,
  };
  await writeJournal(connection, id, journal, {
    programs: await savePrograms(context, optionFile, present),
    views: await viewsAsText(connection, present),
  });
  return journal;
};

const exchangedDatabase = async (
  connection: Connection,
  {
    id,
    name,
    backup,
    present,
  }: { readonly id: string; readonly name: string; readonly backup: Backup; readonly present: Present | undefined },
): Promise<ExchangedDatabase> => {
  const aside = asideName(id, name);
  const recorded = backup.facts.databases.find((each) => each.name === name);
  return {
    name,
    existed: present !== undefined,
    options: present?.options ?? '',
    aside,
    old: oldName(id, name),
    tables: [...(present?.tables ?? [])],
    views: (present?.views ?? []).map((view, index) => ({ name: view, as: setAsideView(id, index) })),
    newTables: (await tablesIn(connection, aside)).tables,
    newViews: (recorded?.views ?? []).map((view) => view.name),
  };
};

/** A digest of all definitions of databases: of what is there, by kind and name. */
export const definitionsDigest = async (
  context: RestoreContext,
  account: NetworkAccount,
  databases: readonly string[],
): Promise<string> => {
  const names = new Map(databases.map((name) => [name, name]));
  const facts = await factsOf(context, account, names, { definitionsOnly: true });
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
  { id, account, optionFile, backup }: ExchangeInput,
  journal: Journal,
): Promise<void> => {
  const { databases } = journal;
  await connection.query(`SET SESSION lock_wait_timeout = ${lockWaitSeconds}`);
  for (const { name, existed, old, options } of databases) {
    if (existed) await connection.query(`CREATE DATABASE ${identifier(old)} ${options}`);
    else await connection.query(`CREATE DATABASE ${identifier(name)} ${optionsOf(backup, name)}`);
  }
  for (const { name, existed } of databases) {
    if (existed) await dropPrograms(connection, await presentIn(connection, name));
  }
  const renames = renameStatement(exchangeRenames(databases));
  if (renames !== undefined) await connection.query(renames);
  for (const { name } of databases) {
    await connection.query(`ALTER DATABASE ${identifier(name)} ${alteredTo(optionsOf(backup, name))}`);
  }
  await moveDefaults(connection, databases);
  const names = new Map(databases.map(({ name }) => [name, name]));
  await loadPrograms(context, { account, optionFile, backup, names }, [clientSession]);
  await checkDefinitions(context, connection, { account, backup, journal });
  const lost = await giveGrants(connection, journal.grants);
  if (lost.length > 0) {
    context.note({
      reason: 'NotCovered',
      message: `Rights on routines that the backup does not hold are gone: ${lost.length} of ${journal.grants.length}.`,
    });
  }
  await changeState(connection, id, 'begun', 'done');
};

/** What is in place must be what was recorded, by definition: better found now, when it can be undone. @throws RunError ExchangeFailed */
const checkDefinitions = async (
  context: RestoreContext,
  connection: Connection,
  {
    account,
    backup,
    journal,
  }: { readonly account: NetworkAccount; readonly backup: Backup; readonly journal: Journal },
): Promise<void> => {
  const names = new Map(backup.databases.map((name) => [name, name]));
  const found = (await factsOf(context, account, names, { definitionsOnly: true })).map((database) => ({
    ...database,
    views: database.views.filter((view) => !isSetAside(journal, database.name, view.name)),
  }));
  const over = await pastEvents(connection, backup.dump, context.now());
  const [first, ...more] = withoutEvents(definitionsDiffer(backup.facts, found), over);
  if (first === undefined) return;
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  throw new RunError('ExchangeFailed', `What came into its place differs from the backup: ${first}${others}.`);
};

const isSetAside = ({ databases }: Journal, database: string, view: string): boolean =>
  databases.some(({ name, views }) => name === database && views.some(({ as }) => as === view));

/** What of the exchange is of no more use once it is done. What cannot be removed does no harm, and is removed with the safety copy. */
export const tidyExchange = async (
  { log }: Pick<RestoreContext, 'log'>,
  connection: Connection,
  { databases }: Pick<Journal, 'databases'>,
): Promise<void> => {
  for (const { name, aside, views } of databases) {
    try {
      for (const { as } of views) {
        await connection.query(`DROP VIEW IF EXISTS ${identifier(name)}.${identifier(as)}`);
      }
      await dropEmpty(connection, aside);
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
