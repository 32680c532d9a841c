import { join } from 'node:path';
import type { MysqlTask } from '../../../../api/v1alpha1/sources/mysql.ts';
import type { RestoreContext, RestoreEngine, RestoreOrder } from '../../../restore/engine.ts';
import type { Compared } from '../../../verify/engine.ts';
import { collectAccounts } from '../accounts.ts';
import { compareFacts } from '../compare-facts.ts';
import { withConnection, type Connection } from '../connect.ts';
import { accountsFile } from '../layout.ts';
import { loadFile } from '../load.ts';
import { listObjects } from '../objects.ts';
import { dataBytes, openBackup, type Backup } from './backup.ts';
import { compareDatabases, factsOf, tablesOf } from './compare.ts';
import { comparedBefore, keepCompared, marksOf } from './compared-before.ts';
import type { Names } from './compose.ts';
import { dropLoaded, dropMarks, dropSetAside } from './discard.ts';
import { fenced } from './fence.ts';
import { destinationFailure } from './feed.ts';
import { incomingBackup } from './incoming.ts';
import {
  checkCase,
  checkLoadable,
  checkNamesNothing,
  createDatabases,
  loadPrograms,
  loadTables,
} from './load-databases.ts';
import { checkAbsent, lookAtDestination, notOneDatabase } from './look.ts';
import { asideName, loadingMark } from './names.ts';
import { pastEvents, withoutOver } from './past-events.ts';
import { createMysqlPutBack } from './put-back.ts';
import { signIn } from './sign-in.ts';
import { swapDatabases } from './swap.ts';
import { settleAll } from './undo.ts';

/** What `accounts.sql` may grant on although the backup does not hold it; said at the dump. */
const elsewhere: ReadonlySet<number> = new Set([1146, 1305, 1049]);

/** Brings databases of MySQL or MariaDB back: aside first, and then in one step into their place. */
export const createMysqlRestorer = (order: RestoreOrder<MysqlTask>): RestoreEngine => {
  const { target, into, id } = order;

  const { signedIn, connected } = signIn(target);

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
        const names = namesFor(backup);
        if (into.by === 'InPlace') {
          const marked = await marksOf(context, account, names, dataBytes(backup));
          const loaded = await factsOf(context, account, names);
          await keepCompared(context, marked, loaded);
          return compareDatabases(tablesOf(backup.facts), loaded);
        }
        const found = await factsOf(context, account, names);
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
        const incoming = incomingBackup(backup, { id, account, optionFile });
        return swapDatabases(context, { id, account, optionFile, incoming }, tell);
      }),

    check: (context, directory) =>
      signedIn(context, async (account) => {
        const backup = await openBackup(context, directory);
        return withConnection(account, context.signal, async (connection) => {
          const over = await pastEvents(connection, backup.dump, context.now());
          const names = new Map(backup.databases.map((name) => [name, name]));
          const known = await comparedBefore(context, account, names);
          const found = await factsOf(context, account, names, { known });
          return withoutOver(context, compareDatabases(backup.facts, found), over);
        });
      }),

    discardLoaded: (context) => connected(context, (connection) => dropLoaded(connection, id)),

    // Not while another restore puts it back.
    discardSafetyCopy: (context) =>
      signedIn(context, (account) =>
        fenced(account, context.signal, (connection) => dropSetAside(context, connection, id)),
      ),

    puttingBack: (from) => createMysqlPutBack(order, from.id),
  };
};

const noteAccounts = ({ note }: Pick<RestoreContext, 'note'>): void =>
  note({
    reason: 'NotCovered',
    message: 'The accounts in the backup (accounts.sql) were not restored: those of the server stay as they are.',
  });

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
