import type { Connection } from '../connect.ts';
import { identifier, ownSchema } from '../sql.ts';

/** What is in a database of the server, by kind and name. */
export interface Present {
  readonly name: string;
  /** Sequences as well: they are moved like tables. */
  readonly tables: readonly string[];
  readonly views: readonly string[];
  readonly triggers: readonly string[];
  readonly routines: readonly { readonly name: string; readonly type: string }[];
  readonly events: readonly string[];
  /** What CREATE DATABASE says after the name. */
  readonly options: string;
}

/** Those of the names that are databases of the server. */
export const existing = async (connection: Connection, names: readonly string[]): Promise<string[]> => {
  const there = new Set(await allDatabases(connection));
  return names.filter((name) => there.has(name));
};

/** All databases that the account sees. */
export const allDatabases = async (connection: Connection): Promise<string[]> => {
  const rows: Record<string, string>[] = await connection.query('SHOW DATABASES');
  return rows.flatMap((row) => Object.values(row));
};

/** Tables and views of a database. */
export const tablesIn = async (
  connection: Connection,
  database: string,
): Promise<{ readonly tables: string[]; readonly views: string[] }> => {
  const rows: Record<string, string>[] = await connection.query(`SHOW FULL TABLES FROM ${identifier(database)}`);
  const all = rows.map((row) => Object.values(row)).filter(([, type = '']) => !type.startsWith('TEMPORARY'));
  const named = (view: boolean): string[] =>
    all.filter(([, type]) => (type === 'VIEW') === view).map(([name = '']) => name);
  return { tables: named(false), views: named(true) };
};

/** What is in a database that is there. */
export const presentIn = async (connection: Connection, database: string): Promise<Present> => {
  const triggers: { name: string }[] = await connection.query(
    `SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE ${ownSchema('TRIGGER_SCHEMA')}`,
    [database, database],
  );
  const routines: { name: string; type: string }[] = await connection.query(
    // A package takes its body with it.
    "SELECT ROUTINE_NAME AS name, ROUTINE_TYPE AS type FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND ROUTINE_TYPE <> 'PACKAGE BODY'",
    [database],
  );
  const events: { name: string }[] = await connection.query(
    `SELECT EVENT_NAME AS name FROM information_schema.EVENTS WHERE ${ownSchema('EVENT_SCHEMA')}`,
    [database, database],
  );
  const [created]: Record<string, string>[] = await connection.query(`SHOW CREATE DATABASE ${identifier(database)}`);
  return {
    name: database,
    ...(await tablesIn(connection, database)),
    triggers: triggers.map(({ name }) => name),
    routines,
    events: events.map(({ name }) => name),
    options: (Object.values(created ?? {})[1] ?? '').slice(`CREATE DATABASE ${identifier(database)}`.length).trim(),
  };
};
