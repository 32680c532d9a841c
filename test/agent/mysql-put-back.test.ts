import { execa } from 'execa';
import { join } from 'node:path';
import { failureOf, puttingBack } from './support/engine-restore-bench.ts';
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
let ids = 0;

const sql = (statements: readonly string[]): Promise<void> =>
  server.admin(async (connection) => {
    for (const statement of statements) await connection.query(statement);
  });

beforeAll(async () => {
  server = await startMariadb(['--event-scheduler=OFF']);
  await sql([
    ...nastyStatements({ smallTables: 50, largeRowMegabytes: 2, kilobyteRows: 500 }),
    `CREATE USER backup@'%' IDENTIFIED BY '${benchAccount.password}'`,
    "GRANT ALL ON *.* TO backup@'%' WITH GRANT OPTION",
    "CREATE USER clerk@'%'",
    'CREATE DATABASE IF NOT EXISTS later',
  ]);
  bench = await makeMysqlBench(server);
  const end = await bench.dump({ mysql: { databases }, task: { deadlineSeconds: 300 } });
  copy = join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
  restores = await makeRestores(server, await bench.files.secret('mysql-account', benchAccount), databases);
}, 300_000);
afterAll(async () => {
  await Promise.all([server?.stop(), bench?.remove(), restores?.remove()]);
});

const nextId = (): string => (ids += 1).toString(16).padStart(8, 'a');

const ours = (): Promise<string[]> =>
  server.admin(async (connection) =>
    (await connection.query<{ Database: string }[]>("SHOW DATABASES LIKE 'holdfast%'"))
      .flatMap((row) => Object.values(row))
      .toSorted(),
  );

/** What is in the databases, told by programs that a restore has no part in. */
const seen = async (names = databases): Promise<object> => {
  const tables = await server.admin((connection) =>
    connection.query<{ db: string; name: string }[]>(
      "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA IN (?) AND TABLE_TYPE <> 'VIEW' ORDER BY 1, 2",
      [names],
    ),
  );
  const quoted = tables.map(({ db, name }) => `\`${db.replaceAll('`', '``')}\`.\`${name.replaceAll('`', '``')}\``);
  const checksums = await server.admin((connection) =>
    connection.query<object[]>(`CHECKSUM TABLE ${quoted.join(', ')} EXTENDED`),
  );
  const dumped = await execa('mariadb-dump', [
    '--no-defaults',
    '--user=root',
    `--socket=${server.socket}`,
    '--skip-dump-date',
    '--routines',
    '--events',
    '--triggers',
    '--hex-blob',
    '--no-data',
    '--databases',
    '--',
    ...names,
  ]);
  const grants = await server.admin((connection) =>
    connection.query<object[]>('SELECT User, Db, Routine_name, Proc_priv FROM mysql.procs_priv ORDER BY 1, 2, 3'),
  );
  return {
    checksums: JSON.parse(JSON.stringify(checksums, big)),
    dump: dumped.stdout.split('\n'),
    grants: JSON.parse(JSON.stringify(grants)),
  };
};

const big = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

test('what a restore set aside is put back, the same; and what that replaced is set aside in its turn', async () => {
  await sql([
    `USE ${plainDatabase}`,
    'UPDATE numbers SET big = 1',
    'DROP VIEW a_top',
    'DROP PROCEDURE several',
    'CREATE TABLE not_in_the_backup (a INT PRIMARY KEY)',
    'INSERT INTO not_in_the_backup VALUES (1), (2)',
    'CREATE PROCEDURE later() SELECT 1',
    "GRANT EXECUTE ON PROCEDURE later TO clerk@'%'",
    'CREATE VIEW later_view AS SELECT a FROM not_in_the_backup',
  ]);
  const before = await seen();
  const first = await restores.restore(nextId());
  expect(await first.inPlace(copy)).toEqual(equal);
  const restored = await seen();
  expect(restored).not.toEqual(before);
  const from = first.context.task.id;

  const second = await restores.restore(nextId());
  const looked = await puttingBack(second.engine, { id: from, count: 3 }).look(second.context, copy);
  expect(looked).toMatchObject({
    found: { present: true, missing: [], missingCount: 0 },
    copy: { objects: expect.any(Number), rows: expect.any(Number) },
  });
  expect(await second.putBack(from)).toEqual(equal);
  expect(second.states).toEqual(['Unavailable', 'Replaced']);
  expect(await seen()).toEqual(before);
  // Of the first nothing is left but its record, and that goes when its time is over.
  expect((await ours()).filter((name) => name.includes(from))).toEqual([`holdfast_${from}_exchange`]);
  await first.engine.discardSafetyCopy(first.context);
  expect(await seen()).toEqual(before);

  const third = await restores.restore(nextId());
  expect(await third.putBack(second.context.task.id)).toEqual(equal);
  expect({ ...(await seen()), grants: [] }).toEqual({ ...restored, grants: [] });
  for (const each of [second, third]) await each.engine.discardSafetyCopy(each.context);
  expect(await ours()).toEqual([]);
}, 300_000);

test('a database that was not there then is gone again, and one that was is back', async () => {
  // A view of another database that led into it would not work.
  await sql([`DROP VIEW \`${oddDatabase.replaceAll('`', '``')}\`.across`, `DROP DATABASE ${plainDatabase}`]);
  const before = await seen(databases.slice(1));
  const first = await restores.restore(nextId());
  expect(await first.inPlace(copy)).toEqual(equal);
  const second = await restores.restore(nextId());
  expect(await second.putBack(first.context.task.id)).toEqual(equal);
  const there = await server.admin((connection) =>
    connection.query<object[]>(`SHOW DATABASES LIKE '${plainDatabase}'`),
  );
  expect([...there]).toEqual([]);
  expect(await seen(databases.slice(1))).toEqual(before);
  const third = await restores.restore(nextId());
  expect(await third.putBack(second.context.task.id)).toEqual(equal);
  expect(await factsNow(server, plainDatabase)).toMatchObject([{ name: plainDatabase }]);
  for (const each of [first, second, third]) await each.engine.discardSafetyCopy(each.context);
  expect(await ours()).toEqual([]);
}, 300_000);

test('views that led to what was gone cannot be made again: that is said, and no more than that is proven', async () => {
  await sql([`DROP TABLE ${plainDatabase}.watched`]);
  const first = await restores.restore(nextId());
  expect(await first.inPlace(copy)).toEqual(equal);
  const second = await restores.restore(nextId());
  const compared = await second.putBack(first.context.task.id);
  expect(compared.mismatches).toEqual([]);
  expect(compared.notWitnessed).toEqual(
    expect.arrayContaining([expect.stringMatching(/^view nasty\.z_base, which did not work when it was set aside/)]),
  );
  await second.engine.recover(second.context);
  expect(await (await restores.restore(nextId())).putBack(second.context.task.id)).toEqual(equal);
  for (const each of [first, second]) await each.engine.discardSafetyCopy(each.context);
}, 300_000);

describe('is refused, and nothing is touched', () => {
  const old = `holdfast_00000bad_old_${plainDatabase}`;

  beforeAll(async () => {
    await sql([`UPDATE ${plainDatabase}.numbers SET big = 2`]);
    await (await restores.restore('00000bad')).inPlace(copy);
  }, 300_000);

  test.each([
    { reason: 'a copy that never was', from: '0000dead', why: /discarded/ },
    {
      reason: 'a table of it is gone',
      damage: [`RENAME TABLE ${old}.numbers TO later.numbers`],
      mend: [`RENAME TABLE later.numbers TO ${old}.numbers`],
      why: /1 of the \d+ tables .* not there: numbers/,
    },
    {
      reason: 'a table is in it that was not',
      damage: [`CREATE TABLE ${old}.more (a INT)`],
      mend: [`DROP TABLE ${old}.more`],
      why: /Somebody has put tables into/,
    },
    {
      reason: 'a table of it is another one',
      damage: [`ALTER TABLE ${old}.numbers ADD COLUMN other INT`],
      mend: [`ALTER TABLE ${old}.numbers DROP COLUMN other`],
      why: /table nasty.numbers: another definition|not as it was then/,
    },
  ])(
    '$reason',
    async ({ from = '00000bad', damage = [], mend = [], why }) => {
      await sql(damage);
      const before = await seen();
      const restore = await restores.restore(nextId());
      const failure = await failureOf(puttingBack(restore.engine, { id: from, count: 3 }).look(restore.context, copy));
      expect(failure).toMatch(/^SafetyCopyUnavailable: /);
      expect(failure).toMatch(why);
      expect(await seen()).toEqual(before);
      await sql(mend);
    },
    120_000,
  );
});
