import type { RestoreInto } from '../../../../api/v1alpha1/task.ts';
import { RunError } from '../../../../errors/run-error.ts';
import type { Connection } from '../connect.ts';
import { parseGrants, type Grants } from '../grants.ts';

const onTables = ['SELECT', 'INSERT', 'CREATE', 'DROP', 'ALTER', 'INDEX', 'REFERENCES'] as const;
const onDatabases = [
  ...onTables,
  'CREATE VIEW',
  'SHOW VIEW',
  'TRIGGER',
  'EVENT',
  'CREATE ROUTINE',
  'ALTER ROUTINE',
  'EXECUTE',
] as const;

/** What the rights are needed for. */
export interface RightsWanted {
  readonly into: RestoreInto;
  /** Those that are restored, by the names that they are to have. */
  readonly databases: readonly string[];
  /** Whether there are views, triggers, routines or events: mostly of other accounts. */
  readonly programs: boolean;
}

/** What restored databases of a restore are named like, for messages. */
const own = 'holdfast\\_%';
/** A name of that form, to look the rights up by. */
const ownName = 'holdfast_00000000_new_x';

/** @throws RunError PrivilegeMissing naming what load and exchange will need */
export const checkRights = async (
  connection: Connection,
  { into, databases, programs }: RightsWanted,
  username: string,
): Promise<void> => {
  const rows: Record<string, string>[] = await connection.query('SHOW GRANTS');
  const grants = parseGrants(rows.flatMap((row) => Object.values(row)));
  const missing = databases.flatMap((database) => lacking(grants, database, onDatabases, database));
  if (into.by === 'InPlace') {
    missing.push(...lacking(grants, ownName, onTables, own));
    if (!grants.onTable('SELECT', 'mysql', 'procs_priv')) missing.push('SELECT on mysql.procs_priv');
  }
  if (!mayReadRoutines(grants, databases)) missing.push('SELECT on mysql.proc (for routines)');
  if (programs && !definerRights.some((right) => grants.globally(right))) {
    missing.push('SET USER (MySQL: SET_USER_ID or SET_ANY_DEFINER) on *.*, or SUPER (for definers)');
  }
  if (programs && !grants.globally('SUPER') && (await asksForSuper(connection))) {
    missing.push('SUPER on *.* (the server has a binary log, and log_bin_trust_function_creators is off)');
  }
  if (missing.length > 0) {
    throw new RunError('PrivilegeMissing', `To restore, the account "${username}" lacks ${missing.join('; ')}.`);
  }
};

const definerRights = ['SUPER', 'SET USER', 'SET_USER_ID', 'SET_ANY_DEFINER'];

const lacking = (grants: Grants, database: string, wanted: readonly string[], shown: string): string[] => {
  const missing = wanted.filter((privilege) => !grants.onDatabase(privilege, database));
  return missing.length === 0 ? [] : [`${missing.join(', ')} on ${shown}.*`];
};

const mayReadRoutines = (grants: Grants, databases: readonly string[]): boolean =>
  grants.onTable('SELECT', 'mysql', 'proc') ||
  grants.globally('SHOW_ROUTINE') ||
  databases.every((database) => grants.onDatabase('SHOW CREATE ROUTINE', database));

const asksForSuper = async (connection: Connection): Promise<boolean> => {
  const [row]: { asks: string }[] = await connection.query(
    'SELECT CAST(@@GLOBAL.log_bin = 1 AND @@GLOBAL.log_bin_trust_function_creators = 0 AS CHAR) AS asks',
  );
  return row?.asks === '1';
};
