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
import { collectFacts } from './collect-facts.ts';
import { serverMessage, withConnection, type Account } from './connect.ts';
import { mysqlFacts, type MysqlFacts } from './facts.ts';
import { noteGaps } from './notes.ts';
import { listObjects, type DatabaseObject } from './objects.ts';
import { writeOptionFile } from './option-file.ts';
import { preflight } from './preflight.ts';
import { judgeDump, startDump, type RunningDump } from './run-dump.ts';
import { isComplete, missingFrom, scanDump } from './scan-dump.ts';
import { openSharedSnapshot, openStillSnapshot, type SharedSnapshot } from './snapshot.ts';

/** All databases go into one file: one dump, one snapshot. */
export const dumpFile = 'dump.sql';

/** The longest that writers are kept waiting for the dump's snapshot. */
const longestLockMs = 30_000;

/** Dumps databases of a MySQL or MariaDB server with mariadb-dump, and takes the facts of the same snapshot. */
export const createMysqlEngine = (source: MysqlTask): Engine => ({
  async dump(context, directory) {
    const { signal, step } = context;
    const { databases } = source;
    const account = await step('Prepare', () => readAccount(context, source));
    const { mayLock, before } = await step('Connect', () =>
      withConnection(account, signal, async (connection) => ({
        ...(await preflight(connection, databases, account.username)),
        before: await listObjects(connection, databases),
      })),
    );
    const dumped = await step('Dump', () => dumpAndCollect(context, { source, account, directory, mayLock }));
    await step('Check', async () => {
      const after = await withConnection(account, signal, (connection) => listObjects(connection, databases));
      await checkDump(join(directory, dumpFile), inBoth(before, after), signal);
    });
    return dumped;
  },
});

const readAccount = async (context: RunContext, source: MysqlTask): Promise<Account> => {
  const mount = { directory: source.credentials, secret: source.credentialsSecret };
  const username = await context.secrets.read(mount, 'username', { public: true });
  const password = await context.secrets.read(mount, 'password');
  return { host: source.host, port: source.port, username, password };
};

interface DumpInput {
  readonly source: MysqlTask;
  readonly account: Account;
  readonly directory: string;
  readonly mayLock: boolean;
}

const dumpAndCollect = async (
  context: RunContext<DumpTask>,
  { source, account, directory, mayLock }: DumpInput,
): Promise<Dumped> => {
  const { databases } = source;
  const optionFile = await writeAccount(context, account);
  const snapshot = await openSnapshot(context, { account, mayLock });
  // The clock before the dump's snapshot, and after the lock: the state is not older than this says.
  const dataTime = context.now();
  const dump = await startDump(context, { optionFile, databases, file: join(directory, dumpFile) });
  try {
    const [ended, facts] = await Promise.all([
      dump.ended.then((end) => {
        judgeDump(end);
        return end;
      }),
      'unknown' in snapshot ? snapshot : factsOf(context, databases, snapshot, dump),
    ]);
    if ('still' in snapshot) {
      await context.step('Quiesce', async () => snapshot.still?.confirm());
      snapshot.release();
    }
    context.log.info('mariadb-dump ended', { exitCode: ended.exitCode });
    const written = await context.step('Facts', () =>
      writeFacts(context, { account, source, directory, dataTime, facts }),
    );
    noteGaps(context, written);
    const quiesced = 'still' in snapshot ? ({ quiesced: 'ReadOnly' } as const) : {};
    return { dataTime, factsKnown: written.unknown === undefined, ...quiesced };
  } finally {
    if ('release' in snapshot) {
      snapshot.release();
      snapshot.connection.destroy();
    }
    // Nothing that still writes may outlive its directory.
    await dump.ended.catch(() => undefined);
    await rm(optionFile, { force: true });
  }
};

const openSnapshot = async (
  context: RunContext<DumpTask>,
  { account, mayLock }: Pick<DumpInput, 'account' | 'mayLock'>,
): Promise<SharedSnapshot | { readonly unknown: string }> => {
  if (context.task.quiesce?.by === 'ReadOnly')
    return context.step('Quiesce', () => openStillSnapshot(account, context));
  return mayLock ? openSharedSnapshot(account, context) : { unknown: `the account "${account.username}" lacks RELOAD` };
};

type Collected = Pick<MysqlFacts, 'server' | 'databases'> | { readonly unknown: string };

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
    if (!shared) return { unknown: `the dump did not open its snapshot within ${longestLockMs / 1000} s` };
    return await collectFacts(snapshot.connection, databases, context);
  } catch (error) {
    context.signal.throwIfAborted();
    context.log.warn('the facts could not be taken', { error });
    return { unknown: `they could not be taken: ${serverMessage(error)}` };
  } finally {
    if (snapshot.still === undefined) snapshot.release();
  }
};

interface FactsInput {
  readonly account: Account;
  readonly source: MysqlTask;
  readonly directory: string;
  readonly dataTime: Date;
  readonly facts: Collected;
}

const writeFacts = async (
  context: RunContext,
  { account, directory, dataTime, facts }: FactsInput,
): Promise<MysqlFacts> => {
  // The version of the server is known in any case: a verification needs it for its scratch server.
  const content =
    'unknown' in facts
      ? await withConnection(account, context.signal, async (connection) => ({
          ...(await collectFacts(connection, [], context)),
          unknown: facts.unknown,
        }))
      : facts;
  const written = mysqlFacts.parse({ version: 1, engine: 'mysql', dataTime: timestamp(dataTime), ...content });
  await writeFile(join(directory, factsFile), canonicalJson(written), { mode: 0o640 });
  return written;
};

const writeAccount = async ({ task }: RunContext, { host, port, username, password }: Account): Promise<string> => {
  await mkdir(task.scratch, { recursive: true });
  const path = join(task.scratch, 'mysql.cnf');
  await rm(path, { force: true });
  await writeOptionFile(path, { host, port: String(port), user: username, password });
  return path;
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
  const names = missing.slice(0, 5).map(({ database, kind, name }) => `${kind} ${database}.${name}`);
  const more = missing.length > names.length ? ` and ${missing.length - names.length} more` : '';
  throw new RunError('DumpFailed', `The dump ended well but lacks ${names.join(', ')}${more}.`);
};
