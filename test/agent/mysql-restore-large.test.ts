import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { rowsRead } from './support/mysql-changes.ts';
import { factsNow } from './support/mysql-facts.ts';
import { makeRestores, type MysqlRestores } from './support/mysql-restore.ts';

// A table whose rows are 300 MB: dumped, damaged, and restored in place.

const database = 'agama';
const rows = 300_000;

let server: MariadbServer;
let bench: MysqlBench;
let restores: MysqlRestores;

beforeAll(async () => {
  server = await startMariadb();
  await server.admin((connection) =>
    connection.query(`CREATE DATABASE ${database}; USE ${database};
      CREATE TABLE large (id INT PRIMARY KEY, chosen CHAR(8), words TEXT, INDEX (chosen));
      INSERT INTO large SELECT seq, LEFT(SHA2(seq, 224), 8), REPEAT(SHA2(seq, 512), 8) FROM seq_1_to_${rows};
      CREATE USER backup@'%' IDENTIFIED BY '${benchAccount.password}'; GRANT ALL ON *.* TO backup@'%' WITH GRANT OPTION`),
  );
  bench = await makeMysqlBench(server);
  restores = await makeRestores(server, await bench.files.secret('mysql-account', benchAccount), [database]);
}, 240_000);
afterAll(async () => {
  await Promise.all([server?.stop(), bench?.remove(), restores?.remove()]);
});

test('300 MB of rows that were changed and deleted come back in place, the same', async () => {
  const before = await factsNow(server, database);
  const end = await bench.dump({ mysql: { databases: [database] }, task: { deadlineSeconds: 240 } });
  const copy = join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
  expect((await stat(join(copy, 'dump.sql'))).size).toBeGreaterThan(300_000_000);
  await server.admin((connection) =>
    connection.query(
      `USE ${database}; UPDATE large SET words = 'gone' WHERE id % 1000 = 7; DELETE FROM large WHERE id > 290000`,
    ),
  );
  const restore = await restores.restore('0000000a');
  const { engine, context } = restore;
  await engine.load(context, copy);
  expect(await engine.compare(context, copy)).toMatchObject({ rows, mismatches: [], notWitnessed: [] });
  await restore.swap(copy);
  const readBefore = await rowsRead(server);
  expect(await engine.check(context, copy)).toMatchObject({ rows, mismatches: [], notWitnessed: [] });
  // So much is worth waiting for before it is compared, while nobody waits: it need not be read again.
  expect((await rowsRead(server)) - readBefore).toBeLessThan(rows);
  expect(restore.states).toEqual(['Unavailable', 'Replaced']);
  expect(await factsNow(server, database)).toEqual(before);
}, 300_000);
