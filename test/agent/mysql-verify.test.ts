import { join } from 'node:path';
import { outcomeOf, type AgentEnd } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { factsIn } from './support/mysql-facts.ts';
import { makeVerifyBench, type MysqlVerifyBench } from './support/mysql-verify.ts';
import { emptyDatabase, nastyStatements, oddDatabase, plainDatabase } from './support/nasty-database.ts';

const databases = [plainDatabase, oddDatabase, emptyDatabase];
/** Rows of a kilobyte: 80,000 and more for a large database. */
const kilobyteRows = Number(process.env['HOLDFAST_TEST_KILOBYTE_ROWS'] ?? 2000);

let source: MariadbServer;
let scratch: MariadbServer;
let bench: MysqlBench;
let verify: MysqlVerifyBench;
let end: AgentEnd;
let copy: string;

beforeAll(async () => {
  [source, scratch] = await Promise.all([startMariadb(), startMariadb()]);
  await source.admin(async (connection) => {
    for (const statement of nastyStatements({ smallTables: 1000, largeRowMegabytes: 18, kilobyteRows })) {
      await connection.query(statement);
    }
    await connection.query(
      `CREATE USER backup@'%' IDENTIFIED BY '${benchAccount.password}';
       GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE, RELOAD ON *.* TO backup@'%'`,
    );
  });
  bench = await makeMysqlBench(source);
  verify = await makeVerifyBench(scratch.socket);
  end = await bench.dump({ mysql: { databases }, task: { deadlineSeconds: 300 } });
  copy = join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
}, 300_000);
afterAll(async () => {
  await Promise.all([source?.stop(), scratch?.stop(), bench?.remove(), verify?.remove()]);
});

test('everything comes back the same', async () => {
  expect(outcomeOf(end)).toBe('Succeeded');
  // What the dump cannot keep, as far as is known, is none of it.
  expect(end.result.newest.localCopy?.notCovered).toEqual([
    'events whose time is over, dropped or disabled once loaded: nasty.over_often, nasty.over_once',
    'accounts (accounts is not set) that views, routines, triggers or events run as: nobody@nowhere',
  ]);
  const { engine, context } = verify;
  expect(await engine.start(context)).toMatch(/^mariadb 10\.11\.\d+$/);
  const compared = await verify.verify(copy);
  expect(compared).toEqual({
    objects: expect.any(Number),
    rows: expect.any(Number),
    mismatches: [],
    notWitnessed: [],
  });
  const facts = await factsIn(copy);
  expect(facts.unknown).toBeUndefined();
  expect(compared.objects).toBeGreaterThan(1040);
  expect(compared.rows).toBeGreaterThan(1000 + kilobyteRows);
}, 300_000);

test('what a definition loses is said, of a default exactly', async () => {
  await source.admin((connection) =>
    connection.query(`CREATE OR REPLACE DATABASE lossy CHARACTER SET utf8mb4; CREATE TABLE lossy.t (id INT PRIMARY KEY,
      lost VARCHAR(20) DEFAULT '🐑', kept VARCHAR(20) DEFAULT '☃?', computed VARCHAR(20) DEFAULT (CONCAT('🐑?')),
      one_of ENUM('🐑', 'b'), asks SET('sure?'), plain ENUM('a'), narrow VARCHAR(20) CHARACTER SET latin1 DEFAULT '?')`),
  );
  const { result } = await bench.dump({ mysql: { databases: ['lossy'] } });
  expect(result.newest.localCopy?.notCovered).toEqual([
    'DEFAULT, ENUM or SET with characters beyond U+FFFF (ENUM and SET: maybe), ? once loaded: lossy.t.lost, lossy.t.one_of, lossy.t.asks',
  ]);
}, 60_000);
