import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../../../errors/run-error.ts';
import type { RunContext } from '../../run.ts';
import { collectAccounts } from './accounts.ts';
import { withConnection, type Account } from './connect.ts';
import type { AccountFacts, AccountsFacts } from './facts.ts';
import type { Gap } from './gap.ts';
import { accountsFile } from './layout.ts';
import type { DatabaseObject } from './objects.ts';
import { judgeDump, mariadbDump } from './run-dump.ts';
import { isComplete, scanDump } from './scan-dump.ts';
import { identifier } from './sql.ts';

/** What a run writes the accounts with. */
export interface AccountsInput {
  readonly optionFile: string;
  readonly directory: string;
  readonly account: Account;
  /** The accounts as they were before the dump. */
  readonly before: readonly AccountFacts[];
  readonly objects: readonly DatabaseObject[];
}

/** Writes the accounts, and looks whether they are still what they were: they are in no snapshot. */
export const dumpChangingAccounts = async (context: RunContext, input: AccountsInput): Promise<AccountsFacts> => {
  await dumpAccounts(context, input);
  const { accounts } = await withConnection(input.account, context.signal, (connection) =>
    collectAccounts(connection, input.objects),
  );
  return JSON.stringify(input.before) === JSON.stringify(accounts)
    ? [...accounts]
    : { unknown: 'accounts or grants changed while they were dumped' };
};

/** Writes the accounts into a file of their own. @throws RunError when mariadb-dump fails, or leaves an account out */
const dumpAccounts = async (context: RunContext, { optionFile, directory, before }: AccountsInput): Promise<void> => {
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
  const missing = before.filter((account) => !written.includes(creationOf(account)));
  if (missing.length === 0) return;
  const names = missing.slice(0, 5).map(({ user, host }) => `${user}@${host}`);
  throw new RunError('DumpFailed', `The dump of the accounts ended well but lacks ${names.join(', ')}.`);
};

const creationOf = ({ user, host, role }: AccountFacts): string =>
  role
    ? `CREATE ROLE IF NOT EXISTS '${user.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
    : `CREATE USER IF NOT EXISTS ${identifier(user)}@${identifier(host)}`;

/** Those of the definers that are no accounts of the server. */
export const missingDefiners = (definers: readonly string[], accounts: AccountsFacts | undefined): Gap[] => {
  if (accounts === undefined || 'unknown' in accounts) return [];
  const there = new Set(accounts.map(({ user, host, role }) => (role ? user : `${user}@${host}`)));
  return definers
    .filter((definer) => !there.has(definer) && !there.has(definer.replace(/@$/, '')))
    .map((what) => ({ kind: 'MissingDefiners', what }));
};
