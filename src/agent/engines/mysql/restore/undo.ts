import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import type { Connection, NetworkAccount } from '../connect.ts';
import { identifier } from '../sql.ts';
import { alteredTo } from './database-options.ts';
import { definitionsDigest, dropEmpty, tidyExchange } from './exchange.ts';
import { exchangesOn, readJournal, readText, stateOf, type ExchangedDatabase } from './journal.ts';
import { exchangeName } from './names.ts';
import { renameStatement, undoOf, type Rename } from './plan-renames.ts';
import { existing, presentIn, tablesIn } from './present.ts';
import { dropPrograms, loadPrograms } from './programs.ts';
import { giveGrants } from './routine-grants.ts';

export interface UndoInput {
  readonly account: NetworkAccount;
  readonly optionFile: string;
}

/** What became of an exchange that did not come to its end by itself. */
export type Outcome = 'Nothing' | 'PutBack' | 'Done';

/**
 * Brings an exchange that was cut off to an end: one that was begun is undone, whole; one that was done is tidied up. May itself be cut off anywhere, and
 * begun again. To be called inside the fence.
 * @throws RunError ExchangeFailed: what was there could not be put back
 */
export const settleExchange = async (
  context: RestoreContext,
  connection: Connection,
  id: string,
  { account, optionFile }: UndoInput,
): Promise<Outcome> => {
  const state = await stateOf(connection, id);
  if (state === undefined) return 'Nothing';
  if (state === 'writing') {
    await connection.query(`DROP DATABASE ${identifier(exchangeName(id))}`);
    return 'Nothing';
  }
  const journal = await readJournal(connection, id, state);
  if (state === 'done') {
    await tidyExchange(context, connection, journal);
    return 'Done';
  }
  const { databases } = journal;
  await connection.query('SET SESSION lock_wait_timeout = 60');
  const there = await existing(
    connection,
    databases.map(({ name }) => name),
  );
  const present = databases.filter(({ name }) => there.includes(name));
  for (const { name } of present) await dropPrograms(connection, await presentIn(connection, name));
  await renameBack(connection, present);
  for (const { name, existed, options } of present) {
    if (existed) await connection.query(`ALTER DATABASE ${identifier(name)} ${alteredTo(options)}`);
    else await dropEmpty(connection, name);
  }
  await loadPrograms(context, optionFile, await readText(connection, id, state, 'programs'));
  const lost = await giveGrants(connection, journal.grants);
  const before = databases.filter(({ existed }) => existed).map(({ name }) => name);
  if (lost.length > 0 || (await definitionsDigest(context, account, before)) !== journal.definitions) {
    const detail = `What was there before was put back, but its definitions are not what they were: the journal is kept in ${exchangeName(id)}.`;
    throw new RunError('ExchangeFailed', detail);
  }
  for (const { old } of databases) await dropEmpty(connection, old);
  await connection.query(`DROP DATABASE ${identifier(exchangeName(id))}`);
  return 'PutBack';
};

/** Every table and view of the databases goes where it was, in one statement. */
const renameBack = async (connection: Connection, databases: readonly ExchangedDatabase[]): Promise<void> => {
  const away: Rename[] = [];
  const back: Rename[] = [];
  for (const database of databases) {
    const { tables, views } = await tablesIn(connection, database.name);
    const hasOld = (await existing(connection, [database.old])).length > 0;
    const old = hasOld ? (await tablesIn(connection, database.old)).tables : [];
    const undo = undoOf(database, { tables, views, old });
    for (const view of undo.dropViews) {
      await connection.query(`DROP VIEW IF EXISTS ${identifier(database.name)}.${identifier(view)}`);
    }
    if (undo.away.length > 0) await connection.query(`CREATE DATABASE IF NOT EXISTS ${identifier(database.aside)}`);
    away.push(...undo.away);
    back.push(...undo.back);
  }
  const statement = renameStatement([...away, ...back]);
  if (statement !== undefined) await connection.query(statement);
};

/** Settles every exchange on the server. Gives what was done in words; undefined: there was nothing to be done. */
export const settleAll = async (
  context: RestoreContext,
  connection: Connection,
  input: UndoInput,
): Promise<string | undefined> => {
  const putBack: string[] = [];
  for (const id of await exchangesOn(connection)) {
    if ((await settleExchange(context, connection, id, input)) === 'PutBack') putBack.push(id);
  }
  return putBack.length === 0
    ? undefined
    : `Put back what was there before ${putBack.length === 1 ? 'a restore that was cut off' : `${putBack.length} restores that were cut off`} (${putBack.join(', ')}).`;
};
