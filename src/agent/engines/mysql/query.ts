import { RunError } from '../../../errors/run-error.ts';
import { serverError, serverMessage, type Connection } from './connect.ts';
import { withoutValues } from './load.ts';
import { identifier } from './sql.ts';

/** More rows than that are none that were expected: `expect` has at most 4096 characters. */
const maxRows = 4200;

/**
 * Runs one statement that reads, and gives its rows as lines, with a tab between the values, and NULL.
 * @throws RunError QueryFailed for what the server says of it
 */
export const runQuery = async (
  connection: Connection,
  statement: string,
  databases: readonly string[],
): Promise<string> => {
  const [only] = databases;
  if (only !== undefined && databases.length === 1) await connection.query(`USE ${identifier(only)}`);
  await connection.query(`SET SESSION sql_select_limit = ${maxRows}`);
  await connection.query('START TRANSACTION READ ONLY');
  try {
    const rows: unknown = await connection.query({
      sql: statement,
      rowsAsArray: true,
      typeCast: (column) => column.string(),
    });
    if (!Array.isArray(rows)) throw new RunError('QueryFailed', 'The statement gives no rows.');
    return rows.map(lineOf).join('\n');
  } catch (error) {
    if (serverError(error) === undefined || isFatal(error)) throw error;
    throw new RunError('QueryFailed', `The server refuses the statement: ${withoutValues(serverMessage(error))}.`, {
      cause: error,
    });
  }
};

const isFatal = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'fatal' in error && error.fatal === true;

const lineOf = (row: unknown): string =>
  Array.isArray(row) ? row.map((value) => (value === null ? 'NULL' : String(value))).join('\t') : '';
