import { RunError } from '../../../../errors/run-error.ts';
import type { Connection } from '../connect.ts';
import { identifier } from '../sql.ts';
import { exchangesOn, readJournal, stateOf } from './journal.ts';
import { asidePrefix, exchangeName, loadingMark, oldPrefix } from './names.ts';
import { allDatabases } from './present.ts';
import { tidyExchange } from './exchange.ts';
import type { RestoreContext } from '../../../restore/engine.ts';

/** Removes what was loaded: aside by the form of its name, and under the names that it was to keep as far as it carries our mark. */
export const dropLoaded = async (connection: Connection, id: string): Promise<void> => {
  await connection.query('SET SESSION foreign_key_checks = 0');
  for (const name of await allDatabases(connection)) {
    if (name.startsWith(asidePrefix(id))) await connection.query(`DROP DATABASE ${identifier(name)}`);
  }
  for (const name of await markedBy(connection, id)) await connection.query(`DROP DATABASE ${identifier(name)}`);
};

/** Takes the marks away: what carries them is whole, and no longer ours. */
export const dropMarks = async (connection: Connection, id: string): Promise<void> => {
  for (const name of await markedBy(connection, id)) {
    await connection.query(`DROP TABLE ${identifier(name)}.${identifier(loadingMark(id))}`);
  }
};

const markedBy = async (connection: Connection, id: string): Promise<string[]> => {
  const rows: { name: string }[] = await connection.query(
    'SELECT TABLE_SCHEMA AS name FROM information_schema.TABLES WHERE TABLE_NAME = ?',
    [loadingMark(id)],
  );
  return rows.map(({ name }) => name);
};

/** Removes what was set aside. @throws RunError RestoreInterrupted: it is all that there is of the present data */
export const dropSetAside = async (context: RestoreContext, connection: Connection, id: string): Promise<void> => {
  const state = await stateOf(connection, id);
  if (state === 'begun') {
    const detail = `The exchange of restore ${id} was cut off: what it set aside is the data, and no copy of it.`;
    throw new RunError('RestoreInterrupted', detail);
  }
  if (await isBeingPutBack(connection, id)) {
    const detail = `A restore that put back what restore ${id} set aside was cut off: what is left of that is needed to undo it.`;
    throw new RunError('RestoreInterrupted', detail);
  }
  if (state === 'done') await tidyExchange(context, connection, await readJournal(connection, id, state));
  await connection.query('SET SESSION foreign_key_checks = 0');
  for (const name of await allDatabases(connection)) {
    if (name.startsWith(oldPrefix(id))) await connection.query(`DROP DATABASE ${identifier(name)}`);
  }
  if (state !== undefined) await connection.query(`DROP DATABASE ${identifier(exchangeName(id))}`);
};

/** Whether an exchange that is not over moves what a restore has set aside. */
export const isBeingPutBack = async (connection: Connection, id: string): Promise<boolean> => {
  for (const other of await exchangesOn(connection)) {
    if (other === id || (await stateOf(connection, other)) !== 'begun') continue;
    const { databases } = await readJournal(connection, other, 'begun');
    if (databases.some(({ aside }) => aside.startsWith(oldPrefix(id)))) return true;
  }
  return false;
};
