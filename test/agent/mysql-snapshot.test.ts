import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type Connection } from 'mariadb';
import { compareFacts } from '../../src/agent/engines/mysql/compare-facts.ts';
import { outcomeOf } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { factsIn, factsNow } from './support/mysql-facts.ts';

const database = benchDatabase;
let source: MariadbServer;
let target: MariadbServer;
let bench: MysqlBench;

beforeAll(async () => {
  [source, target] = await Promise.all([startMariadb(), startMariadb()]);
  await source.prepare({ database, ...benchAccount, rows: 3000 });
});
afterAll(() => Promise.all([source?.stop(), target?.stop()]));
beforeEach(async () => {
  bench = await makeMysqlBench(source);
});
afterEach(() => bench?.remove());

/** Changes two tables in each transaction, without a pause, until it is told to stop. Gives back how many were committed. */
const startWriter = (server: MariadbServer, first: number) => {
  const over = new AbortController();
  const write = async (connection: Connection): Promise<number> => {
    await connection.query('SET SESSION innodb_lock_wait_timeout = 60');
    let committed = 0;
    for (; !over.signal.aborted; committed += 1) {
      await connection.query(`START TRANSACTION;
        INSERT INTO agama.no_key VALUES (${first}, ${committed});
        UPDATE agama.customers SET balance = balance + 1 WHERE id = ${1 + ((first + committed) % 3000)};
        INSERT INTO agama.customers (name) VALUES ('written ${first}'); COMMIT`);
    }
    return committed;
  };
  const done = createConnection({ socketPath: server.socket, user: 'root', multipleStatements: true }).then(
    (connection) => write(connection).finally(() => connection.end()),
  );
  return {
    async stop() {
      over.abort();
      return done;
    },
  };
};

const copyOf = (name: string | undefined): string => join(bench.files.claim, 'copies', name ?? 'none');

const loadedFacts = async (directory: string) => {
  await target.admin((connection) => connection.query(`DROP DATABASE IF EXISTS ${database}`));
  await target.load(join(directory, 'dump.sql'));
  return factsNow(target, database);
};

test.each([1, 2, 3])('while writers write, facts and dump are of one moment (round %d)', async (round) => {
  const writers = [startWriter(source, round * 1_000_000), startWriter(source, round * 1_000_000 + 500_000)];
  await sleep(300);
  const end = await bench.dump();
  const committed = await Promise.all(writers.map((writer) => writer.stop()));
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(Math.min(...committed)).toBeGreaterThan(10);
  expect(end.result.notes).toEqual([]);

  const directory = copyOf(end.result.newest.localCopy?.name);
  const facts = await factsIn(directory);
  // The writers went on during and after the dump, so facts of another moment than the dump's could not be equal.
  expect(facts.databases).not.toEqual(await factsNow(source, database));
  // Counters went on while it was dumped: those of the dump lie between what they were before and after.
  expect(compareFacts(facts, { databases: await loadedFacts(directory) })).toMatchObject({
    mismatches: [],
    notWitnessed: [],
  });
});

test('without RELOAD the dump counts, and the facts are Unknown instead of guessed', async () => {
  await source.prepare({ database, ...benchAccount, reload: false });
  const end = await bench.dump();
  await source.prepare({ database, ...benchAccount, rows: 3000 });
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(end.result.newest.localCopy).toBeDefined();
  expect(end.result.newest.localCopy?.factsDigest).toBeUndefined();
  expect(end.result.notes).toMatchObject([{ reason: 'FactsUnknown', message: expect.stringContaining('RELOAD') }]);
  const facts = await factsIn(copyOf(end.result.newest.localCopy?.name));
  expect(facts).toMatchObject({ databases: [], server: { version: expect.stringContaining('MariaDB') } });
});

test('a long write keeps the lock away: the dump goes on and the facts are Unknown', async () => {
  const longWrite = source.admin((connection) =>
    connection.query('INSERT INTO agama.nothing SELECT 1 + SLEEP(16)').catch(() => undefined),
  );
  await sleep(200);
  const end = await bench.dump();
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(end.result.newest.localCopy?.factsDigest).toBeUndefined();
  expect(end.result.notes).toMatchObject([
    { reason: 'FactsUnknown', message: expect.stringContaining('no global read lock') },
  ]);
  await longWrite;
}, 60_000);

test('writers wait for the lock no longer than it takes to open snapshots', async () => {
  const end = await bench.dump();
  const locked = end.log
    .split('\n')
    .filter((line) => line.includes('writers go on'))
    .map((line) => (JSON.parse(line) as { lockedMilliseconds: number }).lockedMilliseconds);
  expect(locked).toHaveLength(1);
  expect(locked[0]).toBeLessThan(15_000);
});
