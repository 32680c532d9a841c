import { z } from 'zod';
import { RunError } from '../../../../errors/run-error.ts';
import type { Connection } from '../connect.ts';
import { identifier } from '../sql.ts';
import { allDatabases, tablesIn } from './present.ts';
import { exchangeName, exchangeOf } from './names.ts';

/**
 * What an exchange sets out from, so that it can be undone by whoever comes after it. It lies at the destination, in a database of its own, in one table whose
 * name is its state: renaming a table is atomic, and on disk when the server answers, which a changed row is not on every server.
 *
 * - `writing`: nothing was touched yet.
 * - `begun`: what is there is between the old and the new.
 * - `done`: the new is in its place, whole. From then on it keeps what was set aside as text.
 */
const states = ['writing', 'begun', 'done'] as const;
export type JournalState = (typeof states)[number];

const exchangedDatabase = z.object({
  name: z.string(),
  /** Whether it was there. */
  existed: z.boolean(),
  /** What CREATE DATABASE said after its name. */
  options: z.string(),
  aside: z.string(),
  old: z.string(),
  /** What was there, to be moved into `old`. */
  tables: z.array(z.string()),
  /** What was there, and what each is called meanwhile. */
  views: z.array(z.object({ name: z.string(), as: z.string() })),
  /** What was loaded aside, to be moved here. */
  newTables: z.array(z.string()),
  /** What the backup makes here. */
  newViews: z.array(z.string()),
  /** It is not to be there afterwards: it was not when what is put back was set aside. */
  goes: z.boolean().default(false),
});
export type ExchangedDatabase = z.output<typeof exchangedDatabase>;

const journal = z.object({
  version: z.literal(1),
  databases: z.array(exchangedDatabase),
  definitions: z.string().describe('Digest of all definitions as they were: an undone exchange must come to it again.'),
  grants: z.array(z.string()).describe('Grants on routines, which go with them.'),
});
export type Journal = z.output<typeof journal>;

/** What is kept beside the journal: files for the client, the views as statements for a person, and the definitions of all (see copy.ts). */
export type KeptText = 'programs' | 'viewDump' | 'views' | 'facts';

/** The largest piece that is written at once. */
const pieceBytes = 1 << 20;

/** Writes the journal, whole or not at all. */
export const writeJournal = async (
  connection: Connection,
  id: string,
  content: Journal,
  texts: Readonly<Record<KeptText, Buffer>>,
): Promise<void> => {
  const database = identifier(exchangeName(id));
  await connection.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
  await connection.query(
    `CREATE TABLE ${database}.writing (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(16) NOT NULL, content LONGBLOB NOT NULL) ENGINE=InnoDB`,
  );
  const all = { plan: Buffer.from(JSON.stringify(content)), ...texts };
  for (const [what, bytes] of Object.entries(all)) {
    for (let from = 0; from < bytes.length; from += pieceBytes) {
      const piece = bytes.subarray(from, from + pieceBytes);
      await connection.query(`INSERT INTO ${database}.writing (what, content) VALUES (?, ?)`, [what, piece]);
    }
  }
  await changeState(connection, id, 'writing', 'begun');
};

/** Changes the state, in one step that is on disk afterwards. */
export const changeState = async (
  connection: Connection,
  id: string,
  from: JournalState,
  to: JournalState,
): Promise<void> => {
  const database = identifier(exchangeName(id));
  await connection.query(`RENAME TABLE ${database}.${from} TO ${database}.${to}`);
};

/** The state of the exchange of a restore; undefined: it has none. */
export const stateOf = async (connection: Connection, id: string): Promise<JournalState | undefined> => {
  if (!(await allDatabases(connection)).includes(exchangeName(id))) return undefined;
  const { tables } = await tablesIn(connection, exchangeName(id));
  // A database without a table is one that is being made or removed.
  return states.find((state) => tables.includes(state)) ?? 'writing';
};

/** The ids of all exchanges that left something on the server. */
export const exchangesOn = async (connection: Connection): Promise<string[]> =>
  (await allDatabases(connection)).map(exchangeOf).filter((id) => id !== undefined);

/** @throws RunError ExchangeFailed: the journal cannot be read, so nothing may be touched */
export const readJournal = async (connection: Connection, id: string, state: JournalState): Promise<Journal> => {
  const bytes = await readText(connection, id, state, 'plan');
  try {
    return journal.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    const detail = `The journal in database ${exchangeName(id)} cannot be read.`;
    throw new RunError('ExchangeFailed', detail, { cause: error });
  }
};

/** What is kept beside the journal. */
export const readText = async (
  connection: Connection,
  id: string,
  state: JournalState,
  what: KeptText | 'plan',
): Promise<Buffer> => {
  const rows: { content: Buffer }[] = await connection.query(
    `SELECT content FROM ${identifier(exchangeName(id))}.${state} WHERE what = ? ORDER BY id`,
    [what],
  );
  return Buffer.concat(rows.map(({ content }) => content));
};
