import type { Connection } from './connect.ts';
import type { CounterFacts, DatabaseFacts } from './facts.ts';
import { identifier } from './sql.ts';

/**
 * AUTO_INCREMENT counters and sequences are in no snapshot. Read before the dump and after it they bracket what it holds: a restored one must
 * lie between.
 */

interface Counter {
  /** The value that is given out next, as far as the server has written it down. */
  readonly next: bigint;
  /** A sequence that begins anew when it has come to its end may have had any value between two looks. */
  readonly way: 'Rising' | 'Falling' | 'Cycling';
}

/** By database and table. */
export type Counters = ReadonlyMap<string, Counter>;

const keyOf = (database: string, table: string): string => JSON.stringify([database, table]);

/** The counters of the databases as they are now. */
export const countersOf = async (connection: Connection, databases: readonly string[]): Promise<Counters> => {
  const counters = new Map<string, Counter>();
  for (const database of databases) {
    const tables: { name: string; next: string | null; type: string }[] = await connection.query(
      `SELECT TABLE_NAME AS name, CAST(AUTO_INCREMENT AS CHAR) AS next, TABLE_TYPE AS type FROM information_schema.TABLES
       WHERE TABLE_SCHEMA = ? AND (AUTO_INCREMENT IS NOT NULL OR TABLE_TYPE = 'SEQUENCE')`,
      [database],
    );
    for (const { name, next, type } of tables) {
      if (type !== 'SEQUENCE') {
        if (next !== null) counters.set(keyOf(database, name), { next: BigInt(next), way: 'Rising' });
        continue;
      }
      const [row]: { next: string; step: string; cycles: string }[] = await connection.query(
        `SELECT CAST(next_not_cached_value AS CHAR) AS next, CAST(increment AS CHAR) AS step,
           CAST(cycle_option AS CHAR) AS cycles FROM ${identifier(database)}.${identifier(name)}`,
      );
      if (row === undefined) continue;
      const way = row.cycles !== '0' ? 'Cycling' : row.step.startsWith('-') ? 'Falling' : 'Rising';
      counters.set(keyOf(database, name), { next: BigInt(row.next), way });
    }
  }
  return counters;
};

/** The facts with what their counters were before and after; one look at a server that nobody uses is both. Pure. */
export const withCounters = (databases: readonly DatabaseFacts[], before: Counters, after: Counters): DatabaseFacts[] =>
  databases.map((database) => ({
    ...database,
    tables: database.tables.map((table) => {
      const key = keyOf(database.name, table.name);
      const [from, to] = [before.get(key), after.get(key)];
      if (table.kind === 'Sequence') return { ...table, content: bracket(from, to) };
      return from === undefined && to === undefined ? table : { ...table, autoIncrement: bracket(from, to) };
    }),
  }));

const bracket = (from: Counter | undefined, to: Counter | undefined): CounterFacts => {
  if (from === undefined || to === undefined) return { unknown: 'it came or went while the dump ran' };
  const rose = from.way === 'Rising' && to.way === 'Rising' && from.next <= to.next;
  if (rose || (from.next === to.next && from.way === to.way)) return { next: range(from.next, to.next) };
  if (from.way === 'Falling' && to.way === 'Falling' && from.next > to.next) return { next: range(to.next, from.next) };
  return { unknown: 'it was set anew while the dump ran' };
};

const range = (from: bigint, to: bigint): { from: string; to: string } => ({ from: String(from), to: String(to) });
