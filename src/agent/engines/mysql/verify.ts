import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MysqlSandbox } from '../../../api/v1alpha1/sources/mysql.ts';
import type { VerifyTask } from '../../../api/v1alpha1/task.ts';
import { RunError } from '../../../errors/run-error.ts';
import { errorCode } from '../../disk.ts';
import type { RunContext } from '../../run.ts';
import { freeBytes } from '../../space.ts';
import type { Compared, VerifyEngine } from '../../verify/engine.ts';
import { readFacts } from '../../verify/read-facts.ts';
import { collectAccounts } from './accounts.ts';
import { collectFacts } from './collect-facts.ts';
import { compareFacts } from './compare-facts.ts';
import type { Connection, SocketAccount } from './connect.ts';
import { countersOf, withCounters } from './counters.ts';
import { mysqlFacts } from './facts.ts';
import { accountsFile, dumpFile } from './layout.ts';
import { dumpSession, loadFile, type LoadRequest } from './load.ts';
import { listObjects } from './objects.ts';
import { writeOptionFile } from './option-file.ts';
import { runQuery } from './query.ts';
import { makeRoomForAccounts, withoutOwn } from './sandbox-accounts.ts';
import { awaitServer, checkAlive, checkEmpty, checkSameLife, databasesIn, emptyServer, onSandbox } from './sandbox.ts';
import { releaseIn, serverName } from './server.ts';

/** What `accounts.sql` may grant on although the backup does not hold it: tables, routines and databases of others. Said at the dump. */
const elsewhere: ReadonlySet<number> = new Set([1146, 1305, 1049]);

/** Loads a backup of MySQL or MariaDB into the scratch server, and compares all that it then holds with facts.json. */
export const createMysqlVerifier = ({ socket }: MysqlSandbox): VerifyEngine => {
  // Another one from the moment on that accounts of a backup were loaded.
  let account: SocketAccount = { socket, username: 'root' };
  let answeredMs = 0;
  /** Does something on the server that was loaded, and nothing on one that took its place. */
  const onLoaded = <T>(context: RunContext<VerifyTask>, work: (connection: Connection) => Promise<T>): Promise<T> =>
    onSandbox(account, context, async (connection) => {
      await checkSameLife(connection, answeredMs);
      return work(connection);
    });
  return {
    async start(context) {
      const profile = await awaitServer(account, context, context.task.startSeconds);
      answeredMs = performance.now();
      return serverName(profile);
    },

    async unsuitable(directory, server) {
      const { server: source } = await readFacts(mysqlFacts, directory);
      const wanted = serverName(source);
      return releaseIn(wanted) === releaseIn(server)
        ? undefined
        : `the backup is of ${wanted}, and the scratch server is ${server}: ${releaseIn(wanted)} is needed`;
    },

    async load(context, directory) {
      const { accounts } = await readFacts(mysqlFacts, directory);
      await onSandbox(account, context, checkEmpty);
      await loadIntoSandbox(context, account, { file: join(directory, dumpFile), session: dumpSession });
      if (accounts === undefined) return;
      account = await onSandbox(account, context, (connection) => makeRoomForAccounts(connection, socket));
      await loadIntoSandbox(context, account, { file: join(directory, accountsFile), tolerated: elsewhere });
    },

    async compare(context, directory) {
      const recorded = await readFacts(mysqlFacts, directory);
      return onLoaded(context, async (connection): Promise<Compared> => {
        const databases = await databasesIn(connection);
        const { signal, log } = context;
        const collected = await collectFacts(connection, databases, { signal, log, still: true });
        const counters = await countersOf(connection, databases);
        return compareFacts(recorded, {
          databases: withCounters(collected.databases, counters, counters),
          ...(recorded.accounts !== undefined && {
            accounts: withoutOwn(
              (await collectAccounts(connection, await listObjects(connection, databases))).accounts,
              account,
            ),
          }),
        });
      });
    },

    async query(context, directory, statement) {
      const { databases } = await readFacts(mysqlFacts, directory);
      const names = databases.map(({ name }) => name);
      return onLoaded(context, (connection) => runQuery(connection, statement, names));
    },

    clear: (context) => onSandbox(account, context, emptyServer),
  };
};

/** With less free than this on the scratch space, that is the cause of whatever failed. */
const fullBelow = 8 * 1024 * 1024;

const loadIntoSandbox = async (
  context: RunContext<VerifyTask>,
  { socket, username }: SocketAccount,
  request: Omit<LoadRequest, 'target'>,
): Promise<void> => {
  const directory = join(context.task.scratch, 'sandbox');
  const optionFile = join(directory, 'client.cnf');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    await writeOptionFile(optionFile, { socket, user: username });
    await loadFile(context, { ...request, target: { optionFile, protocol: 'SOCKET' } });
  } catch (error) {
    context.signal.throwIfAborted();
    if (errorCode(error) === 'ENOENT') {
      throw new RunError('BackupDamaged', 'A file of the backup is missing.', { cause: error });
    }
    if (error instanceof RunError && (await freeBytes(context.task.fetched)) < fullBelow) {
      throw new RunError('SandboxTooSmall', `The scratch space is full. ${error.detail}`, { cause: error });
    }
    // Whatever the client said: a server that is gone refuses no backup.
    if (error instanceof RunError && error.reason === 'BackupNotLoadable') {
      await checkAlive({ socket, username }, context);
    }
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
