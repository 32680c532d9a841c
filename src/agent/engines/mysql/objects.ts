import type { Connection } from './connect.ts';
import { identifier, ownSchema } from './sql.ts';

/** Kinds of objects that a dump names one by one; an empty database is one as well. */
export const objectKinds = [
  'database',
  'table',
  'sequence',
  'view',
  'trigger',
  'function',
  'procedure',
  'package',
  'event',
] as const;
export type ObjectKind = (typeof objectKinds)[number];

/** Something in a database. */
export interface DatabaseObject {
  readonly database: string;
  readonly kind: ObjectKind;
  readonly name: string;
}

const kindOfTable: Readonly<Record<string, ObjectKind>> = { VIEW: 'view', SEQUENCE: 'sequence', 'SYSTEM VIEW': 'view' };

/** Everything in the databases that a dump has to hold, as the account sees it. */
export const listObjects = async (connection: Connection, databases: readonly string[]): Promise<DatabaseObject[]> => {
  const found: DatabaseObject[] = [];
  for (const database of databases) {
    found.push({ database, kind: 'database', name: database });
    const tables: Record<string, string>[] = await connection.query(`SHOW FULL TABLES FROM ${identifier(database)}`);
    for (const row of tables) {
      const [name = '', type = ''] = Object.values(row);
      if (!type.startsWith('TEMPORARY')) found.push({ database, kind: kindOfTable[type] ?? 'table', name });
    }
    const named: { kind: string; name: string }[] = await connection.query(
      `SELECT 'trigger' AS kind, TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE ${ownSchema('TRIGGER_SCHEMA')}
       UNION ALL SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?
       UNION ALL SELECT 'event', EVENT_NAME FROM information_schema.EVENTS WHERE ${ownSchema('EVENT_SCHEMA')}`,
      Array.from({ length: 5 }, () => database),
    );
    for (const { kind, name } of named) {
      const known = objectKinds.find((each) => each === kind);
      // A package body has the name of its package and comes with it.
      if (known !== undefined) found.push({ database, kind: known, name });
    }
  }
  return found;
};
