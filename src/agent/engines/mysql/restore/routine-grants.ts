import { serverError, serverMessage, type Connection } from '../connect.ts';
import { RunError } from '../../../../errors/run-error.ts';
import { identifier } from '../sql.ts';

/** Rights on single routines go when a routine is dropped, as rights on tables do not. */

interface Row {
  readonly user: string;
  readonly host: string;
  readonly database: string;
  readonly name: string;
  readonly type: string;
  readonly privileges: string;
}

/**
 * The statements that give the rights on routines of these databases again.
 * @throws RunError PrivilegeMissing: they cannot be read, and would be lost
 */
export const routineGrants = async (connection: Connection, databases: readonly string[]): Promise<string[]> => {
  if (databases.length === 0) return [];
  try {
    const rows: Row[] = await connection.query(
      `SELECT User AS user, Host AS host, Db AS \`database\`, Routine_name AS name, Routine_type AS type, CAST(Proc_priv AS CHAR) AS privileges
       FROM mysql.procs_priv WHERE Db IN (${databases.map(() => '?').join(', ')})`,
      [...databases],
    );
    return rows.flatMap(grantsOf);
  } catch (error) {
    if (serverError(error) === undefined) throw error;
    const detail = `The account may not read mysql.procs_priv (${serverMessage(error)}): rights on single routines would be lost.`;
    throw new RunError('PrivilegeMissing', detail, { cause: error });
  }
};

const grantsOf = ({ user, host, database, name, type, privileges }: Row): string[] => {
  const all = privileges.split(',').map((privilege) => privilege.trim().toUpperCase());
  const given = all.filter((privilege) => /^(EXECUTE|ALTER ROUTINE|SHOW CREATE ROUTINE)$/.test(privilege));
  if (given.length === 0 && !all.includes('GRANT')) return [];
  const to = host === '' ? identifier(user) : `${identifier(user)}@${identifier(host)}`;
  const option = all.includes('GRANT') ? ' WITH GRANT OPTION' : '';
  const list = given.length === 0 ? 'USAGE' : given.join(', ');
  return [`GRANT ${list} ON ${type} ${identifier(database)}.${identifier(name)} TO ${to}${option}`];
};

/** The server's words for a routine that is not there. */
const noRoutine = new Set([1305, 1147, 1403]);

/**
 * Gives each as it is given already: whether the account may give them must be known before they are gone. Gives back those whose routine is there.
 * @throws RunError PrivilegeMissing
 */
export const rehearseGrants = async (connection: Connection, grants: readonly string[]): Promise<string[]> => {
  try {
    const lost = await giveGrants(connection, grants);
    return grants.filter((grant) => !lost.includes(grant));
  } catch (error) {
    if (serverError(error) === undefined) throw error;
    const detail = `The account may not give rights on routines again, which go with them: ${serverMessage(error)}.`;
    throw new RunError('PrivilegeMissing', detail, { cause: error });
  }
};

/** Gives rights on routines again. Gives those back that could not be given: their routine is gone. */
export const giveGrants = async (connection: Connection, grants: readonly string[]): Promise<string[]> => {
  const lost: string[] = [];
  for (const grant of grants) {
    try {
      await connection.query(grant);
    } catch (error) {
      if (!noRoutine.has(serverError(error) ?? 0)) throw error;
      lost.push(grant);
    }
  }
  return lost;
};
