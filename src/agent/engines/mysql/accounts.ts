import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../../../errors/run-error.ts';
import type { RunContext } from '../../run.ts';
import { serverError, type Connection } from './connect.ts';
import type { AccountFacts } from './facts.ts';
import { mariadbDump, judgeDump } from './run-dump.ts';
import { isComplete, scanDump } from './scan-dump.ts';
import { identifier } from './sql.ts';

/** The accounts of the server: users, roles, grants, and the hashes of their passwords. */
export const accountsFile = 'accounts.sql';

/**
 * The accounts of the server with a digest of what each may do, without a password or its hash.
 * @throws RunError SourceNotSupported for an account that mariadb-dump fails on
 */
export const collectAccounts = async (connection: Connection): Promise<AccountFacts[]> => {
  const rows: { user: string; host: string; role: string }[] = await connection.query(
    "SELECT User AS user, Host AS host, IF(is_role = 'Y', 'Y', 'N') AS role FROM mysql.user",
  );
  const accounts: AccountFacts[] = [];
  for (const { user, host, role } of rows) {
    // PUBLIC is no account: every server has it.
    if (role === 'Y' && user.toUpperCase() === 'PUBLIC') continue;
    const name = role === 'Y' ? identifier(user) : `${identifier(user)}@${identifier(host)}`;
    const lines = (await grantsOf(connection, name)).map(withoutPassword);
    accounts.push({ user, host, role: role === 'Y', grants: digest(lines.toSorted()) });
  }
  return accounts.toSorted((a, b) => compare(a.user, b.user) || compare(a.host, b.host));
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

const quoted = String.raw`'(?:[^'\\]|''|\\.)*'`;
const name = "(?:`(?:[^`]|``)*`|'(?:[^']|'')*')";
const grantee = new RegExp(`^GRANT .*? TO ${name}(?:@${name})?`, 's');
const way = String.raw`\w+(?: (?:USING|AS) ${quoted})?`;
/** What stands behind it is another clause or nothing: else this is a form that is not known. */
const signIn = new RegExp(` IDENTIFIED (?:BY PASSWORD ${quoted}|VIA ${way}(?: OR ${way})*)(?= REQUIRE | WITH |$)`);

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

/** What a run writes the accounts with. */
export interface AccountsInput {
  readonly optionFile: string;
  readonly directory: string;
}

/** Writes the accounts into a file of their own. @throws RunError when mariadb-dump fails, or leaves an account out */
export const dumpAccounts = async (
  context: RunContext,
  { optionFile, directory }: AccountsInput,
  expected: readonly AccountFacts[],
): Promise<void> => {
  const path = join(directory, accountsFile);
  const handle = await open(path, 'wx', 0o640);
  try {
    const args = ['--system=users', '--insert-ignore', '--skip-dump-date', '--default-character-set=utf8mb4'];
    judgeDump(await mariadbDump(context, { optionFile, args, stdout: { fd: handle.fd } }));
  } finally {
    await handle.close();
  }
  if (!isComplete(await scanDump(path, context.signal))) {
    throw new RunError('DumpTruncated', `mariadb-dump said it was done, but ${accountsFile} lacks its end mark.`);
  }
  const written = await readFile(path, 'utf8');
  const missing = expected.filter((account) => !written.includes(creationOf(account)));
  if (missing.length === 0) return;
  const names = missing.slice(0, 5).map(({ user, host }) => `${user}@${host}`);
  throw new RunError('DumpFailed', `The dump of the accounts ended well but lacks ${names.join(', ')}.`);
};

const creationOf = ({ user, host, role }: AccountFacts): string =>
  role
    ? `CREATE ROLE IF NOT EXISTS '${user.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
    : `CREATE USER IF NOT EXISTS ${identifier(user)}@${identifier(host)}`;

const digest = (lines: readonly string[]): string => createHash('sha256').update(JSON.stringify(lines)).digest('hex');

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
