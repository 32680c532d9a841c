import { RunError } from '../../../errors/run-error.ts';
import { awkwardEvents } from './awkward-events.ts';
import type { Connection } from './connect.ts';
import type { ServerProfile } from './server.ts';

/** Something that mariadb-dump cannot write, and why. */
interface Obstacle {
  readonly what: string;
  readonly why: string;
}

/**
 * Looks for what mariadb-dump is known to fail on, to hang on, or to write so that it does not load: better said now than by a deadline,
 * or on the day of a restore.
 * @throws RunError SourceNotSupported naming what it is
 */
export const checkDumpable = async (
  connection: Connection,
  databases: readonly string[],
  profile: ServerProfile,
): Promise<void> => {
  const found: Obstacle[] = [];
  for (const database of databases) {
    found.push(...(await eventObstacles(connection, database)));
    if (!profile.loadsGenerated) found.push(...(await columnObstacles(connection, database)));
  }
  const [first] = found;
  if (first === undefined) return;
  const names = found
    .filter(({ why }) => why === first.why)
    .map(({ what }) => what)
    .slice(0, 4);
  const more = found.length > names.length ? ` and ${found.length - names.length} more` : '';
  throw new RunError('SourceNotSupported', `${first.why}: ${names.join(', ')}${more}.`);
};

const endless = 'mariadb-dump never ends on an event with ";;" in its name, comment or body';
const quoted = 'mariadb-dump fails on events in a database with a quote or a backslash in its name';

const eventObstacles = async (connection: Connection, database: string): Promise<Obstacle[]> =>
  (await awkwardEvents(connection, database)).map((event) => ({
    what: `event ${database}.${event.name}`,
    why: event.endless ? endless : quoted,
  }));

const columnObstacles = async (connection: Connection, database: string): Promise<Obstacle[]> => {
  const columns: { name: string; column: string; type: string }[] = await connection.query(
    `SELECT TABLE_NAME AS name, COLUMN_NAME AS \`column\`, DATA_TYPE AS type FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = ? AND (COALESCE(GENERATION_EXPRESSION, '') <> '' OR DATA_TYPE = 'vector')
     ORDER BY TABLE_NAME, ORDINAL_POSITION`,
    [database],
  );
  return columns.map(({ name, column, type }) => ({
    what: `${database}.${name}.${column}`,
    why:
      type.toLowerCase() === 'vector'
        ? 'mariadb-dump writes vectors of MySQL so that they do not load'
        : 'mariadb-dump writes values for generated columns, which MySQL does not load',
  }));
};
