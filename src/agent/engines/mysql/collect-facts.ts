import { createHash } from 'node:crypto';
import type { RunContext } from '../../run.ts';
import { serverError, serverMessage, type Connection } from './connect.ts';
import { contentOf, contentQuery, type Column } from './content-query.ts';
import type { ContentFacts, DatabaseFacts, MysqlFacts, TableFacts } from './facts.ts';
import type { Gap } from './gap.ts';
import { lossyColumns } from './lossy-columns.ts';
import { readProfile, type ServerProfile } from './server.ts';
import { identifier, ownSchema } from './sql.ts';

type Row = Record<string, string | null>;

/** What of a run the collecting needs. */
export interface FactsScope extends Pick<RunContext, 'signal' | 'log'> {
  /** Nobody writes meanwhile: what has no snapshot is of the same moment as well. */
  readonly still?: boolean;
  /** Definitions alone: no row is read, and no content is known. */
  readonly definitionsOnly?: boolean;
  /** What is done to a definition of a table before it counts: where it is loaded, it may name other databases than it is recorded with. */
  readonly asRecorded?: (definition: string) => string;
  /** What a table holds, where that is proven and needs no reading. */
  readonly known?: (database: string, table: string) => ContentFacts | undefined;
}

/** The facts, and what the look at every value showed beside them: not part of them, since a restored server shows it no more. */
export interface CollectedFacts extends Pick<MysqlFacts, 'server' | 'databases'> {
  readonly gaps: readonly Gap[];
}

/** Takes the facts of the databases in the connection's present snapshot. A table that cannot be read is Unknown, with the reason. */
export const collectFacts = async (
  connection: Connection,
  databases: readonly string[],
  scope: FactsScope,
): Promise<CollectedFacts> => {
  const profile = await readProfile(connection);
  const found: DatabaseFacts[] = [];
  const gaps: Gap[] = [];
  for (const database of [...databases].toSorted(byText)) {
    scope.signal.throwIfAborted();
    found.push(await databaseFacts({ connection, database, profile, gaps }, scope));
  }
  return { server: await serverFacts(connection, profile), databases: found, gaps };
};

/** A database that is looked at, and where what its dump does not keep is put down. */
interface Collecting {
  readonly connection: Connection;
  readonly database: string;
  readonly profile: ServerProfile;
  readonly gaps: Gap[];
}

const serverFacts = async (connection: Connection, { flavour }: ServerProfile): Promise<MysqlFacts['server']> => {
  const [row] = await query(
    connection,
    `SELECT VERSION() AS version, CAST(@@lower_case_table_names AS CHAR) AS lower_case,
       @@character_set_server AS character_set, @@collation_server AS collation`,
  );
  return {
    flavour,
    version: text(row, 'version'),
    lowerCaseTableNames: Number(text(row, 'lower_case')),
    characterSet: text(row, 'character_set'),
    collation: text(row, 'collation'),
  };
};

const databaseFacts = async (collecting: Collecting, scope: FactsScope): Promise<DatabaseFacts> => {
  const { connection, database } = collecting;
  await connection.query(`USE ${identifier(database)}`);
  const [defaults] = await query(
    connection,
    'SELECT @@character_set_database AS character_set, @@collation_database AS collation',
  );
  const tables: TableFacts[] = [];
  const views: DatabaseFacts['views'] = [];
  const listed = await query(
    connection,
    `SELECT t.TABLE_NAME AS name, t.TABLE_TYPE AS type, COALESCE(t.ENGINE, '') AS engine,
       COALESCE(e.TRANSACTIONS, 'NO') AS transactions, t.TABLE_COMMENT AS comment
     FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
     WHERE t.TABLE_SCHEMA = ?`,
    [database],
  );
  for (const row of listed.toSorted((a, b) => byText(text(a, 'name'), text(b, 'name')))) {
    scope.signal.throwIfAborted();
    if (text(row, 'type') === 'VIEW') views.push(await viewFacts(collecting, text(row, 'name')));
    else tables.push(await tableFacts(collecting, row, scope));
  }
  return {
    name: database,
    characterSet: text(defaults, 'character_set'),
    collation: text(defaults, 'collation'),
    tables,
    views,
    triggers: await definitions(connection, triggerQuery, database),
    routines: await routineFacts(connection, database),
    events: await definitions(connection, eventQuery, database),
  };
};

const tableFacts = async (
  collecting: Collecting,
  row: Row,
  { still, definitionsOnly, asRecorded = (definition) => definition, known }: FactsScope,
): Promise<TableFacts> => {
  const { connection, database, profile } = collecting;
  const name = text(row, 'name');
  const type = text(row, 'type');
  const kind = type === 'SEQUENCE' ? 'Sequence' : type === 'SYSTEM VERSIONED' ? 'SystemVersioned' : 'Table';
  // SHOW CREATE TABLE of a sequence tells nothing of its steps and limits.
  const what = kind === 'Sequence' ? 'SEQUENCE' : 'TABLE';
  const [created] = await query(connection, `SHOW CREATE ${what} ${identifier(name)}`);
  const shown = asRecorded(withoutCounter(Object.values(created ?? {})[1] ?? ''));
  const schema = digest([profile.flavour === 'MySQL' ? withoutCharacterSets(shown) : shown]);
  const common = { name, kind, engine: text(row, 'engine'), schema } as const;
  if (kind === 'Sequence') return { ...common, content: { unknown: 'a sequence is not part of a snapshot' } };
  if (definitionsOnly === true) return { ...common, content: { unknown: 'its rows were not read' } };
  if (text(row, 'transactions') !== 'YES' && still !== true) {
    return { ...common, content: { unknown: `engine ${common.engine} has no snapshot` } };
  }
  const content = known?.(database, name) ?? (await tableContent(collecting, name, kind === 'SystemVersioned'));
  return { ...common, content };
};

const tableContent = async (
  { connection, database, profile, gaps }: Collecting,
  table: string,
  history: boolean,
): Promise<TableFacts['content']> => {
  try {
    const columns = await columnsOf(connection, database, table, history);
    const lossy = lossyColumns(columns, profile.castsFloat);
    const [found] = await query(
      connection,
      contentQuery({
        database,
        table,
        columns,
        history,
        hash: profile.hash,
        lossy: lossy.map(({ condition }) => condition),
      }),
    );
    for (const [index, { column, kind }] of lossy.entries()) {
      if (text(found, `lossy${index}`) !== '0') gaps.push({ kind, what: `${database}.${table}.${column}` });
    }
    return contentOf({
      rows: text(found, 'rows'),
      hashed: text(found, 'hashed'),
      total: text(found, 'total'),
    });
  } catch (error) {
    // An error of the server concerns this table (changed since the snapshot, damaged…); a lost connection concerns all.
    if (serverError(error) === undefined || connectionIsLost(error)) throw error;
    return { unknown: `it cannot be read: ${serverMessage(error)}` };
  }
};

const connectionIsLost = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'fatal' in error && error.fatal === true;

const columnsOf = async (
  connection: Connection,
  database: string,
  table: string,
  history: boolean,
): Promise<(Column & { readonly characterSet: string })[]> => {
  const rows = await query(
    connection,
    `SELECT COLUMN_NAME AS name, DATA_TYPE AS type, COALESCE(CHARACTER_SET_NAME, '') AS character_set,
       COALESCE(GENERATION_EXPRESSION, '') AS generation
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [database, table],
  );
  const columns = rows.map((row) => ({
    name: text(row, 'name'),
    type: text(row, 'type'),
    characterSet: text(row, 'character_set'),
    generated: text(row, 'generation') !== '' && !/^row (start|end)$/i.test(text(row, 'generation')),
  }));
  const implicit = history && !rows.some((row) => /^row start$/i.test(text(row, 'generation')));
  if (!implicit) return columns;
  const period = { type: 'timestamp', characterSet: '', generated: false };
  return [...columns, { name: 'row_start', ...period }, { name: 'row_end', ...period }];
};

// Whether columns are shown with the name of the view's own database depends on what its definer may do, and whether there is one.
const viewFacts = async (
  { connection, database }: Pick<Collecting, 'connection' | 'database'>,
  name: string,
): Promise<DatabaseFacts['views'][number]> => {
  const [created] = await query(connection, `SHOW CREATE VIEW ${identifier(name)}`);
  const values = Object.values(created ?? {});
  return { name, digest: digest(values.map((value) => value?.replaceAll(`${identifier(database)}.`, '') ?? null)) };
};

const routineFacts = async (connection: Connection, database: string): Promise<DatabaseFacts['routines']> => {
  const rows = await query(
    connection,
    'SELECT ROUTINE_NAME AS name, ROUTINE_TYPE AS type FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?',
    [database],
  );
  const routines: DatabaseFacts['routines'] = [];
  for (const row of rows.toSorted((a, b) => byText(routineKey(a), routineKey(b)))) {
    const [name, type] = [text(row, 'name'), text(row, 'type')];
    if (!/^[A-Z ]+$/.test(type)) throw new Error(`a routine of type ${type} is not known`);
    const [created] = await query(connection, `SHOW CREATE ${type} ${identifier(database)}.${identifier(name)}`);
    const values = Object.values(created ?? {});
    if (values[2] === null) throw new Error(`the definition of routine ${name} is hidden from the account`);
    routines.push({ name, type, digest: digest(values) });
  }
  return routines;
};

const routineKey = (row: Row): string => `${text(row, 'name')} ${text(row, 'type')}`;

const triggerQuery = `SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING,
  CAST(ACTION_ORDER AS CHAR), ACTION_STATEMENT, SQL_MODE, DEFINER,
  CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION
  FROM information_schema.TRIGGERS WHERE ${ownSchema('TRIGGER_SCHEMA')}`;

const eventQuery = `SELECT EVENT_NAME AS name, EVENT_DEFINITION, EVENT_TYPE, CAST(EXECUTE_AT AS CHAR),
  INTERVAL_VALUE, INTERVAL_FIELD, CAST(STARTS AS CHAR), CAST(ENDS AS CHAR), STATUS, ON_COMPLETION, EVENT_COMMENT, SQL_MODE, TIME_ZONE, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION,
  DATABASE_COLLATION FROM information_schema.EVENTS WHERE ${ownSchema('EVENT_SCHEMA')}`;

const definitions = async (
  connection: Connection,
  statement: string,
  database: string,
): Promise<{ name: string; digest: string }[]> => {
  const rows = await query(connection, statement, [database, database]);
  return rows
    .map((row) => ({ name: text(row, 'name'), digest: digest(Object.values(row)) }))
    .toSorted((a, b) => byText(a.name, b.name));
};

// The counter moves outside of snapshots, and a dump of the same rows may carry another one.
const withoutCounter = (statement: string): string => statement.replace(/^(\) ENGINE=\w+) AUTO_INCREMENT=\d+/m, '$1');

// MySQL shows beside a collation whose character set it implies whether that was written when the table was made: a load writes it.
const withoutCharacterSets = (statement: string): string =>
  statement.replaceAll(/ CHARACTER SET \w+(?= COLLATE )/g, '');

// The ends are trimmed: the dump wraps statements in comments, which leaves a space behind.
const digest = (values: readonly unknown[]): string =>
  createHash('sha256')
    .update(JSON.stringify(values.map((value) => (value === null ? null : String(value).trimEnd()))))
    .digest('hex');

const query = (connection: Connection, statement: string, values: readonly string[] = []): Promise<Row[]> =>
  connection.query<Row[]>(statement, [...values]);

const text = (row: Row | undefined, column: string): string => {
  const value = row?.[column];
  if (value === undefined || value === null) throw new Error(`the server gave no ${column}`);
  return String(value);
};

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
