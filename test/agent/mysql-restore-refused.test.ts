import { join } from 'node:path';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { factsNow } from './support/mysql-facts.ts';
import { makeRestores, type MysqlRestores } from './support/mysql-restore.ts';
import { reasonOf } from './support/mysql-verify.ts';

let server: MariadbServer;
let bench: MysqlBench;
let restores: MysqlRestores;
let copy: string;

const sql = (...statements: readonly string[]): Promise<void> =>
  server.admin(async (connection) => {
    for (const statement of statements) await connection.query(statement);
  });

const names = (): Promise<string[]> =>
  server.admin(async (connection) =>
    (await connection.query<{ Database: string }[]>('SHOW DATABASES')).map((row) => row.Database),
  );

beforeAll(async () => {
  server = await startMariadb();
  await sql(
    'CREATE DATABASE agama',
    'CREATE SEQUENCE agama.ids',
    'CREATE TABLE agama.orders (id INT DEFAULT NEXTVAL(agama.ids) PRIMARY KEY, v INT)',
    'INSERT INTO agama.orders (v) VALUES (1), (2)',
    'USE agama',
    'CREATE TRIGGER stamp BEFORE INSERT ON orders FOR EACH ROW SET NEW.v = 7',
    'CREATE VIEW agama.some AS SELECT id FROM agama.orders',
    'CREATE FUNCTION agama.one() RETURNS INT RETURN 1',
    'CREATE DATABASE other',
    `CREATE USER backup@'%' IDENTIFIED BY '${benchAccount.password}'`,
    "GRANT ALL ON *.* TO backup@'%' WITH GRANT OPTION",
  );
  bench = await makeMysqlBench(server);
  const end = await bench.dump();
  copy = join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
  restores = await makeRestores(server, await bench.files.secret('mysql-account', benchAccount), ['agama']);
}, 120_000);
afterAll(async () => {
  await Promise.all([server?.stop(), bench?.remove(), restores?.remove()]);
});

describe('what cannot be exchanged is refused before anything is touched', () => {
  test.each([
    {
      reason: 'a foreign key from another database',
      make: ['CREATE TABLE other.t (o INT, FOREIGN KEY (o) REFERENCES agama.orders (id))'],
      undo: ['DROP TABLE other.t'],
    },
    {
      reason: 'a foreign key to another database',
      make: [
        'CREATE TABLE other.p (id INT PRIMARY KEY)',
        'CREATE TABLE agama.t (o INT, FOREIGN KEY (o) REFERENCES other.p (id))',
      ],
      undo: ['DROP TABLE agama.t', 'DROP TABLE other.p'],
    },
    {
      reason: 'a foreign key to a table that is gone',
      make: [
        'CREATE TABLE agama.p (id INT PRIMARY KEY)',
        'CREATE TABLE agama.t (o INT, FOREIGN KEY (o) REFERENCES p (id))',
        'SET foreign_key_checks = 0',
        'DROP TABLE agama.p',
      ],
      undo: ['DROP TABLE agama.t'],
    },
    {
      reason: 'an engine that is but a reference',
      make: [
        'CREATE TABLE agama.m1 (a INT) ENGINE=MyISAM',
        'CREATE TABLE agama.m (a INT) ENGINE=MERGE UNION=(agama.m1)',
      ],
      undo: ['DROP TABLE agama.m, agama.m1'],
    },
    {
      reason: 'an event that mariadb-dump never ends on',
      make: ["CREATE EVENT agama.e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT ';;'"],
      undo: ['DROP EVENT agama.e'],
    },
    { reason: 'a replica', make: ['SET GLOBAL read_only = 1'], undo: ['SET GLOBAL read_only = 0'] },
  ])(
    '$reason',
    async ({ make, undo }) => {
      await sql(...make);
      try {
        const { engine, context, states, swap } = await restores.restore('00000001');
        expect(await reasonOf(engine.look(context, copy))).toBe('DestinationUnsupported');
        expect(await reasonOf(swap(copy))).toBe('DestinationUnsupported');
        expect(states).toEqual([]);
        expect((await names()).filter((name) => name.startsWith('holdfast_'))).toEqual([]);
      } finally {
        await sql(...undo);
      }
    },
    60_000,
  );
});

test('a right that is missing is named', async () => {
  await sql(
    "CREATE USER less@'%' IDENTIFIED BY 'x'",
    "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON agama.* TO less@'%'",
  );
  const credentials = await bench.files.secret('less', { username: 'less', password: 'x' });
  const { engine, context } = await restores.restore('00000001', { target: { credentials } });
  await expect(engine.look(context, copy)).rejects.toMatchObject({
    reason: 'PrivilegeMissing',
    detail: expect.stringMatching(/INSERT, CREATE, DROP, ALTER.* on agama\.\*; .*holdfast\\_%\.\*.*SET USER/),
  });
});

test('what fails in the middle is put back', async () => {
  const before = await factsNow(server, 'agama');
  const restore = await restores.restore('00000002');
  await restore.engine.load(restore.context, copy);
  // What came into its place would not be what was recorded.
  await sql('ALTER TABLE holdfast_00000002_new_agama.orders ADD COLUMN more INT');
  expect(await reasonOf(restore.swap(copy))).toBe('ExchangeFailed');
  expect(restore.states).toEqual(['Unavailable', 'PutBack']);
  expect(await factsNow(server, 'agama')).toEqual(before);
  await restore.engine.discardLoaded(restore.context);
  expect((await names()).filter((name) => name.startsWith('holdfast_'))).toEqual([]);
}, 60_000);

test('under another name, and not over what is there', async () => {
  const into = { by: 'Name', name: 'agama_then' } as const;
  const { engine, context } = await restores.restore('00000003', { into });
  await engine.look(context, copy);
  await engine.load(context, copy);
  expect(await engine.compare(context, copy)).toMatchObject({ mismatches: [], notWitnessed: [] });
  expect(await reasonOf(engine.load(context, copy))).toBe('DestinationNotEmpty');
  // What was compared and found equal is no longer ours to remove.
  await engine.discardLoaded(context);
  expect(await names()).toContain('agama_then');
  expect((await factsNow(server, 'agama_then'))[0]?.views).toEqual((await factsNow(server, 'agama'))[0]?.views);
  await sql('DROP DATABASE agama_then');
}, 60_000);

test('not under another name what names its database itself', async () => {
  await sql('CREATE PROCEDURE agama.wipe() DELETE FROM agama.orders');
  try {
    const { result } = await bench.dump();
    const itself = join(bench.files.claim, 'copies', result.newest.localCopy?.name ?? 'none');
    const { engine, context } = await restores.restore('00000005', { into: { by: 'Name', name: 'agama_then' } });
    expect(await reasonOf(engine.load(context, itself))).toBe('DestinationUnsupported');
    expect(await names()).not.toContain('agama_then');
  } finally {
    await sql('DROP PROCEDURE agama.wipe');
  }
}, 60_000);

test('by its own names on another server', async () => {
  const other = await startMariadb();
  try {
    await other.admin((connection) =>
      connection.query("CREATE USER backup@'%' IDENTIFIED BY 'y'; GRANT ALL ON *.* TO backup@'%'"),
    );
    const credentials = await bench.files.secret('other', { username: 'backup', password: 'y' });
    const target = { host: other.host, port: other.port, credentials };
    const { engine, context } = await restores.restore('00000004', { into: { by: 'SameNames' }, target });
    await engine.look(context, copy);
    await engine.load(context, copy);
    expect(await engine.compare(context, copy)).toMatchObject({ mismatches: [], notWitnessed: [] });
    expect(await factsNow(other, 'agama')).toEqual(await factsNow(server, 'agama'));
    expect(await reasonOf(engine.look(context, copy))).toBe('DestinationNotEmpty');
  } finally {
    await other.stop();
  }
}, 60_000);
