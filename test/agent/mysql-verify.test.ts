import { join } from 'node:path';
import { outcomeOf } from './support/agent.ts';
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
  const end = await bench.dump({ mysql: { databases }, task: { deadlineSeconds: 300 } });
  expect(outcomeOf(end)).toBe('Succeeded');
  copy = join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
}, 300_000);
afterAll(async () => {
  await Promise.all([source?.stop(), scratch?.stop(), bench?.remove(), verify?.remove()]);
});

test('everything comes back the same', async () => {
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
  expect(compared.rows).toBeGreaterThan(3000 + kilobyteRows);
}, 300_000);
