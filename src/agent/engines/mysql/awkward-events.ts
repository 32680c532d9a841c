import type { Connection } from './connect.ts';
import { ownSchema } from './sql.ts';

/** An event that mariadb-dump cannot write. */
export interface AwkwardEvent {
  readonly name: string;
  /** It has ";;" in its name, comment or body, on which mariadb-dump never ends; else its database has a quote or a backslash in its name. */
  readonly endless: boolean;
}

/** The events of a database that mariadb-dump cannot write. */
export const awkwardEvents = async (connection: Connection, database: string): Promise<AwkwardEvent[]> => {
  const events: { name: string; endless: string }[] = await connection.query(
    `SELECT EVENT_NAME AS name,
       CAST(CONCAT(EVENT_NAME, '\\n', EVENT_COMMENT, '\\n', DEFINER, '\\n', EVENT_DEFINITION) LIKE '%;;%' AS CHAR) AS endless
     FROM information_schema.EVENTS WHERE ${ownSchema('EVENT_SCHEMA')} ORDER BY EVENT_NAME`,
    [database, database],
  );
  const badName = /['"\\]/.test(database);
  return events
    .map(({ name, endless }) => ({ name, endless: endless === '1' }))
    .filter(({ endless }) => endless || badName);
};
