import { RunError } from '../../../../errors/run-error.ts';
import { shorten } from '../../../text.ts';
import { serverError, type Connection } from '../connect.ts';
import { databasesOf } from '../databases.ts';
import { holdingOf, mysqlFacts, type DatabaseFacts, type MysqlFacts } from '../facts.ts';
import { readFacts } from '../../../verify/read-facts.ts';
import { readProfile, serverName } from '../server.ts';
import { identifier } from '../sql.ts';
import type { MysqlTask } from '../../../../api/v1alpha1/sources/mysql.ts';
import type { Found, RestoreContext, RestoreOrder } from '../../../restore/engine.ts';
import { checkExchangeable } from './obstacles.ts';
import { existing, presentIn, type Present } from './present.ts';
import { checkRights } from './rights.ts';

const maxMissing = 5;
const maxMissingText = 80;
/** Of the time that is left, how much counting may take. */
const share = 0.5;

export interface LookInput {
  /** The newest local copy, with what the source held. */
  readonly newest: string | undefined;
  readonly username: string;
  /** What is to be put back, when that is no backup. */
  readonly copy?: readonly DatabaseFacts[];
}

/** What is at the destination, beside what the newest local copy says. @throws RunError */
export const lookAtDestination = async (
  context: RestoreContext,
  connection: Connection,
  { target, into }: RestoreOrder<MysqlTask>,
  { newest, username, copy }: LookInput,
): Promise<Found> => {
  const profile = await readProfile(connection);
  const facts = newest === undefined ? undefined : await readFacts(mysqlFacts, newest);
  const named = facts?.databases.map(({ name }) => name) ?? (await namedBy(connection, target));
  const sources = [...new Set([...named, ...(copy ?? []).map(({ name }) => name)])];
  const programs = facts === undefined || [...facts.databases, ...(copy ?? [])].some(hasPrograms);
  const server = serverName(profile);
  if (into.by !== 'InPlace') {
    const names = into.by === 'Name' ? [into.name] : sources;
    if (into.by === 'Name' && sources.length > 1) throw notOneDatabase(sources);
    await checkAbsent(connection, names);
    await checkRights(connection, { into, databases: names, programs }, username);
    return { server, present: false, objects: 0, missing: [], missingCount: 0 };
  }
  const there = await existing(connection, sources);
  await checkRights(connection, { into, databases: sources, programs }, username);
  await checkExchangeable(connection, sources, there);
  const present: Present[] = [];
  for (const name of there) present.push(await presentIn(connection, name));
  const rows = await countRows(context, connection, present, await versioned(connection, there));
  const missing = facts === undefined ? [] : missingFrom(facts, present, rows);
  const expectedRows = facts === undefined ? undefined : holdingOf(facts).rows;
  const counted = rows === undefined ? undefined : [...rows.values()].reduce((sum, each) => sum + each, 0);
  return {
    server,
    present: there.length > 0,
    objects: present.reduce((sum, each) => sum + objectsOf(each), 0),
    ...(counted !== undefined && { rows: counted }),
    missing: missing.slice(0, maxMissing).map((each) => shorten(each, maxMissingText)),
    missingCount: missing.length,
    ...(expectedRows !== undefined && { expectedRows }),
  };
};

/** @throws RunError DestinationUnsupported */
export const notOneDatabase = (names: readonly string[]): RunError =>
  new RunError(
    'DestinationUnsupported',
    `The backup holds ${names.length} databases (${names.slice(0, 4).join(', ')}): a new name can be given to one alone.`,
  );

/** @throws RunError DestinationNotEmpty */
export const checkAbsent = async (connection: Connection, names: readonly string[]): Promise<void> => {
  const there = await existing(connection, names);
  if (there.length === 0) return;
  throw new RunError(
    'DestinationNotEmpty',
    `The server has ${there.length === 1 ? 'a database' : 'databases'} of the name ${there.join(', ')}.`,
  );
};

const namedBy = async (connection: Connection, target: MysqlTask): Promise<string[]> => {
  if (target.all === undefined) return target.databases ?? [];
  return (await databasesOf(connection, target)).filter((name) => !name.startsWith('holdfast_'));
};

const hasPrograms = ({ views, triggers, routines, events }: DatabaseFacts): boolean =>
  views.length + triggers.length + routines.length + events.length > 0;

const objectsOf = ({ tables, views, triggers, routines, events }: Present): number =>
  tables.length + views.length + triggers.length + routines.length + events.length;

const keyOf = (database: string, table: string): string => JSON.stringify([database, table]);

/** What kind of tables holds rows that a plain count leaves out, or none that count. */
const versioned = async (
  connection: Connection,
  databases: readonly string[],
): Promise<ReadonlyMap<string, string>> => {
  const kinds = new Map<string, string>();
  for (const database of databases) {
    const rows: { name: string; type: string }[] = await connection.query(
      'SELECT TABLE_NAME AS name, TABLE_TYPE AS type FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?',
      [database],
    );
    for (const { name, type } of rows) kinds.set(keyOf(database, name), type);
  }
  return kinds;
};

/** Rows in all tables of databases; undefined when the time for it was over, or a table cannot be read. */
export const rowsIn = async (
  context: RestoreContext,
  connection: Connection,
  databases: readonly string[],
): Promise<number | undefined> => {
  const present: Present[] = [];
  for (const name of databases) present.push(await presentIn(connection, name));
  const rows = await countRows(context, connection, present, await versioned(connection, databases));
  return rows === undefined ? undefined : [...rows.values()].reduce((sum, each) => sum + each, 0);
};

/** Rows by table, exactly; undefined when the time for it was over, or a table cannot be read. */
const countRows = async (
  { remainingSeconds, signal, log }: RestoreContext,
  connection: Connection,
  present: readonly Present[],
  kinds: ReadonlyMap<string, string>,
): Promise<Map<string, number> | undefined> => {
  const giveUp = performance.now() + remainingSeconds() * 1000 * share;
  const counts = new Map<string, number>();
  for (const { name: database, tables } of present) {
    for (const table of tables) {
      signal.throwIfAborted();
      const kind = kinds.get(keyOf(database, table)) ?? '';
      if (kind === 'SEQUENCE') continue;
      const left = giveUp - performance.now();
      if (left <= 0) return undefined;
      const history = kind === 'SYSTEM VERSIONED' ? ' FOR SYSTEM_TIME ALL' : '';
      const limit = `/*M! SET STATEMENT max_statement_time = ${Math.max(0.1, left / 1000).toFixed(1)} FOR */`;
      const hint = `/*+ MAX_EXECUTION_TIME(${Math.ceil(left)}) */`;
      try {
        const [row]: { counted: string }[] = await connection.query(
          `${limit} SELECT ${hint} CAST(COUNT(*) AS CHAR) AS counted FROM ${identifier(database)}.${identifier(table)}${history}`,
        );
        counts.set(keyOf(database, table), Number(row?.counted ?? 0));
      } catch (error) {
        if (serverError(error) === undefined) throw error;
        log.warn('rows were not counted', { database, table, error });
        return undefined;
      }
    }
  }
  return counts;
};

/** What the newest backup holds and the destination does not, in words. Pure. */
export const missingFrom = (
  { databases }: Pick<MysqlFacts, 'databases'>,
  present: readonly Present[],
  rows: ReadonlyMap<string, number> | undefined,
): string[] => {
  const found = new Map(present.map((each) => [each.name, each]));
  return databases.flatMap((database) => {
    const { name } = database;
    const there = found.get(name);
    if (there === undefined) return [`database ${name}`];
    const lacks = (kind: string, recorded: readonly { name: string }[], now: readonly string[]): string[] =>
      recorded.filter((each) => !now.includes(each.name)).map((each) => `${kind} ${name}.${each.name}`);
    const emptied = database.tables
      .filter(({ content }) => 'rows' in content && content.rows > 0)
      .filter((table) => rows?.get(keyOf(name, table.name)) === 0)
      .map((table) => `rows of table ${name}.${table.name}`);
    return [
      ...lacks('table', database.tables, there.tables),
      ...emptied,
      ...lacks('view', database.views, there.views),
      ...lacks('trigger', database.triggers, there.triggers),
      ...lacks(
        'routine',
        database.routines.filter(({ type }) => type !== 'PACKAGE BODY'),
        there.routines.map((each) => each.name),
      ),
      ...lacks('event', database.events, there.events),
    ];
  });
};
