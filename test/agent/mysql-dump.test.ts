import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { contentOf, contentQuery, type ContentAnswer } from '../../src/agent/engines/mysql/content-query.ts';
import { ledger } from '../../src/agent/ledger.ts';
import { outcomeOf, runAgent } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { factsIn, factsNow } from './support/mysql-facts.ts';
import { makeDumpTask, makePolicyFiles, type PolicyFiles } from './support/policy-files.ts';
import { subject } from '../support/subject.ts';

const database = 'agama';
const account = { username: 'backup', password: 'correct horse' };

let source: MariadbServer;
let target: MariadbServer;
let files: PolicyFiles;

beforeAll(async () => {
  [source, target] = await Promise.all([startMariadb(), startMariadb()]);
  await source.prepare({ database, ...account });
});
afterAll(() => Promise.all([source?.stop(), target?.stop()]));
beforeEach(async () => {
  files = await makePolicyFiles();
});
afterEach(() => files?.remove());

const dump = async (databases: readonly string[] = [database]) => {
  const credentials = await files.secret('mysql-account', account);
  const { host, port } = source;
  const end = await runAgent('dump', makeDumpTask(files, { host, port, databases: [...databases], credentials }));
  const name = end.result.newest.localCopy?.name ?? 'none';
  return { end, name, directory: join(files.claim, 'copies', name) };
};

const factsOf = (server: MariadbServer) => factsNow(server, database);

test('a local copy is complete, in the ledger with sizes and digests, and known by its facts', async () => {
  const { end, directory, name } = await dump();
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(end.exitCode).toBe(0);
  expect(end.result.made).toBe('LocalCopy');
  expect(end.result.notes).toEqual([]);

  const dumped = await readFile(join(directory, 'dump.sql'));
  const factsText = await readFile(join(directory, 'facts.json'));
  expect(dumped.toString().trimEnd().split('\n').at(-1)).toBe('-- Dump completed');
  const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
  expect(end.result.newest.localCopy).toMatchObject({
    factsDigest: sha256(factsText),
    sizeBytes: dumped.length + factsText.length,
    jobName: 'policy-job-1',
  });
  const written = ledger.parse(JSON.parse(await readFile(join(files.claim, 'ledger.json'), 'utf8')));
  expect(written.copies).toEqual([
    {
      ...end.result.newest.localCopy,
      source: subject.source,
      holding: written.copies[0]?.holding,
      server: expect.stringMatching(/^mariadb 10\.11\.\d+$/),
      files: [
        { name: 'dump.sql', size: dumped.length, sha256: sha256(dumped) },
        { name: 'facts.json', size: factsText.length, sha256: sha256(factsText) },
      ],
    },
  ]);
  // By name, in the ledger alone, for the next dump to be compared with.
  const held = written.copies[0]?.holding ?? [];
  expect(held.filter((each) => /\.(customers|nothing)$/.test(each))).toEqual([expect.stringMatching(/\.customers$/)]);
  expect(written.runs).toMatchObject([{ jobName: 'policy-job-1', kind: 'LocalCopy', outcome: 'Succeeded' }]);
  expect(name).toMatch(/^\d{8}T\d{6}Z$/);
});

test('the facts of the dump are those of the source, and of the server that the dump was loaded into', async () => {
  const { directory } = await dump();
  const facts = await factsIn(directory);
  const tables = facts.databases[0]?.tables ?? [];
  const known = Object.fromEntries(tables.map((table) => [table.name, 'rows' in table.content && table.content.rows]));
  expect(known).toEqual({
    customers: 500,
    history: 3,
    no_key: 3,
    nothing: 0,
    numbers: false,
    'odd `name': 1,
    oddities: 3,
  });
  const [named] = facts.databases;
  const names = [named?.views, named?.triggers, named?.routines, named?.events].map((all) =>
    all?.map(({ name }) => name),
  );
  expect(names).toEqual([['rich'], ['stamp'], ['doubled', 'wipe'], ['nightly']]);

  expect(facts.databases).toEqual(await factsOf(source));
  await target.load(join(directory, 'dump.sql'));
  expect(await factsOf(target)).toEqual(facts.databases);
});

test.each([
  { what: 'one character', statement: `UPDATE customers SET name = REPLACE(name, 'Õun 7 ', 'Oun 7 ') WHERE id = 7` },
  { what: 'one bit of a blob', statement: 'UPDATE oddities SET b = 0x00ff0a0d1a27225d WHERE id = 1' },
  { what: 'NULL for an empty text', statement: `UPDATE oddities SET l1 = NULL WHERE id = 2` },
  { what: 'two values that change places', statement: 'UPDATE no_key SET a = 2, b = 1 WHERE a IS NOT NULL LIMIT 1' },
  { what: 'a lost row of two equal ones', statement: 'DELETE FROM no_key WHERE a = 1 LIMIT 1' },
  { what: 'a hidden column', statement: 'UPDATE oddities SET hidden = 8 WHERE id = 2' },
  { what: 'one second', statement: `UPDATE oddities SET ts = '1970-01-01 00:00:02' WHERE id = 3` },
  { what: 'a point in space', statement: `UPDATE oddities SET g = ST_GeomFromText('POINT(1.5 2)') WHERE id = 1` },
  { what: 'a past row', statement: 'SET @@system_versioning_alter_history = KEEP; DELETE HISTORY FROM history' },
  { what: 'an index', statement: 'ALTER TABLE customers DROP INDEX name' },
  { what: 'a trigger', statement: 'DROP TRIGGER stamp' },
  { what: 'a comment in a routine', statement: `ALTER FUNCTION doubled COMMENT 'another'` },
  { what: 'a view', statement: 'CREATE OR REPLACE VIEW rich AS SELECT id, 1 AS twice FROM customers' },
  { what: 'a counter', statement: 'ALTER TABLE customers AUTO_INCREMENT = 90000' },
  { what: 'the steps of a sequence', statement: 'ALTER SEQUENCE numbers INCREMENT BY 3' },
  { what: 'the value of a sequence', statement: 'SELECT SETVAL(numbers, 5000)' },
  { what: 'an event', statement: 'ALTER EVENT nightly DISABLE' },
])('facts differ after a change of $what', async ({ statement }) => {
  await target.prepare({ database, ...account });
  const before = await factsOf(target);
  await target.admin((connection) =>
    connection.query(`USE ${database}; SET time_zone = '+00:00'; SET @@timestamp = 2000000000; ${statement}`),
  );
  expect(await factsOf(target)).not.toEqual(before);
});

test('facts do not depend on the order of rows', async () => {
  await target.prepare({ database, ...account });
  const before = await factsOf(target);
  await target.admin((connection) =>
    connection.query(`USE ${database};
      DELETE FROM no_key WHERE a IS NULL; INSERT INTO no_key VALUES (NULL, 2);
      ALTER TABLE no_key ORDER BY b DESC, a DESC`),
  );
  expect(await factsOf(target)).toEqual(before);
});

test('dumping twice gives the same bytes', async () => {
  const first = await dump();
  const second = await dump();
  expect(second.name).not.toBe(first.name);
  const read = ({ directory }: { directory: string }) => readFile(join(directory, 'dump.sql'), 'utf8');
  expect(await read(second)).toBe(await read(first));
  expect((await stat(join(first.directory, 'dump.sql'))).mode & 0o007).toBe(0);
});

test('several databases are one dump', async () => {
  await source.admin((connection) =>
    connection.query(`CREATE OR REPLACE DATABASE \`second-db\`; CREATE TABLE \`second-db\`.t (a INT PRIMARY KEY);
      GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON \`second-db\`.* TO backup@'%'`),
  );
  const { end, directory } = await dump([database, 'second-db']);
  expect(outcomeOf(end)).toBe('Succeeded');
  expect((await factsIn(directory)).databases.map(({ name }) => name)).toEqual([database, 'second-db']);
});

test('tables without snapshots are named', async () => {
  await source.admin((connection) =>
    connection.query(`CREATE TABLE ${database}.old (a INT) ENGINE=MyISAM; INSERT INTO ${database}.old VALUES (1)`),
  );
  const { end, directory } = await dump();
  await source.admin((connection) => connection.query(`DROP TABLE ${database}.old`));
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(end.result.notes).toMatchObject([{ reason: 'NotCovered', message: expect.stringContaining('agama.old') }]);
  const old = (await factsIn(directory)).databases[0]?.tables.find(({ name }) => name === 'old');
  expect(old?.content).toEqual({ unknown: 'engine MyISAM has no snapshot' });
});

test('a value that the server gives up on makes the content Unknown, and large values do not', async () => {
  const big = "LineStringFromText(CONCAT('LINESTRING(', GROUP_CONCAT(CONCAT(seq, ' 1')), ')'))";
  await target.admin((connection) =>
    connection.query(`DROP DATABASE IF EXISTS ${database}; CREATE DATABASE ${database}; USE ${database};
      CREATE TABLE large (id INT PRIMARY KEY, t LONGTEXT, g GEOMETRY);
      SET SESSION group_concat_max_len = 100000000;
      INSERT INTO large SELECT 1, REPEAT('x', 3000000), ${big} FROM seq_1_to_100000;
      SET GLOBAL max_allowed_packet = 1048576`),
  );
  const columns = [{ name: 't', type: 'a type to come', generated: false }];
  const query = contentQuery({ database, table: 'large', columns, history: false });
  const answers = await target.admin((connection) => connection.query<ContentAnswer[]>(query));
  const [{ tables } = { tables: [] }] = await factsOf(target);
  await target.admin((connection) => connection.query('SET GLOBAL max_allowed_packet = 67108864'));
  expect(answers.map(contentOf)).toEqual([{ unknown: 'the server could not hash every value' }]);
  expect(tables).toMatchObject([
    { name: 'large', content: { rows: 1, checksum: expect.stringMatching(/^[1-9]\d+$/) } },
  ]);
});
