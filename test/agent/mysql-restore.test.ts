import { join } from 'node:path';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { factsNow } from './support/mysql-facts.ts';
import { makeRestores, type MysqlRestores } from './support/mysql-restore.ts';
import { emptyDatabase, nastyStatements, oddDatabase, plainDatabase } from './support/nasty-database.ts';

const databases = [plainDatabase, oddDatabase, emptyDatabase];
const equal = { objects: expect.any(Number), rows: expect.any(Number), mismatches: [], notWitnessed: [] };

let server: MariadbServer;
let bench: MysqlBench;
let restores: MysqlRestores;
let copy: string;
let before: Awaited<ReturnType<typeof factsNow>>;

beforeAll(async () => {
  server = await startMariadb(['--event-scheduler=OFF']);
  await server.admin(async (connection) => {
    for (const statement of nastyStatements({ smallTables: 1000, largeRowMegabytes: 2, kilobyteRows: 500 })) {
      await connection.query(statement);
    }
    await connection.query(
      `CREATE USER backup@'%' IDENTIFIED BY '${benchAccount.password}'; GRANT ALL ON *.* TO backup@'%' WITH GRANT OPTION`,
    );
  });
  bench = await makeMysqlBench(server);
  const end = await bench.dump({ mysql: { databases }, task: { deadlineSeconds: 300 } });
  copy = join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
  restores = await makeRestores(server, await bench.files.secret('mysql-account', benchAccount), databases);
  before = await factsNow(server, ...databases);
}, 300_000);
afterAll(async () => {
  await Promise.all([server?.stop(), bench?.remove(), restores?.remove()]);
});

const everyDatabase = () =>
  server.admin(async (connection) =>
    (await connection.query<{ Database: string }[]>('SHOW DATABASES')).map((row) => row.Database).toSorted(),
  );

test('nasty contents that were damaged come back in place, the same', async () => {
  await server.admin(async (connection) => {
    await connection.query(`USE ${plainDatabase}; DROP TABLE watched; UPDATE numbers SET big = 1; DROP VIEW a_top; DROP PROCEDURE several;
      CREATE TABLE not_in_the_backup (a INT PRIMARY KEY); INSERT INTO not_in_the_backup VALUES (1)`);
  });
  const restore = await restores.restore('0000000a');
  const found = await restore.engine.look(restore.context, copy);
  expect(found).toMatchObject({ present: true, missing: expect.arrayContaining([`table ${plainDatabase}.watched`]) });
  const compared = await restore.inPlace(copy);
  expect(compared).toEqual(equal);
  expect(restore.states).toEqual(['Unavailable', 'Replaced']);
  expect(await factsNow(server, ...databases)).toEqual(before);
  const names = await everyDatabase();
  expect(names.filter((name) => name.startsWith('holdfast_'))).toEqual([
    'holdfast_0000000a_exchange',
    'holdfast_0000000a_old_nasty',
    expect.stringMatching(/^holdfast_0000000a_old_/),
    expect.stringMatching(/^holdfast_0000000a_old_/),
  ]);
  await restore.engine.discardSafetyCopy(restore.context);
  expect((await everyDatabase()).filter((name) => name.startsWith('holdfast_'))).toEqual([]);
}, 300_000);

test('databases that are gone come back, and nothing is set aside of them', async () => {
  await server.admin(async (connection) => {
    for (const name of databases) await connection.query(`DROP DATABASE \`${name.replaceAll('`', '``')}\``);
  });
  const restore = await restores.restore('0000000b');
  const found = await restore.engine.look(restore.context, copy);
  expect(found).toMatchObject({ present: false, objects: 0, missingCount: 3 });
  await restore.engine.load(restore.context, copy);
  expect(await restore.engine.compare(restore.context, copy)).toEqual(equal);
  expect(await restore.swap(copy)).toEqual({ kind: 'None', names: [], count: 0 });
  expect(await restore.engine.check(restore.context, copy)).toEqual(equal);
  expect(await factsNow(server, ...databases)).toEqual(before);
  await restore.engine.discardSafetyCopy(restore.context);
}, 300_000);
