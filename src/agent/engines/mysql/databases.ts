import type { MysqlTask } from '../../../api/v1alpha1/sources/mysql.ts';
import { RunError } from '../../../errors/run-error.ts';
import type { Connection } from './connect.ts';

const systemSchemas = new Set(['information_schema', 'performance_schema', 'mysql', 'sys', 'ndbinfo']);

export const isSystemSchema = (name: string): boolean => systemSchemas.has(name);

/** Whether a database is one that a restore made: loaded beside the present data, or set aside as the safety copy. */
export const isOfRestore = (name: string): boolean => /^holdfast_[0-9a-f]{8}_(new|old)_/.test(name);

/**
 * The databases of a server that are somebody's: not the system schemas, nor what a restore keeps there for a while, nor directories that
 * are no databases, such as lost+found.
 */
export const ownDatabases = (names: readonly string[]): string[] =>
  names.filter((name) => !isSystemSchema(name) && !isOfRestore(name) && !name.startsWith('#mysql50#')).toSorted(byText);

/**
 * The databases of the task: those it names, or all that the server has at this moment.
 * @throws RunError DatabaseNotFound when there are none: nothing backed up is no backup
 */
export const databasesOf = async (
  connection: Connection,
  { databases, all }: Pick<MysqlTask, 'databases' | 'all'>,
): Promise<string[]> => {
  if (all === undefined) {
    if (databases === undefined) throw new RunError('InternalError', 'The task names no databases.');
    return databases;
  }
  const rows: Record<string, string>[] = await connection.query('SHOW DATABASES');
  const found = ownDatabases(rows.flatMap((row) => Object.values(row)));
  if (found.length === 0) throw new RunError('DatabaseNotFound', 'The server has no database but its system schemas.');
  return found;
};

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
