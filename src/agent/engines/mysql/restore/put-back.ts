import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MysqlTask } from '../../../../api/v1alpha1/sources/mysql.ts';
import { timestamp } from '../../../../base/times.ts';
import { RunError } from '../../../../errors/run-error.ts';
import { canonicalJson } from '../../../dump/canonical-json.ts';
import { factsFile } from '../../../layout.ts';
import type { PutBackEngine, RestoreContext, RestoreOrder } from '../../../restore/engine.ts';
import { readFacts } from '../../../verify/read-facts.ts';
import { collectFacts } from '../collect-facts.ts';
import { withConnection, type Connection, type NetworkAccount } from '../connect.ts';
import { mysqlFacts, type DatabaseFacts } from '../facts.ts';
import { compareDatabases, factsOf, tablesOf } from './compare.ts';
import { comingOf, factsInCopy, pastEventsOf, readSetAside, tablesDiffer, withContents } from './copy.ts';
import { isBeingPutBack } from './discard.ts';
import { incomingCopy } from './incoming-copy.ts';
import { readJournal, readText } from './journal.ts';
import { lookAtDestination, rowsIn } from './look.ts';
import { withoutOver } from './past-events.ts';
import { existing, presentIn } from './present.ts';
import { readKeptFacts, type KeptFacts } from './copy-facts.ts';
import { signIn } from './sign-in.ts';
import { swapDatabases } from './swap.ts';

/**
 * Puts back what restore `from` has set aside. Its tables are moved, in the same journaled exchange as those of a backup: undone, they are in
 * the copy again. By definition all is compared with what was recorded before it was set aside; of rows nothing was recorded then, so
 * what is in place is compared with what the copy held just before.
 */
export const createMysqlPutBack = (order: RestoreOrder<MysqlTask>, from: string): PutBackEngine => {
  const { target, id } = order;
  const { signedIn, connected } = signIn(target);

  /** What is recorded of the copy, when all of it is there as it is recorded. @throws RunError SafetyCopyUnavailable */
  const wholeCopy = async (
    context: RestoreContext,
    connection: Connection,
    account: NetworkAccount,
  ): Promise<KeptFacts> => {
    const copy = await readSetAside(connection, from);
    const [first] = tablesDiffer(copy, await factsInCopy(context, account, copy, true));
    if (first === undefined) return copy.kept;
    throw new RunError('SafetyCopyUnavailable', `What was set aside is not as it was then: ${first}.`);
  };

  return {
    look: (context, newest) =>
      signedIn(context, (account) =>
        withConnection(account, context.signal, async (connection) => {
          // What an earlier try has moved goes back before anything is loaded, and is looked at then.
          const cutOff = await isBeingPutBack(connection, from);
          const kept = cutOff ? await readKeptFacts(connection, from) : await wholeCopy(context, connection, account);
          const looked = { newest, username: account.username, copy: kept.databases };
          const found = await lookAtDestination(context, connection, order, looked);
          const rows = cutOff ? undefined : await rowsInCopy(context, connection, from);
          return { found, copy: { objects: objectsOf(kept.databases), ...(rows !== undefined && { rows }) } };
        }),
      ),

    load: (context, directory) =>
      signedIn(context, (account) =>
        withConnection(account, context.signal, async (connection) => {
          const copy = await readSetAside(connection, from);
          const found = await factsInCopy(context, account, copy);
          const { server } = await collectFacts(connection, [], context);
          const facts = mysqlFacts.parse({
            version: 1,
            engine: 'mysql',
            dataTime: timestamp(context.now()),
            server,
            databases: withContents(comingOf(copy.kept), found),
          });
          await writeFile(join(directory, factsFile), canonicalJson(facts), { mode: 0o640 });
        }),
      ),

    compare: (context, directory) =>
      signedIn(context, async (account) => {
        const facts = await readFacts(mysqlFacts, directory);
        const journal = await connected(context, (connection) => readJournal(connection, from, 'done'));
        const found = await factsInCopy(context, account, { journal }, true);
        // Rows were read when the facts were made of them; nobody writes to a copy.
        return compareDatabases(tablesOf(facts), withContents(found, facts.databases));
      }),

    swap: (context, _directory, tell) =>
      signedIn(context, async (account, optionFile) => {
        const incoming = await connected(context, async (connection) =>
          incomingCopy(connection, await readSetAside(connection, from), optionFile),
        );
        return swapDatabases(context, { id, account, optionFile, incoming }, tell);
      }),

    check: (context, directory) =>
      signedIn(context, (account) =>
        withConnection(account, context.signal, async (connection) => {
          const facts = await readFacts(mysqlFacts, directory);
          const kept = await readKeptFacts(connection, from);
          const names = facts.databases.map(({ name }) => name);
          const there = await existing(connection, names);
          const found = await factsOf(context, account, new Map(there.map((name) => [name, name])));
          const over = await pastEventsOf(context, connection, {
            programs: await readText(connection, from, 'done', 'programs'),
          });
          const compared = withoutOver(context, compareDatabases(facts, found), over);
          return {
            ...compared,
            mismatches: [...compared.mismatches, ...(await notGone(connection, from))],
            notWitnessed: [...compared.notWitnessed, ...brokenWords(kept)],
          };
        }),
      ),
  };
};

const objectsOf = (databases: readonly DatabaseFacts[]): number =>
  databases.reduce(
    (sum, { tables, views, triggers, routines, events }) =>
      sum + tables.length + views.length + triggers.length + routines.length + events.length,
    0,
  );

const rowsInCopy = async (
  context: RestoreContext,
  connection: Connection,
  from: string,
): Promise<number | undefined> => {
  const { databases } = await readJournal(connection, from, 'done');
  const olds = databases.filter(({ existed }) => existed).map(({ old }) => old);
  return rowsIn(context, connection, olds);
};

/** Databases that were not there when the copy was set aside, and hold something now. */
const notGone = async (connection: Connection, from: string): Promise<string[]> => {
  const { databases } = await readJournal(connection, from, 'done');
  const gone = databases.filter(({ existed }) => !existed).map(({ name }) => name);
  const left: string[] = [];
  for (const name of await existing(connection, gone)) {
    const { tables, views, routines, events } = await presentIn(connection, name);
    if (tables.length + views.length + routines.length + events.length > 0)
      left.push(`database ${name}: it was not there then`);
  }
  return left;
};

const brokenWords = ({ broken }: KeptFacts): string[] =>
  broken.flatMap(({ database, views }) =>
    views.map((view) => `view ${database}.${view}, which did not work when it was set aside, and cannot be made`),
  );
