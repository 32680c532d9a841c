import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MysqlTask } from '../../../../api/v1alpha1/sources/mysql.ts';
import type { SafetyCopy } from '../../../../api/v1alpha1/restore-report.ts';
import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext, RestoreEngine, RestoreOrder } from '../../../restore/engine.ts';
import type { Compared } from '../../../verify/engine.ts';
import { collectAccounts } from '../accounts.ts';
import { compareFacts } from '../compare-facts.ts';
import { serverMessage, withConnection, type Connection, type NetworkAccount } from '../connect.ts';
import { accountsFile } from '../layout.ts';
import { loadFile } from '../load.ts';
import { listObjects } from '../objects.ts';
import { readAccount, writeOptions } from '../prepare.ts';
import { openBackup, type Backup } from './backup.ts';
import { compareDatabases, factsOf, tablesOf } from './compare.ts';
import type { Names } from './compose.ts';
import { dropLoaded, dropMarks, dropSetAside } from './discard.ts';
import { exchange, prepareExchange, tidyExchange, type ExchangeInput } from './exchange.ts';
import { fenced } from './fence.ts';
import { destinationFailure } from './feed.ts';
import type { Journal } from './journal.ts';
import {
  checkCase,
  checkLoadable,
  checkNamesNothing,
  createDatabases,
  loadPrograms,
  loadTables,
} from './load-databases.ts';
import { checkAbsent, lookAtDestination, notOneDatabase } from './look.ts';
import { asideName, exchangeName, loadingMark, oldName } from './names.ts';
import { pastEvents, withoutEvents } from './past-events.ts';
import { settleAll, settleExchange } from './undo.ts';

/** What `accounts.sql` may grant on although the backup does not hold it; said at the dump. */
const elsewhere: ReadonlySet<number> = new Set([1146, 1305, 1049]);

/** Brings databases of MySQL or MariaDB back: aside first, and then in one step into their place. */
export const createMysqlRestorer = (order: RestoreOrder<MysqlTask>): RestoreEngine => {
  const { target, into, id } = order;

  /** Does something as the account, with a file that the clients sign in with. */
  const signedIn = async <T>(
    context: RestoreContext,
    work: (account: NetworkAccount, optionFile: string) => Promise<T>,
  ): Promise<T> => {
    const account = await readAccount(context, target);
    const options = await writeOptions(context, account);
    try {
      return await work(account, options.file);
    } finally {
      await options.remove();
    }
  };

  const connected = async <T>(context: RestoreContext, work: (connection: Connection) => Promise<T>): Promise<T> =>
    withConnection(await readAccount(context, target), context.signal, work);

  const namesFor = ({ databases }: Pick<Backup, 'databases'>): Names =>
    new Map(
      databases.map((name) => [
        name,
        into.by === 'InPlace' ? asideName(id, name) : into.by === 'Name' ? into.name : name,
      ]),
    );

  return {
    look: (context, newest) =>
      signedIn(context, (account) =>
        withConnection(account, context.signal, (connection) =>
          lookAtDestination(context, connection, order, { newest, username: account.username }),
        ),
      ),

    recover: (context) =>
      signedIn(context, (account, optionFile) =>
        fenced(account, context.signal, async (connection) => {
          const done = await settleAll(context, connection, { account, optionFile });
          await dropLoaded(connection, id);
          return done;
        }),
      ),

    load: (context, directory) =>
      signedIn(context, async (account, optionFile) => {
        const backup = await openBackup(context, directory);
        const names = namesFor(backup);
        const input = { account, optionFile, backup, names };
        if (into.by === 'InPlace') {
          await checkLoadable(context, account, backup);
          await withConnection(account, context.signal, (connection) => createDatabases(connection, input));
          await loadTables(context, input);
          if (backup.facts.accounts !== undefined) noteAccounts(context);
          return;
        }
        if (into.by === 'Name') {
          if (backup.databases.length !== 1) throw notOneDatabase(backup.databases);
          await checkNamesNothing(backup, backup.databases[0] ?? '');
        }
        await checkCase(context.signal, account, backup.facts.server.lowerCaseTableNames);
        await withConnection(account, context.signal, async (connection) => {
          await checkAbsent(connection, [...names.values()]);
          await createDatabases(connection, input, id);
        });
        await loadTables(context, input);
        await loadPrograms(context, input);
        if (backup.facts.accounts === undefined) return;
        if (into.by === 'Name') {
          noteAccounts(context);
          return;
        }
        await loadFile(context, {
          target: { optionFile, protocol: 'TCP' },
          file: join(directory, accountsFile),
          tolerated: elsewhere,
          failure: destinationFailure,
        });
      }),

    compare: (context, directory) =>
      signedIn(context, async (account) => {
        const backup = await openBackup(context, directory);
        const found = await factsOf(context, account, namesFor(backup));
        if (into.by === 'InPlace') return compareDatabases(tablesOf(backup.facts), found);
        const mark = loadingMark(id);
        const unmarked = found.map((each) => ({ ...each, tables: each.tables.filter(({ name }) => name !== mark) }));
        return withConnection(account, context.signal, async (connection) => {
          const compared = withoutOver(
            context,
            compareDatabases(backup.facts, unmarked),
            await pastEvents(connection, backup.dump, context.now()),
          );
          const all = into.by === 'SameNames' ? await withAccounts(connection, backup, compared) : compared;
          if (all.mismatches.length === 0 && all.notWitnessed.length === 0) await dropMarks(connection, id);
          return all;
        });
      }),

    swap: (context, directory, tell) =>
      signedIn(context, async (account, optionFile) => {
        const backup = await openBackup(context, directory);
        const input = { id, account, optionFile, backup };
        let journal: Journal | undefined;
        try {
          await fenced(account, context.signal, async (connection) => {
            journal = await prepareExchange(context, connection, input);
            tell('Unavailable');
            await exchange(context, connection, input, journal);
          });
        } catch (error) {
          context.signal.throwIfAborted();
          if (journal === undefined) throw error;
          if ((await settle(context, input, error)) === 'PutBack') {
            tell('PutBack');
            throw new RunError('ExchangeFailed', `${wordsOf(error)} What was there was put back, whole.`, {
              cause: error,
            });
          }
        }
        tell('Replaced');
        const done = journal;
        if (done === undefined) throw new RunError('InternalError', 'The exchange has no journal.');
        await withConnection(account, context.signal, (connection) => tidyExchange(context, connection, done)).catch(
          (error: unknown) => context.log.warn('what the exchange left is removed later', { error }),
        );
        return safetyCopyOf(id, done);
      }),

    check: (context, directory) =>
      signedIn(context, async (account) => {
        const backup = await openBackup(context, directory);
        return withConnection(account, context.signal, async (connection) => {
          const over = await pastEvents(connection, backup.dump, context.now());
          const names = new Map(backup.databases.map((name) => [name, name]));
          return withoutOver(context, compareDatabases(backup.facts, await factsOf(context, account, names)), over);
        });
      }),

    discardLoaded: (context) => connected(context, (connection) => dropLoaded(connection, id)),

    discardSafetyCopy: (context) => connected(context, (connection) => dropSetAside(context, connection, id)),
  };
};

/** A server that starts anew is given this long to be back. */
const tries = 8;
const pauseMs = 4000;

/** After an exchange that failed: in sessions of their own, since the one that failed may be gone. @throws RunError ExchangeFailed: it could not be undone */
const settle = async (
  context: RestoreContext,
  { id, account, optionFile }: ExchangeInput,
  failure: unknown,
): Promise<'PutBack' | 'Done'> => {
  for (let left = tries; ; left -= 1) {
    try {
      const outcome = await fenced(account, context.signal, (connection) =>
        settleExchange(context, connection, id, { account, optionFile }),
      );
      return outcome === 'Done' ? 'Done' : 'PutBack';
    } catch (error) {
      context.signal.throwIfAborted();
      context.log.warn('the exchange is not undone yet', { error });
      if (left <= 1 || (error instanceof RunError && error.reason === 'ExchangeFailed')) {
        const detail = `The exchange failed (${wordsOf(failure)}) and could not be undone: ${wordsOf(error)}`;
        throw new RunError('ExchangeFailed', detail, { cause: failure });
      }
      await sleep(pauseMs, undefined, { signal: context.signal });
    }
  }
};

const wordsOf = (error: unknown): string =>
  error instanceof RunError ? error.detail : `The server says: ${serverMessage(error)}.`;

const noteAccounts = ({ note }: Pick<RestoreContext, 'note'>): void =>
  note({
    reason: 'NotCovered',
    message: 'The accounts in the backup (accounts.sql) were not restored: those of the server stay as they are.',
  });

/** Without what differs in events that the server drops by itself since their time is over; that is said. */
const withoutOver = ({ note }: Pick<RestoreContext, 'note'>, compared: Compared, over: readonly string[]): Compared => {
  const mismatches = withoutEvents(compared.mismatches, over);
  if (mismatches.length < compared.mismatches.length) {
    note({ reason: 'NotCovered', message: 'Events whose time is over were dropped or disabled by the server.' });
  }
  return { ...compared, mismatches };
};

/** Adds the accounts of the backup; those that the server has beside them are its own. */
const withAccounts = async (
  connection: Connection,
  { facts, databases }: Backup,
  compared: Compared,
): Promise<Compared> => {
  if (facts.accounts === undefined) return compared;
  const recorded = facts.accounts;
  const { accounts } = await collectAccounts(connection, await listObjects(connection, databases));
  const found = Array.isArray(recorded)
    ? accounts.filter(({ user, host }) => recorded.some((each) => each.user === user && each.host === host))
    : accounts;
  const all = compareFacts({ databases: [], accounts: recorded }, { databases: [], accounts: found });
  return {
    objects: compared.objects + all.objects,
    rows: compared.rows,
    mismatches: [...compared.mismatches, ...all.mismatches],
    notWitnessed: [...compared.notWitnessed, ...all.notWitnessed],
  };
};

const maxNames = 8;

const safetyCopyOf = (id: string, { databases }: Journal): SafetyCopy => {
  const names = databases.filter(({ existed }) => existed).map(({ name }) => oldName(id, name));
  if (names.length === 0) return { kind: 'None', names: [], count: 0 };
  return {
    kind: 'Databases',
    names: names.slice(0, maxNames),
    count: names.length,
    howToUse: `Tables are there under their names: RENAME TABLE moves one back. Views, triggers, routines and events are kept as SQL in ${exchangeName(id)}.done (column content, in the order of id; what = programs, views).`,
  };
};
