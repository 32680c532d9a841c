import { createHash } from 'node:crypto';
import { RunError } from '../../../errors/run-error.ts';
import { serverError, type Connection } from './connect.ts';
import { isSystemSchema } from './databases.ts';
import type { AccountFacts } from './facts.ts';
import type { DatabaseObject } from './objects.ts';
import { identifier, unquoted } from './sql.ts';

/** The accounts of a server, and those of them that have grants on what is not in the backup. */
export interface CollectedAccounts {
  readonly accounts: readonly AccountFacts[];
  readonly elsewhere: readonly string[];
}

/**
 * The accounts of the server with a digest of what each may do, without a password or its hash. Grants on a table or routine that is not
 * among the objects are left out: they do not load without it.
 * @throws RunError SourceNotSupported for an account that mariadb-dump fails on
 */
export const collectAccounts = async (
  connection: Connection,
  objects: readonly DatabaseObject[],
): Promise<CollectedAccounts> => {
  const held = new Set(objects.map(({ database, name: object }) => keyOf(database, object)));
  const rows: { user: string; host: string; role: string }[] = await connection.query(
    "SELECT User AS user, Host AS host, IF(is_role = 'Y', 'Y', 'N') AS role FROM mysql.user",
  );
  const accounts: AccountFacts[] = [];
  const elsewhere: string[] = [];
  for (const { user, host, role } of rows) {
    // PUBLIC is no account: every server has it.
    if (role === 'Y' && user.toUpperCase() === 'PUBLIC') continue;
    const name = role === 'Y' ? identifier(user) : `${identifier(user)}@${identifier(host)}`;
    const lines = (await grantsOf(connection, name)).map(withoutPassword);
    const kept = lines.filter((line) => loads(line, held));
    if (kept.length < lines.length) elsewhere.push(role === 'Y' ? user : `${user}@${host}`);
    accounts.push({ user, host, role: role === 'Y', grants: digest(kept.toSorted()) });
  }
  return {
    accounts: accounts.toSorted((a, b) => compare(a.user, b.user) || compare(a.host, b.host)),
    elsewhere: elsewhere.toSorted(compare),
  };
};

// The server itself passes over such an account, as it does with host names under skip_name_resolve, and mariadb-dump fails on it.
const noSuchGrant = 1141;

const grantsOf = async (connection: Connection, name: string): Promise<string[]> => {
  try {
    const rows: Record<string, string>[] = await connection.query(`SHOW GRANTS FOR ${name}`);
    return rows.flatMap((row) => Object.values(row));
  } catch (error) {
    if (serverError(error) !== noSuchGrant) throw error;
    const detail = `mariadb-dump fails on the account ${name}, which the server passes over itself (skip_name_resolve): drop it.`;
    throw new RunError('SourceNotSupported', detail, { cause: error });
  }
};

const backticked = '`(?:[^`]|``)*`';
const quoted = String.raw`'(?:[^'\\]|''|\\.)*'`;
const name = "(?:`(?:[^`]|``)*`|'(?:[^']|'')*')";
const grantee = new RegExp(`^GRANT .*? TO ${name}(?:@${name})?`, 's');
const way = String.raw`\w+(?: (?:USING|AS) ${quoted})?`;
/** What stands behind it is another clause or nothing: else this is a form that is not known. */
const signIn = new RegExp(` IDENTIFIED (?:BY PASSWORD ${quoted}|VIA ${way}(?: OR ${way})*)(?= REQUIRE | WITH |$)`);

const onObject = new RegExp(
  `^GRANT .+? ON (?:(?:TABLE|FUNCTION|PROCEDURE|PACKAGE|PACKAGE BODY) )?(${backticked})\\.(${backticked}) TO `,
  's',
);

const loads = (line: string, held: ReadonlySet<string>): boolean => {
  const [, database, object] = onObject.exec(line) ?? [];
  if (database === undefined || object === undefined) return true;
  return isSystemSchema(unquoted(database)) || held.has(keyOf(unquoted(database), unquoted(object)));
};

const keyOf = (database: string, object: string): string => JSON.stringify([database, object]);

/**
 * A line of SHOW GRANTS without what the account signs in with, which stands behind the name of the account. Of a form that is not known
 * nothing is kept from there on.
 */
export const withoutPassword = (line: string): string => {
  const head = grantee.exec(line)?.[0] ?? '';
  if (head === '') return '';
  const rest = line.slice(head.length).replace(signIn, '');
  return `${head}${rest.replace(/ IDENTIFIED .*$/s, '')}`;
};

const digest = (lines: readonly string[]): string => createHash('sha256').update(JSON.stringify(lines)).digest('hex');

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
