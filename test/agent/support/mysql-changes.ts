import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection } from 'mariadb';

/** A server and the directory of its data, which files are put into. */
export interface ChangedServer {
  readonly socket: string;
  admin<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
}

/** Rows of each table that nothing changes: reading one shows in the server's counters. */
export const quietRows = 20_000;

/** Where tables lie that take the place of others. */
const elsewhere = 'elsewhere';

/** A way to change what a table holds, and nothing of what it is. */
interface Change {
  readonly way: string;
  /** The tables that hold other rows then. */
  readonly tables: readonly string[];
  /** Statements in the database, a list for each session. */
  readonly sessions: readonly (readonly string[])[];
  /** It needs what is made after the tables: triggers and routines. */
  readonly programs?: boolean;
  /** Not every server can. */
  readonly mariadb?: boolean;
}

const simple = (way: string, table: string, ...statements: readonly string[]): Change => ({
  way,
  tables: [table],
  sessions: [statements],
});

const changes: readonly Change[] = [
  simple('a row is inserted', 'inserted', 'INSERT INTO inserted VALUES (9, 9)'),
  simple('a row is updated', 'updated', 'UPDATE updated SET v = v + 1 WHERE id = 1'),
  simple('a row is deleted', 'deleted', 'DELETE FROM deleted WHERE id = 1'),
  simple('all rows are deleted', 'emptied', 'DELETE FROM emptied'),
  simple('a row is replaced', 'replaced', 'REPLACE INTO replaced VALUES (1, 9)'),
  simple('a row is merged', 'merged', 'INSERT INTO merged VALUES (1, 1) ON DUPLICATE KEY UPDATE v = 9'),
  simple('a long value is updated', 'long_value', "UPDATE long_value SET v = CONCAT(v, 'x') WHERE id = 1"),
  simple(
    'in a transaction, of which a part is rolled back',
    'in_transaction',
    'BEGIN',
    'UPDATE in_transaction SET v = v + 1',
    'SAVEPOINT here',
    'UPDATE rolled_back SET v = v + 1',
    'ROLLBACK TO SAVEPOINT here',
    'COMMIT',
  ),
  simple(
    'in a transaction of two parts',
    'in_two_parts',
    "XA START 'one'",
    'UPDATE in_two_parts SET v = v + 1',
    "XA END 'one'",
    "XA PREPARE 'one'",
    "XA COMMIT 'one'",
  ),
  {
    way: 'two tables by one statement',
    tables: ['joined', 'joined_too'],
    sessions: [['UPDATE joined a JOIN joined_too b ON a.id = b.id SET a.v = a.v + 1, b.v = b.v + 1']],
  },
  {
    way: 'by a foreign key',
    tables: ['parent', 'child', 'child_nulled'],
    sessions: [['DELETE FROM parent WHERE id = 1']],
  },
  simple('by one partition', 'partitioned', 'UPDATE partitioned SET v = v + 1 WHERE id = 1'),
  {
    way: 'by a trigger',
    tables: ['touching', 'by_trigger'],
    sessions: [['UPDATE touching SET v = 9']],
    programs: true,
  },
  { way: 'by a routine', tables: ['by_routine'], sessions: [['CALL change_it()']], programs: true },
  simple('truncated', 'truncated', 'TRUNCATE truncated'),
  simple(
    'dropped and made anew',
    'recreated',
    'CREATE TABLE recreated_too LIKE recreated',
    'DROP TABLE recreated',
    'ALTER TABLE recreated_too RENAME TO recreated',
    'INSERT INTO recreated VALUES (1, 7), (2, 7), (3, 7)',
  ),
  simple(
    'another table in its place',
    'changed_places',
    `RENAME TABLE changed_places TO ${elsewhere}.was, ${elsewhere}.changed_places TO changed_places`,
  ),
  simple(
    'a partition of another in its place',
    'exchanged',
    `ALTER TABLE ${elsewhere}.parts EXCHANGE PARTITION p0 WITH TABLE exchanged`,
  ),
  {
    way: 'past rows as well',
    tables: ['versioned'],
    sessions: [['UPDATE versioned SET v = v + 1 WHERE id = 1']],
    mariadb: true,
  },
];

/** Changed by files, in `changeAll`. */
const imported = 'imported';

const plain = [
  'inserted updated deleted emptied replaced merged in_transaction rolled_back in_two_parts joined joined_too',
  'touching by_trigger by_routine truncated recreated changed_places exchanged',
  imported,
].flatMap((names) => names.split(' '));

const columns = '(id INT PRIMARY KEY, v INT)';
const threeRows = 'VALUES (1, 1), (2, 2), (3, 3)';
const otherRows = 'VALUES (1, 7), (2, 7), (3, 7)';

/** Statements for a database with a table for each way, and two tables that nothing changes. */
export const changeableStatements = (database: string, { mariadb }: { readonly mariadb: boolean }): string[] => [
  `CREATE DATABASE ${database}`,
  `USE ${database}`,
  ...plain.flatMap((table) => [`CREATE TABLE ${table} ${columns} ENGINE=InnoDB`, `INSERT INTO ${table} ${threeRows}`]),
  'CREATE TABLE long_value (id INT PRIMARY KEY, v LONGTEXT) ENGINE=InnoDB',
  "INSERT INTO long_value VALUES (1, REPEAT('a', 100000))",
  'CREATE TABLE parent (id INT PRIMARY KEY) ENGINE=InnoDB',
  'INSERT INTO parent VALUES (1), (2)',
  'CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE) ENGINE=InnoDB',
  'INSERT INTO child VALUES (1, 1), (2, 2)',
  'CREATE TABLE child_nulled (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE SET NULL) ENGINE=InnoDB',
  'INSERT INTO child_nulled VALUES (1, 1), (2, 2)',
  `CREATE TABLE partitioned ${columns} ENGINE=InnoDB PARTITION BY HASH (id) PARTITIONS 3`,
  `INSERT INTO partitioned ${threeRows}`,
  'CREATE TRIGGER reaches AFTER UPDATE ON touching FOR EACH ROW UPDATE by_trigger SET v = v + 1',
  'CREATE PROCEDURE change_it() UPDATE by_routine SET v = v + 1',
  ...(mariadb
    ? [`CREATE TABLE versioned ${columns} ENGINE=InnoDB WITH SYSTEM VERSIONING`, `INSERT INTO versioned ${threeRows}`]
    : []),
  ...['quiet', 'quiet_too'].flatMap((table) => [
    `CREATE TABLE ${table} ${columns} ENGINE=InnoDB`,
    `INSERT INTO ${table} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, i FROM n`,
    ...Array.from(
      { length: quietRows / 1000 - 1 },
      (_, index) => `INSERT INTO ${table} SELECT id + ${(index + 1) * 1000}, v FROM ${table} WHERE id <= 1000`,
    ),
  ]),
];

/** What takes the place of tables, anew each time. */
const elsewhereStatements = [
  `DROP DATABASE IF EXISTS ${elsewhere}`,
  `CREATE DATABASE ${elsewhere}`,
  ...['changed_places', imported].flatMap((table) => [
    `CREATE TABLE ${elsewhere}.${table} ${columns} ENGINE=InnoDB`,
    `INSERT INTO ${elsewhere}.${table} ${otherRows}`,
  ]),
  `CREATE TABLE ${elsewhere}.parts ${columns} ENGINE=InnoDB PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (100))`,
  `INSERT INTO ${elsewhere}.parts ${otherRows}`,
];

/** Changes every table of a database in its own way, whatever it is called by now. Gives the tables that hold other rows then. */
export const changeAll = async (
  server: ChangedServer,
  database: string,
  { mariadb, programs }: { readonly mariadb: boolean; readonly programs: boolean },
): Promise<string[]> => {
  const possible = changes.filter(
    (change) => (programs || change.programs !== true) && (mariadb || change.mariadb !== true),
  );
  await server.admin(async (connection) => {
    for (const statement of elsewhereStatements) await connection.query(statement);
  });
  for (const { way, sessions } of possible) {
    for (const statements of sessions) {
      await server.admin(async (connection) => {
        await connection.query(`USE ${database}`);
        for (const statement of statements) {
          await connection.query(statement).catch((error: unknown) => {
            throw new Error(`${way}: ${statement}`, { cause: error });
          });
        }
      });
    }
  }
  await importOther(server, database);
  return [...possible.flatMap(({ tables }) => tables), imported].toSorted();
};

/** Puts other rows into a table by its files. */
const importOther = (server: ChangedServer, database: string): Promise<void> =>
  server.admin(async (connection) => {
    const data = join(server.socket, '..', 'data');
    const kept = join(server.socket, '..', 'tmp');
    await connection.query(`FLUSH TABLES ${elsewhere}.${imported} FOR EXPORT`);
    for (const end of ['ibd', 'cfg'])
      await copyFile(join(data, elsewhere, `${imported}.${end}`), join(kept, `${imported}.${end}`));
    await connection.query('UNLOCK TABLES');
    await connection.query(`ALTER TABLE ${database}.${imported} DISCARD TABLESPACE`);
    for (const end of ['ibd', 'cfg'])
      await copyFile(join(kept, `${imported}.${end}`), join(data, database, `${imported}.${end}`));
    await connection.query(`ALTER TABLE ${database}.${imported} IMPORT TABLESPACE`);
  });

/** How many rows a server has read since it began, one after the other. */
export const rowsRead = ({ admin }: Pick<ChangedServer, 'admin'>): Promise<number> =>
  admin(async (connection) => {
    const rows: { Value: string }[] = await connection.query(
      "SHOW GLOBAL STATUS WHERE Variable_name IN ('Handler_read_rnd_next', 'Handler_read_next')",
    );
    return rows.reduce((sum, { Value }) => sum + Number(Value), 0);
  });

/** What a table's last change is dated. */
export const updateTime = ({ admin }: Pick<ChangedServer, 'admin'>, database: string, table: string): Promise<string> =>
  admin(async (connection) => {
    await connection.query("SET time_zone = '+00:00' /*!80000 , information_schema_stats_expiry = 0 */");
    const [row]: { updated: string | null }[] = await connection.query(
      `SELECT CAST(UPDATE_TIME AS CHAR) AS updated FROM information_schema.TABLES
       WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`,
      [database, table],
    );
    return row?.updated ?? 'unknown';
  });
