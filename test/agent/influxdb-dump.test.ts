import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { outcomeOf } from './support/agent.ts';
import { change, dropDatabases, startInfluxdb, type InfluxdbServer } from './support/influxdb.ts';
import { benchDatabase, factsNow, makeInfluxdbBench, type InfluxdbBench } from './support/influxdb-bench.ts';
import { makePrograms } from './support/programs.ts';
import { ago, cpuLines, everythingIn, prepareSample, samplePolicies } from './support/sample-influxdb.ts';

const database = benchDatabase;

let source: InfluxdbServer;
let target: InfluxdbServer;
let bench: InfluxdbBench;

beforeAll(async () => {
  [source, target] = await Promise.all([startInfluxdb(), startInfluxdb()]);
});
afterAll(() => Promise.all([source?.stop(), target?.stop()]));
beforeEach(async () => {
  await dropDatabases(source);
  await dropDatabases(target);
  bench = await makeInfluxdbBench(source);
});
afterEach(() => bench?.remove());

describe('a database with everything that is hard', () => {
  beforeEach(() => prepareSample(source, database));

  test('comes back whole: equal by facts, and by what InfluxQL gives', async () => {
    const end = await bench.dump();
    expect(outcomeOf(end)).toBe('Succeeded');
    expect(end.result.notes).toEqual([]);
    expect(end.result.newest.localCopy?.notCovered).toBeUndefined();
    const facts = await bench.facts();
    await target.restore(await bench.newest(), database);

    const contents = [...facts.fields, ...facts.shards].map(({ content }) => content);
    expect(contents.filter((content) => 'unknown' in content)).toEqual([]);
    expect(contents.length).toBeGreaterThan(30);
    const { retentionPolicies, fields, shards } = facts;
    expect(await factsNow(target, database, facts)).toEqual({ retentionPolicies, fields, shards });
    expect(await everythingIn(target, database)).toEqual(await everythingIn(source, database));
  }, 120_000);

  test('is known by its fields, types and policies', async () => {
    await bench.dump();
    const { fields, retentionPolicies, server } = await bench.facts();
    expect(server.version).toMatch(/^1\.6\.7/);
    expect(retentionPolicies.map(({ name }) => name)).toEqual([...samplePolicies].toSorted());
    const counts = fields
      .filter(({ policy }) => policy === 'autogen')
      .map(({ measurement, field, type, content }) => [
        `${measurement} ${field} ${type}`,
        'points' in content ? content.points : content.unknown,
      ]);
    expect(Object.fromEntries(counts)).toMatchObject({
      'cpu usage float': 6000,
      'cpu note string': 6000,
      'odd name,with"all v integer': 3,
      'text s string': 4,
      'same host string': 1,
      'mixed v integer': expect.anything(),
      'mixed v float': expect.anything(),
      'mixed v string': 1,
      // The fourth is of a time to come.
      'times v integer': 3,
    });
  });
});

test('a server that keeps its index on disk is dumped as well', async () => {
  const indexed = await startInfluxdb({ index: 'tsi1' });
  await bench.remove();
  bench = await makeInfluxdbBench(indexed);
  try {
    await prepareSample(indexed, database);
    expect(outcomeOf(await bench.dump())).toBe('Succeeded');
    await target.restore(await bench.newest(), database);
    expect(await everythingIn(target, database)).toEqual(await everythingIn(indexed, database));
  } finally {
    await indexed.stop();
  }
}, 120_000);

test.each([
  { what: 'a value', statements: [], lines: (time: string) => [`m,t=a f=2 ${time}`] },
  { what: 'a time', statements: ['DELETE FROM m'], lines: (time: string) => [`m,t=a f=1 ${BigInt(time) + 1n}`] },
  { what: 'a tag', statements: ['DELETE FROM m'], lines: (time: string) => [`m,t=b f=1 ${time}`] },
  { what: 'the name of a field', statements: ['DROP MEASUREMENT m'], lines: (time: string) => [`m,t=a g=1 ${time}`] },
  { what: 'one point more', statements: [], lines: (time: string) => [`m,t=a f=1 ${BigInt(time) + 60_000_000_000n}`] },
  { what: 'one point less', statements: ['DELETE FROM m'], lines: () => [] },
])('facts differ after a change of $what', async ({ statements, lines }) => {
  const time = ago(86_400);
  await target.query(`CREATE DATABASE x`);
  await target.write('x', [`m,t=a f=1 ${time}`, `kept v=1 ${time}`]);
  const facts = { settledTime: new Date().toISOString() };
  const before = await factsNow(target, 'x', facts);
  expect(await factsNow(target, 'x', facts)).toEqual(before);
  for (const statement of statements) await change(target, 'x', statement);
  await target.write('x', lines(time));
  const { fields, shards } = await factsNow(target, 'x', facts);
  expect(fields).not.toEqual(before.fields);
  expect(shards).not.toEqual(before.shards);
});

test('the copy is in the ledger file by file, and nothing else is in its directory', async () => {
  await prepareSample(source, database);
  await bench.dump();
  const [copy] = (await bench.ledger()).copies;
  const names = copy?.files.map(({ name }) => name) ?? [];
  expect(names).toEqual(
    expect.arrayContaining([
      'backup.manifest',
      'backup.meta',
      'facts.json',
      expect.stringMatching(/^backup\.s\d+\.tar\.gz$/),
    ]),
  );
  expect((await readdir(await bench.newest())).toSorted()).toEqual(['copy.json', ...names].toSorted());
  for (const name of names) expect((await stat(join(await bench.newest(), name))).mode & 0o007).toBe(0);
});

test('dumping twice gives the same bytes under the same names', async () => {
  await prepareSample(source, database);
  const read = async (): Promise<Record<string, string>> => {
    const directory = await bench.newest();
    const names = (await readdir(directory)).filter((name) => name.startsWith('backup.'));
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name), 'hex')])),
    );
  };
  await bench.dump();
  const first = await read();
  await bench.dump();
  expect(Object.keys(first).length).toBeGreaterThan(5);
  expect(await read()).toEqual(first);
}, 120_000);

test('nothing is compressed, since deltas live on that', async () => {
  await source.query(`CREATE DATABASE ${database}`);
  await source.write(database, cpuLines(20_000));
  await bench.dump();
  const directory = await bench.newest();
  const [name = ''] = (await readdir(directory)).filter((each) => each.endsWith('.tar.gz'));
  const packed = await readFile(join(directory, name));
  const plain = gunzipSync(packed);
  expect(packed.subarray(0, 10).toString('hex')).toMatch(/^1f8b0800000000/);
  expect(packed.includes(plain.subarray(1000, 1600))).toBe(true);
});

test('an empty database is dumped as what it is', async () => {
  await source.query(`CREATE DATABASE ${database}`);
  expect(outcomeOf(await bench.dump())).toBe('Succeeded');
  expect(await bench.facts()).toMatchObject({ fields: [], shards: [] });
  // The stock tool makes the database and says that it failed.
  await expect(target.restore(await bench.newest(), database)).rejects.toThrow('DB metadata not changed');
  expect(await factsNow(target, database, await bench.facts())).toMatchObject({ fields: [], shards: [] });
}, 120_000);

test('a shard that lost its last point is dumped as what it is', async () => {
  await source.query(`CREATE DATABASE ${database}`);
  await source.write(database, [`gone v=1 ${ago(86_400)}`]);
  await change(source, database, 'DELETE FROM gone');
  expect(outcomeOf(await bench.dump())).toBe('Succeeded');
  expect((await bench.facts()).shards).toMatchObject([{ content: { points: 0 } }]);
}, 120_000);

test('points that are deleted just before the dump do not come back', async () => {
  await prepareSample(source, database);
  // Into files of points: there a deletion leaves a mark, which is carried out a moment later.
  await bench.dump();
  const count = async (server: InfluxdbServer): Promise<unknown> =>
    (await server.query(`SELECT count(usage) FROM "${database}"."autogen"."cpu" WHERE host = 'h1'`))[0]
      ?.values?.[0]?.[1];
  const body = new URLSearchParams({ q: `DELETE FROM cpu WHERE host = 'h1' AND time < now() - 2d`, db: database });
  const programs = await makePrograms({
    influxd: `if [ ! -e "$0.done" ]; then
  touch "$0.done"
  python3 -c 'import sys, urllib.request; urllib.request.urlopen(*[sys.argv[1], sys.argv[2].encode()]).read()' http://127.0.0.1:${source.httpPort}/query '${body}'
fi
exec /usr/bin/influxd "$@"`,
  });
  try {
    expect(await count(source)).toBe(3000);
    expect(outcomeOf(await bench.dump({ programs: programs.path }))).toBe('Succeeded');
    await target.restore(await bench.newest(), database);
    expect(await count(target)).toBe(await count(source));
    expect(await count(target)).toBeLessThan(3000);
  } finally {
    await programs.remove();
  }
}, 120_000);

test('what a restore does not bring back is named', async () => {
  await prepareSample(source, database);
  await source.query(
    `CREATE CONTINUOUS QUERY "hourly" ON ${database} BEGIN SELECT mean(usage) INTO autogen.cpu_mean FROM autogen.cpu GROUP BY time(1h) END`,
  );
  await source.query(
    `CREATE DATABASE other; CREATE CONTINUOUS QUERY foreign_one ON other BEGIN SELECT mean(a) INTO b FROM c GROUP BY time(1h) END`,
  );
  await source.query(
    `CREATE USER reader WITH PASSWORD 'x'; CREATE USER stranger WITH PASSWORD 'x'; CREATE USER "the boss" WITH PASSWORD 'x' WITH ALL PRIVILEGES`,
  );
  await source.query(`GRANT READ ON ${database} TO reader; GRANT READ ON other TO stranger`);
  try {
    const end = await bench.dump();
    expect(outcomeOf(end)).toBe('Succeeded');
    expect(end.result.newest.localCopy?.notCovered).toEqual([
      'Continuous queries are not restored: hourly',
      'Users and grants are not restored: reader, the boss',
    ]);
    await target.restore(await bench.newest(), database);
    expect(await target.query('SHOW CONTINUOUS QUERIES')).toMatchObject([
      { name: database, columns: ['name', 'query'] },
    ]);
    expect((await target.query('SHOW USERS'))[0]?.values ?? []).toEqual([]);
  } finally {
    for (const user of ['reader', 'stranger', 'the boss']) await source.query(`DROP USER "${user}"`);
  }
}, 120_000);

test('a measurement that is gone is told, and a database that lost most of its points is marked', async () => {
  await source.query(`CREATE DATABASE ${database}`);
  await source.write(database, [...cpuLines(500), `users v=1 ${ago(86_400)}`]);
  expect((await bench.dump()).result.notes).toEqual([]);
  // Of each of the processor's points four fields are counted.
  expect((await bench.ledger()).copies.at(-1)).toMatchObject({ rows: 2001, holding: ['autogen.cpu', 'autogen.users'] });

  await change(source, database, 'DROP MEASUREMENT "users"');
  const [gone, ...others] = (await bench.dump()).result.notes;
  expect(others).toEqual([]);
  expect(gone).toMatchObject({
    reason: 'ContentGone',
    message: expect.stringMatching(/^Held something on .* and nothing now: autogen\.users\.$/),
  });
  expect((await bench.ledger()).copies.at(-1)?.shrunk).toBeUndefined();

  await change(source, database, `DELETE FROM cpu WHERE time > now() - 1d - 8h`);
  const shrunk = await bench.dump();
  expect(shrunk.result.notes).toMatchObject([{ reason: 'SourceShrunk' }]);
  expect((await bench.ledger()).copies.at(-1)?.shrunk).toMatch(/^\d+ rows instead of the 2001 of /);

  await change(source, database, 'DROP MEASUREMENT cpu');
  expect(outcomeOf(await bench.dump())).toBe('Succeeded');
  expect((await bench.ledger()).copies.at(-1)).toMatchObject({ rows: 0, shrunk: expect.stringMatching(/^0 rows/) });
}, 120_000);
