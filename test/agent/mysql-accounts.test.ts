import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outcomeOf, type AgentEnd } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { factsIn } from './support/mysql-facts.ts';
import { makePrograms } from './support/programs.ts';

/** What the sample database is known for. */
const rounded = 'FLOAT beyond 6 digits, rounded: agama.oddities.f';
const wanted = { mysql: { accounts: true } } as const;

let source: MariadbServer;
let target: MariadbServer;
let bench: MysqlBench;

beforeAll(async () => {
  [source, target] = await Promise.all([startMariadb(), startMariadb()]);
  // Accounts of host names are left from the installation: a server that resolves no names passes them over.
  await source.admin((connection) =>
    connection.query("DELETE FROM mysql.global_priv WHERE Host NOT IN ('', '%', 'localhost'); FLUSH PRIVILEGES"),
  );
  await source.prepare({ database: benchDatabase, ...benchAccount, rows: 5 });
  await source.admin((connection) =>
    connection.query(`GRANT SELECT ON mysql.* TO backup@'%';
      CREATE USER shop@'10.%' IDENTIFIED BY 'shop''s secret' REQUIRE SSL WITH MAX_USER_CONNECTIONS 7;
      GRANT SELECT, INSERT ON agama.* TO shop@'10.%' WITH GRANT OPTION;
      GRANT SELECT (id), UPDATE (name) ON agama.customers TO shop@'10.%';
      GRANT EXECUTE ON FUNCTION agama.doubled TO shop@'10.%';
      CREATE ROLE reader; GRANT SELECT ON agama.* TO reader; GRANT reader TO shop@'10.%';
      SET DEFAULT ROLE reader FOR shop@'10.%';
      CREATE ROLE \`ro'le\`; GRANT reader TO \`ro'le\`;
      CREATE USER \`o'dd "\`\`\\\\ $x\`@'%' IDENTIFIED BY 'x'; GRANT USAGE ON *.* TO \`o'dd "\`\`\\\\ $x\`@'%';
      CREATE USER locked@localhost IDENTIFIED VIA unix_socket ACCOUNT LOCK;
      CREATE DEFINER=shop@'10.%' PROCEDURE agama.of_shop() SELECT 1;
      CREATE DEFINER=nobody@nowhere PROCEDURE agama.of_nobody() SELECT 1`),
  );
}, 60_000);
afterAll(() => Promise.all([source?.stop(), target?.stop()]));
beforeEach(async () => {
  bench = await makeMysqlBench(source);
});
afterEach(() => bench?.remove());

const copyOf = ({ result }: AgentEnd): string =>
  join(bench.files.claim, 'copies', result.newest.localCopy?.name ?? 'none');

/** How the server itself shows every account, its password's hash and its grants. */
const shown = ({ admin }: MariadbServer): Promise<string[]> =>
  admin(async (connection) => {
    const query = (sql: string) => connection.query<Record<string, string>[]>(sql);
    const rows = await query(
      "SELECT User, Host, is_role, default_role FROM mysql.user WHERE User NOT IN ('root', 'PUBLIC') AND Host IN ('', '%', '10.%', 'localhost')",
    );
    const lines: string[] = [];
    for (const { User = '', Host = '', is_role: role, default_role: chosen } of rows) {
      const name = `\`${User.replaceAll('`', '``')}\`${role === 'Y' ? '' : `@\`${Host}\``}`;
      const created = role === 'Y' ? [] : await query(`SHOW CREATE USER ${name}`);
      const grants = await query(`SHOW GRANTS FOR ${name}`);
      lines.push(...[...created, ...grants].flatMap((row) => Object.values(row)), `${name} default ${chosen}`);
    }
    return lines.toSorted();
  });

test('users, roles and grants are in a file of their own, and the same once loaded', async () => {
  const end = await bench.dump(wanted);
  expect(outcomeOf(end)).toBe('Succeeded');
  const facts = await factsIn(copyOf(end));
  expect(facts.accounts).toEqual(
    expect.arrayContaining([
      { user: 'shop', host: '10.%', role: false, grants: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { user: 'reader', host: '', role: true, grants: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]),
  );
  await target.load(join(copyOf(end), 'dump.sql'));
  await target.load(join(copyOf(end), 'accounts.sql'));
  expect(await shown(target)).toEqual(await shown(source));
});

test('no hash of a password is in facts, log, result or ledger', async () => {
  const end = await bench.dump(wanted);
  const hash = /\*[0-9A-F]{40}/;
  expect(await readFile(join(copyOf(end), 'accounts.sql'), 'utf8')).toMatch(hash);
  const texts = {
    facts: await readFile(join(copyOf(end), 'facts.json'), 'utf8'),
    log: end.log,
    result: JSON.stringify(end.result),
    ledger: await readFile(join(bench.files.claim, 'ledger.json'), 'utf8'),
  };
  for (const text of Object.values(texts)) expect(text).not.toMatch(hash);
});

test('dumping twice gives the same bytes; a change of grants, not of a password, shows in the facts', async () => {
  const taken = async () => {
    const end = await bench.dump(wanted);
    const { accounts } = await factsIn(copyOf(end));
    return { accounts, file: await readFile(join(copyOf(end), 'accounts.sql'), 'utf8') };
  };
  const [first, second] = [await taken(), await taken()];
  expect(second).toEqual(first);
  await source.admin((connection) => connection.query("ALTER USER shop@'10.%' IDENTIFIED BY 'another'"));
  const third = await taken();
  expect(third.accounts).toEqual(first.accounts);
  expect(third.file).not.toBe(first.file);
  await source.admin((connection) => connection.query("GRANT DELETE ON agama.* TO shop@'10.%'"));
  expect((await taken()).accounts).not.toEqual(first.accounts);
}, 60_000);

test('what runs as an account that is not in the backup is named', async () => {
  const without = await bench.dump();
  expect(without.result.newest.localCopy?.notCovered).toEqual([
    rounded,
    'accounts (accounts is not set) that views, routines, triggers or events run as: nobody@nowhere, shop@10.%',
  ]);
  const end = await bench.dump(wanted);
  expect(end.result.newest.localCopy?.notCovered).toEqual([
    rounded,
    'definers that are no accounts of the server: nobody@nowhere',
  ]);
  expect((await factsIn(copyOf(end))).notCovered).toEqual(end.result.newest.localCopy?.notCovered);
});

test('an account that may not read the accounts is told which privilege it lacks', async () => {
  await source.admin((connection) => connection.query("REVOKE SELECT ON mysql.* FROM backup@'%'"));
  const end = await bench.dump(wanted);
  await source.admin((connection) => connection.query("GRANT SELECT ON mysql.* TO backup@'%'"));
  expect(outcomeOf(end)).toBe('Failed: PrivilegeMissing at Connect');
  expect(end.result.failure?.message).toContain('SELECT on mysql.*');
});

test('an account that mariadb-dump fails on is named at once', async () => {
  await source.admin((connection) => connection.query("CREATE USER old@'app.example.com'; FLUSH PRIVILEGES"));
  const end = await bench.dump(wanted);
  await source.admin((connection) =>
    connection.query("DELETE FROM mysql.global_priv WHERE User = 'old'; FLUSH PRIVILEGES"),
  );
  expect(outcomeOf(end)).toBe('Failed: SourceNotSupported at Connect');
  expect(end.result.failure?.message).toContain('`old`@`app.example.com`');
});

test('accounts that change while they are dumped are Unknown', async () => {
  const grant = `mariadb --no-defaults --user=root --socket=${source.socket} --execute='GRANT DROP ON agama.* TO reader'`;
  const programs = await makePrograms({
    'mariadb-dump': `/usr/bin/mariadb-dump "$@"; status=$?; case "$*" in *--system*) ${grant};; esac; exit $status`,
  });
  try {
    const end = await bench.dump({ ...wanted, programs: programs.path });
    expect(outcomeOf(end)).toBe('Succeeded');
    expect((await factsIn(copyOf(end))).accounts).toEqual({ unknown: expect.stringContaining('changed') });
  } finally {
    await programs.remove();
  }
});

describe('a dump of the accounts that is not whole never counts', () => {
  test.each([
    { what: 'is cut', script: '/usr/bin/mariadb-dump "$@" | head -n 20', expected: 'DumpTruncated at Dump' },
    { what: 'lacks an account', script: '/usr/bin/mariadb-dump "$@" | grep -v shop', expected: 'DumpFailed at Dump' },
    { what: 'lacks a role', script: '/usr/bin/mariadb-dump "$@" | grep -v reader', expected: 'DumpFailed at Dump' },
    { what: 'fails', script: 'echo "mariadb-dump: Got error: 1356" >&2; exit 2', expected: 'DumpFailed at Dump' },
    { what: 'is empty', script: 'exit 0', expected: 'DumpTruncated at Dump' },
  ])('$what', async ({ script, expected }) => {
    const programs = await makePrograms({
      'mariadb-dump': `case "$*" in *--system*) ${script};; *) exec /usr/bin/mariadb-dump "$@";; esac`,
    });
    try {
      expect(outcomeOf(await bench.dump({ ...wanted, programs: programs.path }))).toBe(`Failed: ${expected}`);
      expect(await bench.copies()).toEqual([]);
    } finally {
      await programs.remove();
    }
  });
});
