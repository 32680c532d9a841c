import type { Connection } from '../connect.ts';
import { identifier } from '../sql.ts';
import type { ExchangedDatabase } from './journal.ts';
import { requalified } from './requalify.ts';

/** Defaults that draw from a sequence name its database, and stay with the name that it was loaded under: here they get the one that it has now. */
export const moveDefaults = async (connection: Connection, databases: readonly ExchangedDatabase[]): Promise<void> => {
  const names = new Map(databases.map(({ name, aside }) => [aside, name]));
  await connection.query('/*M!100304 SET SESSION system_versioning_alter_history = KEEP */');
  for (const { name } of databases) {
    const columns: { table: string; column: string; expression: string }[] = await connection.query(
      `SELECT TABLE_NAME AS \`table\`, COLUMN_NAME AS \`column\`, COLUMN_DEFAULT AS expression FROM information_schema.COLUMNS
       WHERE TABLE_SCHEMA = ? AND COLUMN_DEFAULT LIKE '%val(%' AND COLUMN_DEFAULT LIKE '%holdfast%'`,
      [name],
    );
    for (const { table, column, expression } of columns) {
      const moved = requalified(expression, names);
      if (moved === expression) continue;
      await connection.query(
        `ALTER TABLE ${identifier(name)}.${identifier(table)} ALTER COLUMN ${identifier(column)} SET DEFAULT (${moved})`,
      );
    }
  }
};
