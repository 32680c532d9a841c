import { RunError } from '../../../errors/run-error.ts';
import { serverError, serverMessage, type Connection } from './connect.ts';
import { parseGrants, type Grants } from './grants.ts';
import { identifier } from './sql.ts';

/** Without one of these on a database the dump leaves something out, mostly with exit status 0. */
const neededOnDatabase = ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT'] as const;

/** What a run asks of the account. */
export interface Wanted {
  readonly databases: readonly string[];
  /** Whether `databases` are all of the server: then one that is hidden from the account would be missing without a word. */
  readonly all: boolean;
  readonly accounts: boolean;
}

/** What is known about the server and the account once everything needed is there. */
export interface Preflight {
  /** Whether the account may take the global read lock that puts the facts into the dump's snapshot. */
  readonly mayLock: boolean;
}

/**
 * Checks that the databases are there and that the account sees everything in them. An account that lacks a right sees fewer tables,
 * triggers or routines, and neither the dump nor the facts would notice.
 * @throws RunError DatabaseNotFound, AccessDenied, PrivilegeMissing
 */
export const preflight = async (
  connection: Connection,
  { databases, all, accounts }: Wanted,
  username: string,
): Promise<Preflight> => {
  // One that is gone again since they were listed is no mistake of the policy; the dump will say so.
  if (!all) for (const database of databases) await checkDatabase(connection, database, username);
  const rows: Record<string, string>[] = await connection.query('SHOW GRANTS');
  const grants = parseGrants(rows.flatMap((row) => Object.values(row)));
  const missing = all
    ? missingEverywhere(grants)
    : databases.flatMap((database) => missingPrivileges(grants, database));
  if (!mayReadRoutines(grants, databases)) missing.push('SELECT on mysql.proc (for routines)');
  if (accounts && !grants.onDatabase('SELECT', 'mysql')) missing.push('SELECT on mysql.* (for accounts)');
  if (missing.length > 0) {
    throw new RunError('PrivilegeMissing', `The account "${username}" lacks ${missing.join(', ')}.`);
  }
  return { mayLock: grants.globally('RELOAD') };
};

const checkDatabase = async (connection: Connection, database: string, username: string): Promise<void> => {
  try {
    await connection.query(`USE ${identifier(database)}`);
  } catch (error) {
    const number = serverError(error);
    if (number === 1049) {
      throw new RunError('DatabaseNotFound', `There is no database "${database}" on the server.`, { cause: error });
    }
    if (number === 1044 || number === 1142) {
      const detail = `The account "${username}" may not use database "${database}", or there is no such database.`;
      throw new RunError('AccessDenied', detail, { cause: error });
    }
    const detail = `Database "${database}" cannot be used: ${serverMessage(error)}.`;
    throw new RunError('SourceUnreachable', detail, { cause: error });
  }
};

const missingPrivileges = (grants: Grants, database: string): string[] => {
  const missing = neededOnDatabase.filter((privilege) => !grants.onDatabase(privilege, database));
  return missing.length === 0 ? [] : [`${missing.join(', ')} on ${database}.*`];
};

const missingEverywhere = (grants: Grants): string[] => {
  const missing = neededOnDatabase.filter((privilege) => !grants.everywhere(privilege));
  return missing.length === 0 ? [] : [`${missing.join(', ')} on *.* (for all databases)`];
};

// MariaDB keeps routines in mysql.proc; MySQL 8 has a privilege instead, MariaDB 11.3 as well.
const mayReadRoutines = (grants: Grants, databases: readonly string[]): boolean =>
  grants.onTable('SELECT', 'mysql', 'proc') ||
  grants.globally('SHOW_ROUTINE') ||
  databases.every((database) => grants.onDatabase('SHOW CREATE ROUTINE', database));
