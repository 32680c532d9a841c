import type { RestoreContext } from '../../../restore/engine.ts';
import { sideBySide } from '../../../../base/side-by-side.ts';
import { RunError } from '../../../../errors/run-error.ts';
import { serverError, withConnection, type Connection, type NetworkAccount } from '../connect.ts';
import { dumpSession } from '../load.ts';
import { identifier } from '../sql.ts';
import { optionsOf, type Backup } from './backup.ts';
import { compose, definitionsIn, readRange, type Names, type Part } from './compose.ts';
import type { SectionKind } from './dump-index.ts';
import { feed } from './feed.ts';
import { isMovable } from './movable.ts';
import { loadingMark } from './names.ts';
import { referencesIn } from './requalify.ts';

/** How many databases are loaded at a time: each keeps one core of the server busy. */
const atATime = 3;

/** Whom and where to. */
export interface LoadInput {
  readonly account: NetworkAccount;
  readonly optionFile: string;
  readonly backup: Backup;
  readonly names: Names;
}

/** Loads tables and sequences, rows included, and nothing that acts by itself: no trigger fires, no event runs. */
export const loadTables = async (context: RestoreContext, input: LoadInput): Promise<void> => {
  const { backup, names } = input;
  // A default may draw from a sequence of another database.
  await feedParts(context, input, [{ kinds: ['sequence'] }]);
  await sideBySide(backup.databases, atATime, (database) => {
    context.log.info('loading', { database, as: names.get(database) });
    return feedParts(context, input, [{ database, kinds: ['table', 'data'] }]);
  });
};

/** In the order in which they need each other: events last, since they may run as soon as they are there. */
const programKinds: readonly SectionKind[] = ['standIn', 'routines', 'view', 'triggers', 'events'];

/** Makes views, routines, triggers and events. */
export const loadPrograms = (
  context: RestoreContext,
  input: LoadInput,
  session: readonly string[] = [],
): Promise<void> =>
  feedParts(
    context,
    input,
    programKinds.map((kind) => ({ kinds: [kind] })),
    session,
  );

const feedParts = (
  context: RestoreContext,
  { optionFile, backup, names }: LoadInput,
  parts: readonly Part[],
  session: readonly string[] = [],
): Promise<void> =>
  feed(context, compose(backup.dump, parts, names), { optionFile, session: [...dumpSession, ...session] });

/** Makes the databases that tables are loaded into, as those in the backup are. They must not be there. @throws RunError DestinationNotEmpty */
export const createDatabases = async (
  connection: Connection,
  { backup, names }: Pick<LoadInput, 'backup' | 'names'>,
  markedBy?: string,
): Promise<void> => {
  for (const database of backup.databases) {
    const name = names.get(database) ?? database;
    try {
      await connection.query(`CREATE DATABASE ${identifier(name)} ${optionsOf(backup, database)}`);
    } catch (error) {
      if (serverError(error) !== 1007) throw error;
      throw new RunError('DestinationNotEmpty', `The server has a database ${name} already.`, { cause: error });
    }
    if (markedBy === undefined) continue;
    await connection.query(`CREATE TABLE ${identifier(name)}.${identifier(loadingMark(markedBy))} (id INT)`);
  }
};

/**
 * Whether a backup can be loaded aside and then change places.
 * @throws RunError DestinationUnsupported
 */
export const checkLoadable = async (
  { signal }: RestoreContext,
  account: NetworkAccount,
  { facts, dump, databases }: Backup,
): Promise<void> => {
  const engines = facts.databases.flatMap(({ name, tables }) =>
    tables.filter(({ engine }) => !isMovable(engine)).map((table) => `${name}.${table.name} (${table.engine})`),
  );
  if (engines.length > 0) {
    const detail = `The backup holds tables of engines that cannot change places: ${engines.slice(0, 4).join(', ')}.`;
    throw new RunError('DestinationUnsupported', detail);
  }
  await checkCase(signal, account, facts.server.lowerCaseTableNames);
  for await (const { database, text } of definitionsIn({ ...dump })) {
    const outside = referencesIn(text).find(
      (reference) => reference.kind === 'ForeignKey' && !databases.includes(reference.database),
    );
    if (outside === undefined) continue;
    const detail = `The backup holds a foreign key from database ${database} to database ${outside.database}, which is not in it.`;
    throw new RunError('DestinationUnsupported', detail);
  }
};

/** Names that differ by case alone would become one. @throws RunError DestinationUnsupported */
export const checkCase = (signal: AbortSignal, account: NetworkAccount, recorded: number): Promise<void> =>
  withConnection(account, signal, async (connection) => {
    const [row]: { folds: string }[] = await connection.query(
      'SELECT CAST(@@GLOBAL.lower_case_table_names AS CHAR) AS folds',
    );
    if (recorded !== 0 || row?.folds === '0') return;
    const detail = `The server does not tell names by their case (lower_case_table_names = ${row?.folds}), and the source did.`;
    throw new RunError('DestinationUnsupported', detail);
  });

/**
 * What of a database names it by its name: it would lead to the old one under any other.
 * @throws RunError DestinationUnsupported
 */
export const checkNamesNothing = async ({ dump }: Backup, database: string): Promise<void> => {
  const bare = database.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const named = new RegExp(`(?:${identifier(bare)}|(?<![\\w$])${bare})\\s*\\.`, 'i');
  for (const section of dump.index.sections) {
    if (!programKinds.includes(section.kind)) continue;
    // Names may be in any character set: of those that are not ASCII only the ones in UTF-8 are seen.
    const text = (await readRange(dump.file, section)).toString('utf8');
    if (!named.test(text)) continue;
    const detail = `A ${words[section.kind] ?? 'part'} of the backup names its database ${database} itself, and would lead to the old one under another name.`;
    throw new RunError('DestinationUnsupported', detail);
  }
};

const words: Partial<Record<SectionKind, string>> = {
  standIn: 'view',
  view: 'view',
  routines: 'routine',
  triggers: 'trigger',
  events: 'event',
};
