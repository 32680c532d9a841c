import { RunError } from '../../../../errors/run-error.ts';
import { awkwardEvents } from '../awkward-events.ts';
import type { Connection } from '../connect.ts';
import { isMovable } from './movable.ts';

/** What is there that cannot be exchanged, and why. */
interface Obstacle {
  readonly why: string;
  readonly what: string;
}

const words = {
  ReadOnly: 'The server is read-only: it may be a replica, which must be restored at its source',
  Engine: 'Tables of these engines cannot be set aside',
  Unreadable: 'These tables cannot be read, so they cannot be set aside: drop them first',
  FromOutside: 'Foreign keys of other databases lead to what would be replaced',
  ToOutside: 'Foreign keys lead to databases that are not in the backup',
  Dangling: 'Foreign keys lead to tables that are not there: drop these keys first',
  Event: 'Events cannot be set aside (";;" in one, or a quote or backslash in the name of its database)',
} as const;

/**
 * Looks for what the exchange cannot handle.
 * @param present those of the databases that are there
 * @throws RunError DestinationUnsupported
 */
export const checkExchangeable = async (
  connection: Connection,
  databases: readonly string[],
  present: readonly string[],
): Promise<void> => {
  const found: Obstacle[] = [];
  const [server]: { readOnly: unknown }[] = await connection.query('SELECT @@GLOBAL.read_only AS readOnly');
  if (!['0', 'OFF', 'false'].includes(String(server?.readOnly))) found.push({ why: words.ReadOnly, what: '' });
  for (const database of present) {
    found.push(...(await tableObstacles(connection, database)));
    found.push(...(await eventObstacles(connection, database)));
  }
  found.push(...(await keyObstacles(connection, new Set(databases))));
  const [first] = found;
  if (first === undefined) return;
  const all = found.filter(({ why }) => why === first.why).map(({ what }) => what);
  const names = all.slice(0, 4).join(', ');
  const more = all.length > 4 ? ` and ${all.length - 4} more` : '';
  throw new RunError('DestinationUnsupported', `${first.why}${names === '' ? '' : `: ${names}${more}`}.`);
};

const tableObstacles = async (connection: Connection, database: string): Promise<Obstacle[]> => {
  const tables: { name: string; engine: string | null }[] = await connection.query(
    `SELECT TABLE_NAME AS name, ENGINE AS engine FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = ? AND TABLE_TYPE NOT IN ('VIEW', 'TEMPORARY') ORDER BY TABLE_NAME`,
    [database],
  );
  return tables.flatMap(({ name, engine }): Obstacle[] => {
    if (engine === null) return [{ why: words.Unreadable, what: `${database}.${name}` }];
    if (isMovable(engine)) return [];
    return [{ why: words.Engine, what: `${database}.${name} (${engine})` }];
  });
};

const eventObstacles = async (connection: Connection, database: string): Promise<Obstacle[]> =>
  (await awkwardEvents(connection, database)).map(({ name }) => ({ why: words.Event, what: `${database}.${name}` }));

interface Key {
  readonly database: string;
  readonly table: string;
  readonly name: string;
  readonly toDatabase: string;
  readonly toTable: string;
  readonly there: string;
}

const keyObstacles = async (connection: Connection, databases: ReadonlySet<string>): Promise<Obstacle[]> => {
  const names = [...databases];
  const list = names.map(() => '?').join(', ');
  const keys: Key[] = await connection.query(
    `SELECT DISTINCT k.TABLE_SCHEMA AS \`database\`, k.TABLE_NAME AS \`table\`, k.CONSTRAINT_NAME AS name,
       k.REFERENCED_TABLE_SCHEMA AS toDatabase, k.REFERENCED_TABLE_NAME AS toTable, IF(t.TABLE_NAME IS NULL, 'N', 'Y') AS there
     FROM information_schema.KEY_COLUMN_USAGE k LEFT JOIN information_schema.TABLES t
       ON t.TABLE_SCHEMA = k.REFERENCED_TABLE_SCHEMA AND t.TABLE_NAME = k.REFERENCED_TABLE_NAME
     WHERE k.REFERENCED_TABLE_SCHEMA IS NOT NULL AND (k.TABLE_SCHEMA IN (${list}) OR k.REFERENCED_TABLE_SCHEMA IN (${list}))`,
    [...names, ...names],
  );
  return keys.flatMap(({ database, table, name, toDatabase, toTable, there }): Obstacle[] => {
    const what = `${database}.${table}.${name} (to ${toDatabase}.${toTable})`;
    if (!databases.has(database)) return [{ why: words.FromOutside, what }];
    if (!databases.has(toDatabase)) return [{ why: words.ToOutside, what }];
    return there === 'N' ? [{ why: words.Dangling, what }] : [];
  });
};
