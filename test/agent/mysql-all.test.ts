import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ownDatabases } from '../../src/agent/engines/mysql/databases.ts';
import { outcomeOf, type AgentEnd } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { factsIn, factsNow } from './support/mysql-facts.ts';
import { makePrograms } from './support/programs.ts';
import { neededPrivileges } from './support/sample-database.ts';

const everywhere = { mysql: { databases: undefined, all: true } } as const;
const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** Names that mean something to shells, to option parsers, to SQL, or to whoever compares without regard to case. */
const names = [
  '--help',
  '-x',
  'agama',
  'AGAMA',
  'SYS',
  'a b',
  'back`tick',
  'dollar$(id)',
  '%_',
  'select',
  "quote'd",
  'double"',
  'back\\slash',
  'õun ☃',
  '.hidden/..',
  'a.b',
];

let source: MariadbServer;
let target: MariadbServer;
let bench: MysqlBench;

beforeAll(async () => {
  [source, target] = await Promise.all([startMariadb(), startMariadb()]);
  await source.prepare({ database: benchDatabase, ...benchAccount, rows: 20 });
  await source.admin((connection) => connection.query(`GRANT ${neededPrivileges.join(', ')} ON *.* TO backup@'%'`));
}, 60_000);
afterAll(() => Promise.all([source?.stop(), target?.stop()]));
beforeEach(async () => {
  bench = await makeMysqlBench(source);
});
afterEach(async () => {
  await bench?.remove();
});

const databasesOf = async ({ admin }: Pick<MariadbServer, 'admin'>): Promise<string[]> => {
  const rows = await admin((connection) => connection.query<Record<string, string>[]>('SHOW DATABASES'));
  return ownDatabases(rows.flatMap((row) => Object.values(row)));
};

const copyOf = ({ result }: AgentEnd): string =>
  join(bench.files.claim, 'copies', result.newest.localCopy?.name ?? 'none');

test('every database but the system schemas, whatever its name, dumped and loaded with equal facts', async () => {
  for (const name of names.filter((each) => each !== benchDatabase)) {
    await source.admin((connection) =>
      connection.query(`CREATE DATABASE ${quoted(name)}; USE ${quoted(name)};
        CREATE TABLE \`t\`\`'"$ \\ %\` (\`c\`\`'"$ \\\` VARCHAR(40) PRIMARY KEY);
        INSERT INTO \`t\`\`'"$ \\ %\` VALUES ('x'), ('''"\\\\\`');
        CREATE VIEW \`v'"\` AS SELECT * FROM \`t\`\`'"$ \\ %\`;
        CREATE TRIGGER \`tr'"\` BEFORE INSERT ON \`t\`\`'"$ \\ %\` FOR EACH ROW SET @a = 'x';
        CREATE PROCEDURE \`p'"\`() SELECT 1`),
    );
  }
  await source.admin((connection) => connection.query('CREATE DATABASE empty'));
  const expected = [...names, 'empty'].toSorted((a, b) => (a < b ? -1 : 1));
  expect(await databasesOf(source)).toEqual(expected);

  const end = await bench.dump(everywhere);
  expect(outcomeOf(end)).toBe('Succeeded');
  const facts = await factsIn(copyOf(end));
  expect(facts.unknown).toBeUndefined();
  expect(facts.databases.map(({ name }) => name)).toEqual(expected);

  await target.load(join(copyOf(end), 'dump.sql'));
  expect(await databasesOf(target)).toEqual(expected);
  expect(await factsNow(target, ...expected)).toEqual(facts.databases);
  const value = await target.admin((connection) =>
    connection.query<{ n: string }[]>(
      `SELECT GROUP_CONCAT(\`c\`\`'"$ \\\` ORDER BY 1) AS n FROM \`--help\`.\`t\`\`'"$ \\ %\``,
    ),
  );
  expect(value).toEqual([{ n: `'"\\\`,x` }]);
}, 120_000);

test('a database of another case keeps its events and triggers to itself', async () => {
  const end = await bench.dump({ mysql: { databases: ['AGAMA'] } });
  expect(outcomeOf(end)).toBe('Succeeded');
  const [facts] = (await factsIn(copyOf(end))).databases;
  expect(facts?.events).toEqual([]);
  expect(facts?.triggers.map(({ name }) => name)).toEqual([`tr'"`]);
});

test('a database that is made while the dump runs is named, and the rest counts', async () => {
  const mysql = `mariadb --no-defaults --user=root --socket=${source.socket}`;
  const programs = await makePrograms({
    // By then the facts are taken: one that is dropped while they are makes them Unknown.
    'mariadb-dump': `/usr/bin/mariadb-dump "$@"; sleep 5; ${mysql} --execute='CREATE DATABASE meanwhile; DROP DATABASE empty'`,
  });
  try {
    const end = await bench.dump({ ...everywhere, programs: programs.path });
    expect(outcomeOf(end)).toBe('Succeeded');
    expect(end.result.newest.localCopy?.notCovered).toEqual([
      'databases made while the dump ran: meanwhile',
      'FLOAT beyond 6 digits, rounded: agama.oddities.f',
    ]);
    expect(await readFile(join(copyOf(end), 'dump.sql'), 'utf8')).not.toContain('`meanwhile`');
  } finally {
    await programs.remove();
    await source.admin((connection) => connection.query('DROP DATABASE meanwhile; CREATE DATABASE empty'));
  }
}, 60_000);

test('a database that the tool leaves out is missed, also when it is empty', async () => {
  const programs = await makePrograms({
    'mariadb-dump':
      'args=(); for a in "$@"; do [ "$a" = empty ] || args+=("$a"); done; /usr/bin/mariadb-dump "${args[@]}"',
  });
  try {
    const end = await bench.dump({ ...everywhere, programs: programs.path });
    expect(outcomeOf(end)).toBe('Failed: DumpFailed at Check');
    expect(end.result.failure?.message).toContain('database empty');
  } finally {
    await programs.remove();
  }
}, 60_000);

describe('an account that would not see every database', () => {
  test.each(neededPrivileges.filter((privilege) => privilege !== 'EXECUTE'))(
    'lacks %s everywhere',
    async (privilege) => {
      await source.admin((connection) => connection.query(`REVOKE ${privilege} ON *.* FROM backup@'%'`));
      const end = await bench.dump(everywhere);
      await source.admin((connection) => connection.query(`GRANT ${privilege} ON *.* TO backup@'%'`));
      expect(outcomeOf(end)).toBe('Failed: PrivilegeMissing at Connect');
      expect(end.result.failure?.message).toContain(`lacks ${privilege} on *.*`);
    },
  );
});

test('a server without a database is a failure, not an empty success', async () => {
  const bare = await startMariadb();
  try {
    await bare.prepare({ database: benchDatabase, ...benchAccount, rows: 1 });
    await bare.admin((connection) =>
      connection.query(`DROP DATABASE agama; GRANT ${neededPrivileges.join(', ')} ON *.* TO backup@'%'`),
    );
    const end = await bench.dump({ mysql: { ...everywhere.mysql, port: bare.port } });
    expect(outcomeOf(end)).toBe('Failed: DatabaseNotFound at Connect');
    expect(await bench.copies()).toEqual([]);
  } finally {
    await bare.stop();
  }
}, 60_000);

describe('an event that mariadb-dump cannot write is told at once', () => {
  const body = `CREATE EVENT agama.e ON SCHEDULE EVERY 1 DAY DO SELECT 'a;;b'`;
  test.each([
    { database: 'agama', statement: body, words: 'event agama.e', reason: 'a body with ";;"' },
    {
      database: 'agama',
      statement: `CREATE EVENT agama.e ON SCHEDULE EVERY 1 DAY COMMENT 'a;;b' DO SELECT 1`,
      words: '";;"',
      reason: 'a comment with ";;"',
    },
    {
      database: 'agama',
      statement: 'CREATE EVENT agama.`e;;e` ON SCHEDULE EVERY 1 DAY DO SELECT 1',
      words: '";;"',
      reason: 'a name with ";;"',
    },
    ...["quote'd", 'double"', 'back\\slash'].map((database) => ({
      database,
      statement: `CREATE EVENT ${quoted(database)}.e ON SCHEDULE EVERY 1 DAY DO SELECT 1`,
      words: `event ${database}.e`,
      reason: `a database named ${database}`,
    })),
  ])('$reason', async ({ database, statement, words }) => {
    const event = statement.includes('`e;;e`') ? '`e;;e`' : 'e';
    await source.admin((connection) => connection.query(statement));
    const end = await bench.dump(everywhere);
    await source.admin((connection) => connection.query(`DROP EVENT ${quoted(database)}.${event}`));
    expect(outcomeOf(end)).toBe('Failed: SourceNotSupported at Connect');
    expect(end.result.failure?.message).toContain(words);
    expect(end.seconds).toBeLessThan(20);
  });
});
