import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outcomeOf, type AgentEnd } from './support/agent.ts';
import { makeDirectory } from './support/directories.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { makeVerifyBench, reasonOf, type MysqlVerifyBench } from './support/mysql-verify.ts';

/** Accounts of host names are in the facts: neither server passes them over. */
const resolving = ['--skip-name-resolve=0'];

let source: MariadbServer;
let scratch: MariadbServer;
let bench: MysqlBench;
let verify: MysqlVerifyBench;
let end: AgentEnd;
let copy: string;
let directory: Awaited<ReturnType<typeof makeDirectory>>;

beforeAll(async () => {
  source = await startMariadb(resolving);
  await source.prepare({ database: benchDatabase, ...benchAccount, rows: 5 });
  await source.admin((connection) =>
    connection.query(`GRANT SELECT ON mysql.* TO backup@'%'; CREATE DATABASE other; CREATE TABLE other.t (a INT);
      CREATE TABLE agama.dropped (a INT); CREATE FUNCTION other.f() RETURNS INT RETURN 1;
      CREATE USER shop@'app.example.com' IDENTIFIED BY 'secret' REQUIRE SSL WITH MAX_USER_CONNECTIONS 7;
      CREATE ROLE reader; CREATE ROLE boss; GRANT reader TO boss WITH ADMIN OPTION; GRANT boss TO shop@'app.example.com';
      GRANT SELECT (id), UPDATE (name) ON agama.customers TO shop@'app.example.com';
      GRANT EXECUTE ON FUNCTION agama.doubled TO reader; GRANT DELETE ON agama.customers TO reader;
      GRANT SELECT ON other.t TO shop@'app.example.com'; GRANT EXECUTE ON FUNCTION other.f TO reader;
      GRANT SELECT ON agama.dropped TO reader; DROP TABLE agama.dropped; GRANT INSERT ON nowhere.* TO reader;
      CREATE DEFINER=shop@'app.example.com' VIEW agama.of_shop AS SELECT id FROM agama.customers;
      CREATE DEFINER=nobody@nowhere VIEW agama.of_nobody AS SELECT 1 AS one;
      CREATE USER root@'10.%' IDENTIFIED BY 'other'; GRANT ALL PRIVILEGES ON *.* TO root@'10.%';
      REVOKE SHUTDOWN ON *.* FROM root@localhost; ALTER USER root@localhost IDENTIFIED BY ''`),
  );
  bench = await makeMysqlBench(source);
  end = await bench.dump({ mysql: { accounts: true } });
}, 120_000);
afterAll(() => Promise.all([source?.stop(), bench?.remove()]));
beforeEach(async () => {
  directory = await makeDirectory();
  copy = join(directory.path, 'copy');
  await cp(join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none'), copy, { recursive: true });
  scratch = await startMariadb(resolving);
  verify = await makeVerifyBench(scratch.socket);
  await verify.engine.start(verify.context);
});
afterEach(() => Promise.all([scratch?.stop(), verify?.remove(), directory?.remove()]));

test('accounts are those of the source, root included, and what cannot load is said at the dump', async () => {
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(end.result.newest.localCopy?.notCovered).toContain(
    'accounts with grants on tables or routines that are not in the backup: boss, reader, shop@app.example.com',
  );
  const compared = await verify.verify(copy);
  expect(compared).toMatchObject({ mismatches: [], notWitnessed: [] });
  // A second backup after the first.
  await verify.engine.clear(verify.context);
  expect(await verify.verify(copy)).toEqual(compared);
  expect(await verify.engine.query(verify.context, copy, 'SELECT COUNT(*) FROM of_shop')).toBe('5');
});

test('no hash of a password is said', async () => {
  await verify.verify(copy);
  const written = await readFile(join(copy, 'accounts.sql'), 'utf8');
  await writeFile(join(copy, 'accounts.sql'), written.replace(/CREATE USER (IF NOT EXISTS `backup`)/, 'CREATE USR $1'));
  await verify.engine.clear(verify.context);
  const failure: unknown = await verify.engine.load(verify.context, copy).catch((error: unknown) => error);
  expect(String(failure)).toContain('ERROR 1064');
  expect([...verify.log, String(failure)].join('\n')).not.toMatch(/\*[0-9A-F]{40}/);
});

test.each([
  { what: 'cut', change: (text: string) => text.slice(0, text.length / 2), expected: 'BackupNotLoadable' },
  {
    what: 'refused',
    change: (text: string) => text.replace('CREATE ROLE', 'CREATE ROLL'),
    expected: 'BackupNotLoadable',
  },
])('a file of accounts that is $what does not load', async ({ change, expected }) => {
  const path = join(copy, 'accounts.sql');
  await writeFile(path, change(await readFile(path, 'utf8')));
  expect(await reasonOf(verify.verify(copy))).toBe(expected);
});

test('an account that is missing, more, or may do something else is named', async () => {
  await verify.engine.load(verify.context, copy);
  await scratch.admin((connection) =>
    connection.query(`DROP USER shop@'app.example.com'; CREATE USER more@localhost; GRANT DELETE ON agama.* TO reader;
      REVOKE DELETE ON agama.customers FROM reader`),
  );
  expect((await verify.engine.compare(verify.context, copy)).mismatches).toEqual([
    // What its role may do is shown as its own.
    'account boss (role): other grants',
    'account reader (role): other grants',
    'account shop@app.example.com: missing',
    'account more@localhost: not in the source',
  ]);
});

test('accounts that changed while they were dumped are not witnessed', async () => {
  const path = join(copy, 'facts.json');
  const facts: Record<string, unknown> = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...facts, accounts: { unknown: 'they changed' } }));
  expect((await verify.verify(copy)).notWitnessed).toEqual(['accounts: they changed']);
});

test('the accounts that views run as need not be there', async () => {
  const without = await bench.dump();
  expect(outcomeOf(without)).toBe('Succeeded');
  const directory = join(bench.files.claim, 'copies', without.result.newest.localCopy?.name ?? 'none');
  expect(await verify.verify(directory)).toMatchObject({ mismatches: [], notWitnessed: [] });
});

test('a backup without its file of accounts is damaged', async () => {
  await rm(join(copy, 'accounts.sql'));
  expect(await reasonOf(verify.verify(copy))).toBe('BackupDamaged');
});
