import type { Connection } from '../connect.ts';
import { serverSql } from './moment.ts';

/** What a table of InnoDB is known by. */
export interface TableMark {
  /** InnoDB's number of it, which stays when it is renamed: whatever else puts other rows in its place at once gives it another one. */
  readonly id: string;
  /**
   * UPDATE_TIME: when the transaction that changed it last began (MariaDB from 10.6 on) or was committed (before, and MySQL), in whole seconds.
   * The server forgets it when it starts anew or drops the table from its cache.
   */
  readonly updated: string;
}

/** Marks by the names of the tables. */
export interface Marks {
  readonly server: string;
  readonly tables: ReadonlyMap<string, TableMark>;
}

/**
 * The marks of the tables of a database. One that is not there has none: of another engine, partitioned, empty since it was made, of a name that InnoDB writes in
 * ways of its own, or forgotten.
 * @throws the server's error: without the PROCESS privilege it does not show the numbers
 */
export const marksIn = async (connection: Connection, database: string): Promise<Marks> => {
  const before = await numbersIn(connection, database);
  const rows: DatedTable[] = await connection.query(
    `SELECT ${serverSql} AS server, TABLE_NAME AS name, CAST(UPDATE_TIME AS CHAR) AS updated
     FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND ENGINE = 'InnoDB'`,
    [database],
  );
  return marksFrom(database, rows, { before, after: await numbersIn(connection, database) });
};

/** A table and when it was changed last, if that is known. */
export interface DatedTable {
  readonly server: string;
  readonly name: string;
  readonly updated: string | null;
}

/** InnoDB's numbers of tables, by their names as it writes them. */
type Numbers = ReadonlyMap<string, string>;

/** Puts together what was asked for at three times: another table may have come into the place of one in between. Pure. */
export const marksFrom = (
  database: string,
  dated: readonly DatedTable[],
  { before, after }: { readonly before: Numbers; readonly after: Numbers },
): Marks => {
  const marked = dated.flatMap(({ name, updated }) => {
    const written = `${writtenName(database) ?? ''}/${writtenName(name) ?? ''}`;
    const id = before.get(written);
    return id === undefined || id !== after.get(written) || updated === null ? [] : [[name, { id, updated }] as const];
  });
  return { server: dated[0]?.server ?? '', tables: new Map(marked) };
};

const numbersIn = async (connection: Connection, database: string): Promise<Numbers> => {
  const written = writtenName(database);
  if (written === undefined) return new Map();
  // MySQL has named it anew with release 8. What its memcached plugin writes is not dated.
  const [list]: { name: string }[] = await connection.query(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME IN ('INNODB_TABLES', 'INNODB_SYS_TABLES')
       AND NOT EXISTS (SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'daemon_memcached' AND PLUGIN_STATUS = 'ACTIVE')`,
  );
  if (list === undefined) return new Map();
  const start = `${written}/`;
  const rows: { name: string; id: string }[] = await connection.query(
    `SELECT NAME AS name, CAST(TABLE_ID AS CHAR) AS id FROM information_schema.${list.name} WHERE LEFT(NAME, ?) = ?`,
    [start.length, start],
  );
  return new Map(rows.map(({ name, id }) => [name, id]));
};

/** A name as InnoDB writes it; undefined with letters that it has signs of its own for. Pure. */
export const writtenName = (name: string): string | undefined =>
  /^[\x20-\x7e]+$/.test(name)
    ? name.replaceAll(/\W/g, (sign) => `@${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : undefined;
