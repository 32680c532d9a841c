import type { Connection } from './connect.ts';
import type { Gap } from './gap.ts';
import { identifier } from './sql.ts';

/**
 * MariaDB shows the literals of a table's definition with characters up to U+FFFF: others are `?` in SHOW CREATE TABLE, and so in every
 * dump. What a default really is can be asked; of ENUM and SET nothing but the `?` is to be seen, which may be one.
 */
export const lossyDefinitions = async (connection: Connection, database: string): Promise<Gap[]> => {
  const columns: { name: string; column: string; enumerated: string }[] = await connection.query(
    `SELECT TABLE_NAME AS name, COLUMN_NAME AS \`column\`, IF(DATA_TYPE IN ('enum', 'set') AND COLUMN_TYPE LIKE '%?%', 'Y', 'N') AS enumerated
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND CHARACTER_SET_NAME IN ('utf8mb4', 'utf16', 'utf16le', 'utf32')
       AND (DATA_TYPE IN ('enum', 'set') AND COLUMN_TYPE LIKE '%?%' OR COLUMN_DEFAULT LIKE '\\'%?%')
     ORDER BY TABLE_NAME, ORDINAL_POSITION`,
    [database],
  );
  const gaps: Gap[] = [];
  for (const { name, column, enumerated } of columns) {
    if (enumerated === 'Y' || (await losesDefault(connection, { database, name, column }))) {
      gaps.push({ kind: 'LostDefinitions', what: `${database}.${name}.${column}` });
    }
  }
  return gaps;
};

const losesDefault = async (
  connection: Connection,
  { database, name, column }: { readonly database: string; readonly name: string; readonly column: string },
): Promise<boolean> => {
  // A row that is not there has its defaults all the same.
  const value = `CONVERT(DEFAULT(t.${identifier(column)}) USING utf8mb4)`;
  const [row]: { lost: string }[] = await connection.query(
    `SELECT CAST(CAST(${value} AS BINARY) <> CAST(CONVERT(${value} USING utf8mb3) AS BINARY) AS CHAR) AS lost
     FROM (SELECT 1) AS one LEFT JOIN ${identifier(database)}.${identifier(name)} AS t ON FALSE`,
  );
  return row?.lost !== '0';
};
