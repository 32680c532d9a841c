import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MysqlTask } from '../../../api/v1alpha1/sources/mysql.ts';
import type { DumpTask } from '../../../api/v1alpha1/task.ts';
import { RunError } from '../../../errors/run-error.ts';
import { canonicalJson } from '../../dump/canonical-json.ts';
import type { Dumped, Engine } from '../../dump/engine.ts';
import { factsFile } from '../../layout.ts';
import type { RunContext } from '../../run.ts';
import { timestamp } from '../../../base/times.ts';
import { collectAccounts, dumpAccounts, type AccountsInput } from './accounts.ts';
import { collectFacts, type CollectedFacts } from './collect-facts.ts';
import { serverMessage, withConnection, type Account, type Connection } from './connect.ts';
import { databasesOf } from './databases.ts';
import { checkDumpable } from './dumpable.ts';
import { holdingOf, mysqlFacts, type AccountFacts, type AccountsFacts, type MysqlFacts } from './facts.ts';
import { definedGaps, definersOf, describeGaps, reportGaps, type Gap } from './gaps.ts';
import { noteGaps } from './notes.ts';
import { listObjects, type DatabaseObject } from './objects.ts';
import { writeOptionFile } from './option-file.ts';
import { preflight } from './preflight.ts';
import { judgeDump, startDump, type RunningDump } from './run-dump.ts';
import { isComplete, missingFrom, scanDump } from './scan-dump.ts';
import { readProfile, type ServerProfile } from './server.ts';
import { openSharedSnapshot, openStillSnapshot, type SharedSnapshot } from './snapshot.ts';
import { readTls, writeTlsFiles } from './tls.ts';

/** All databases go into one file: one dump, one snapshot. */
export const dumpFile = 'dump.sql';

/** The longest that writers are kept waiting for the dump's snapshot. */
const longestLockMs = 30_000;

/** Dumps databases of a MySQL or MariaDB server with mariadb-dump, and takes the facts of the same snapshot. */
export const createMysqlEngine = (source: MysqlTask): Engine => ({
  async dump(context, directory) {
    const { signal, step } = context;
    const account = await step('Prepare', () => readAccount(context, source));
    const seen = await step('Connect', () =>
      withConnection(account, signal, (connection) =>
        lookAround(connection, source, { username: account.username, still: context.task.quiesce?.by === 'ReadOnly' }),
      ),
    );
    const dumped = await step('Dump', () => dumpAndCollect(context, { account, directory, seen }));
    const after = await step('Check', () =>
      withConnection(account, signal, async (connection) => {
        const there = new Set(await databasesOf(connection, source));
        const objects = await listObjects(
          connection,
          seen.databases.filter((name) => there.has(name)),
        );
        await checkDump(join(directory, dumpFile), inBoth(seen.objects, objects), signal);
        return there;
      }),
    );
    const madeMeanwhile = [...after].filter((name) => !seen.databases.includes(name));
    const gaps = [
      ...seen.gaps,
      ...dumped.gaps,
      ...madeMeanwhile.map((what) => ({ kind: 'NewDatabases', what }) as const),
    ];
    const { gaps: _found, ...made } = dumped;
    return { ...made, notCovered: reportGaps(context, gaps) };
  },
});

/** What is known of the server before the dump. */
interface Seen {
  readonly profile: ServerProfile;
  readonly databases: readonly string[];
  readonly mayLock: boolean;
  readonly objects: readonly DatabaseObject[];
  readonly gaps: readonly Gap[];
  readonly definers: readonly string[];
  /** Missing when they were not asked for. */
  readonly accounts: readonly AccountFacts[] | undefined;
}

/** @param still the server will take no writes until the dump has ended: what has no snapshot is of the same moment all the same */
const lookAround = async (
  connection: Connection,
  source: MysqlTask,
  { username, still }: { readonly username: string; readonly still: boolean },
): Promise<Seen> => {
  const profile = await readProfile(connection);
  const accounts = source.accounts === true;
  if (accounts && !profile.dumpsAccounts) {
    const detail = `Accounts of ${profile.flavour} cannot be backed up: mariadb-dump does not write them so that they load. Take source.mysql.accounts out.`;
    throw new RunError('SourceNotSupported', detail);
  }
  const databases = await databasesOf(connection, source);
  const { mayLock } = await preflight(connection, { databases, all: source.all === true, accounts }, username);
  await checkDumpable(connection, databases, profile);
  const definers = await definersOf(connection, databases);
  const defined = await definedGaps(connection, databases, profile.castsFloat);
  const gaps = still ? defined.filter(({ kind }) => kind !== 'NoSnapshot') : defined;
  return {
    profile,
    databases,
    mayLock,
    objects: await listObjects(connection, databases),
    definers,
    accounts: accounts ? await collectAccounts(connection) : undefined,
    gaps: accounts ? gaps : [...gaps, ...definers.map((what) => ({ kind: 'Definers', what }) as const)],
  };
};

const readAccount = async (context: RunContext, source: MysqlTask): Promise<Account> => {
  const mount = { directory: source.credentials, secret: source.credentialsSecret };
  const username = await context.secrets.read(mount, 'username', { public: true });
  const password = await context.secrets.read(mount, 'password');
  const tls = source.tls === undefined ? undefined : await readTls(context, source.tls);
  return { host: source.host, port: source.port, username, password, tls };
};

interface DumpInput {
  readonly account: Account;
  readonly directory: string;
  readonly seen: Seen;
}

const dumpAndCollect = async (
  context: RunContext<DumpTask>,
  { account, directory, seen }: DumpInput,
): Promise<Omit<Dumped, 'notCovered'> & { readonly gaps: readonly Gap[] }> => {
  const { databases, profile, mayLock } = seen;
  const options = await writeOptions(context, account);
  try {
    const snapshot = await openSnapshot(context, { account, mayLock });
    // The clock before the dump's snapshot, and after the lock: the state is not older than this says.
    const dataTime = context.now();
    const facts = await dumpInto(context, { databases, profile, snapshot, optionFile: options.file, directory });
    const accounts =
      seen.accounts === undefined
        ? undefined
        : await accountsOf(context, { account, optionFile: options.file, directory, before: seen.accounts });
    const gaps = [...facts.gaps, ...missingDefiners(seen.definers, accounts)];
    const written = await context.step('Facts', () =>
      writeFacts(context, { account, directory, dataTime, facts, accounts, gaps: [...seen.gaps, ...gaps] }),
    );
    noteGaps(context, written);
    const quiesced = 'still' in snapshot ? ({ quiesced: 'ReadOnly' } as const) : {};
    return { dataTime, factsKnown: written.unknown === undefined, ...holdingOf(written), ...quiesced, gaps };
  } finally {
    await options.remove();
  }
};

interface RunningInput {
  readonly databases: readonly string[];
  readonly profile: ServerProfile;
  readonly snapshot: SharedSnapshot | { readonly unknown: string };
  readonly optionFile: string;
  readonly directory: string;
}

const dumpInto = async (
  context: RunContext,
  { databases, profile, snapshot, optionFile, directory }: RunningInput,
): Promise<Collected> => {
  const dump = await startDump(context, {
    optionFile,
    databases,
    options: profile.dumpOptions,
    file: join(directory, dumpFile),
  });
  try {
    const [ended, facts] = await Promise.all([
      dump.ended.then((end) => {
        judgeDump(end);
        return end;
      }),
      'unknown' in snapshot ? { ...snapshot, gaps: [] } : factsOf(context, databases, snapshot, dump),
    ]);
    if ('still' in snapshot) {
      await context.step('Quiesce', async () => snapshot.still?.confirm());
      snapshot.release();
    }
    context.log.info('mariadb-dump ended', { exitCode: ended.exitCode });
    return facts;
  } finally {
    if ('release' in snapshot) {
      snapshot.release();
      snapshot.connection.destroy();
    }
    // Nothing that still writes may outlive its directory.
    await dump.ended.catch(() => undefined);
  }
};

const openSnapshot = async (
  context: RunContext<DumpTask>,
  { account, mayLock }: { readonly account: Account; readonly mayLock: boolean },
): Promise<SharedSnapshot | { readonly unknown: string }> => {
  if (context.task.quiesce?.by === 'ReadOnly')
    return context.step('Quiesce', () => openStillSnapshot(account, context));
  return mayLock ? openSharedSnapshot(account, context) : { unknown: `the account "${account.username}" lacks RELOAD` };
};

/** Writes the accounts, and looks whether they are still what they were: they are in no snapshot. */
const accountsOf = async (
  context: RunContext,
  {
    account,
    before,
    ...input
  }: AccountsInput & { readonly account: Account; readonly before: readonly AccountFacts[] },
): Promise<AccountsFacts> => {
  await dumpAccounts(context, input, before);
  const after = await withConnection(account, context.signal, collectAccounts);
  return JSON.stringify(before) === JSON.stringify(after)
    ? after
    : { unknown: 'accounts or grants changed while they were dumped' };
};

const missingDefiners = (definers: readonly string[], accounts: AccountsFacts | undefined): Gap[] => {
  if (accounts === undefined || 'unknown' in accounts) return [];
  const there = new Set(accounts.map(({ user, host, role }) => (role ? user : `${user}@${host}`)));
  return definers
    .filter((definer) => !there.has(definer) && !there.has(definer.replace(/@$/, '')))
    .map((what) => ({ kind: 'MissingDefiners', what }));
};

type Collected = CollectedFacts | { readonly unknown: string; readonly gaps: readonly Gap[] };

const factsOf = async (
  context: RunContext,
  databases: readonly string[],
  snapshot: SharedSnapshot,
  dump: RunningDump,
): Promise<Collected> => {
  const { signal, log } = context;
  try {
    // A server that stands still until both are done shows one state to all, whenever they open their snapshots.
    if (snapshot.still !== undefined) {
      return await collectFacts(snapshot.connection, databases, { signal, log, still: true });
    }
    const shared = await dump.snapshotOpened(longestLockMs);
    snapshot.release();
    if (!shared) return { unknown: `the dump did not open its snapshot within ${longestLockMs / 1000} s`, gaps: [] };
    return await collectFacts(snapshot.connection, databases, context);
  } catch (error) {
    context.signal.throwIfAborted();
    context.log.warn('the facts could not be taken', { error });
    return { unknown: `they could not be taken: ${serverMessage(error)}`, gaps: [] };
  } finally {
    if (snapshot.still === undefined) snapshot.release();
  }
};

interface FactsInput {
  readonly account: Account;
  readonly directory: string;
  readonly dataTime: Date;
  readonly facts: Collected;
  readonly accounts: AccountsFacts | undefined;
  readonly gaps: readonly Gap[];
}

const writeFacts = async (
  context: RunContext,
  { account, directory, dataTime, facts, accounts, gaps }: FactsInput,
): Promise<MysqlFacts> => {
  // The version of the server is known in any case: a verification needs it for its scratch server.
  const { server, databases } =
    'unknown' in facts
      ? await withConnection(account, context.signal, (connection) => collectFacts(connection, [], context))
      : facts;
  const notCovered = describeGaps(gaps).map(({ full }) => full);
  const written = mysqlFacts.parse({
    version: 1,
    engine: 'mysql',
    dataTime: timestamp(dataTime),
    server,
    databases,
    ...('unknown' in facts && { unknown: facts.unknown }),
    ...(accounts !== undefined && { accounts }),
    ...(notCovered.length > 0 && { notCovered }),
  });
  await writeFile(join(directory, factsFile), canonicalJson(written), { mode: 0o640 });
  return written;
};

/** The files in the scratch directory that mariadb-dump signs in with; whatever is left of an earlier try goes first. */
const writeOptions = async (
  { task }: RunContext,
  account: Account,
): Promise<{ file: string; remove(): Promise<void> }> => {
  const { host, port, username, password, tls } = account;
  const directory = join(task.scratch, 'mysql');
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  await remove();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'client.cnf');
  const encrypted = tls === undefined ? {} : await writeTlsFiles(tls, directory);
  await writeOptionFile(file, { host, port: String(port), user: username, password, ...encrypted });
  return { file, remove };
};

// What was made or dropped while the dump ran may be in it or not; what was there all the time must be.
const inBoth = (before: readonly DatabaseObject[], after: readonly DatabaseObject[]): DatabaseObject[] => {
  const there = new Set(after.map((object) => JSON.stringify(object)));
  return before.filter((object) => there.has(JSON.stringify(object)));
};

const checkDump = async (path: string, expected: readonly DatabaseObject[], signal: AbortSignal): Promise<void> => {
  const scan = await scanDump(path, signal);
  if (!isComplete(scan)) {
    throw new RunError(
      'DumpTruncated',
      'mariadb-dump said it was done, but the last line of the dump is not its end mark.',
    );
  }
  const missing = missingFrom(scan, expected);
  if (missing.length === 0) return;
  const names = missing
    .slice(0, 5)
    .map(({ database, kind, name }) => (kind === 'database' ? `database ${name}` : `${kind} ${database}.${name}`));
  const more = missing.length > names.length ? ` and ${missing.length - names.length} more` : '';
  throw new RunError('DumpFailed', `The dump ended well but lacks ${names.join(', ')}${more}.`);
};
