import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { influxdbFacts } from '../../src/agent/engines/influxdb/facts.ts';
import { markOf } from '../../src/agent/engines/influxdb/mark.ts';
import { createServer } from '../../src/agent/engines/influxdb/server.ts';
import { outcomeOf } from './support/agent.ts';
import { makeDirectory } from './support/directories.ts';
import { withPath } from './support/engine-verify.ts';
import { change, dropDatabases, startInfluxdb, type InfluxdbServer } from './support/influxdb.ts';
import { benchDatabase, makeInfluxdbBench } from './support/influxdb-bench.ts';
import { startInfluxdbProxy } from './support/influxdb-proxy.ts';
import { makePrograms } from './support/programs.ts';
import { equal, makeRestoreBench, type RestoreBench } from './support/engine-restore-bench.ts';
import { ago, everythingIn, prepareSample } from './support/sample-influxdb.ts';

// While a database is replaced everybody waits: it is read once where nobody can have written between two readings, and that must be proven.

const database = benchDatabase;
const minutes = 180_000;
const changedAt = ago(200 * 86_400);
const deletedAt = ago(201 * 86_400);
const small = [`small,t=a v=1 ${changedAt}`, `small,t=b v=2 ${deletedAt}`];

let server: InfluxdbServer;
let place: Awaited<ReturnType<typeof makeDirectory>>;
let bench: RestoreBench;
let directory: string;
const backup = (): string => join(place.path, 'backup');
const mark = () =>
  markOf(createServer({ host: server.host, port: server.httpPort }), database, new AbortController().signal);

beforeAll(async () => {
  server = await startInfluxdb();
  place = await makeDirectory();
  await prepareSample(server, database);
  await server.write(database, small, 'autogen');
  const dumps = await makeInfluxdbBench(server);
  const end = await dumps.dump();
  if (outcomeOf(end) !== 'Succeeded') throw new Error(end.log);
  await cp(await dumps.newest(), backup(), { recursive: true });
  await dumps.remove();
}, minutes);
afterAll(async () => {
  await server?.stop();
  await place?.remove();
});
beforeEach(async () => {
  bench = await makeRestoreBench();
  directory = await bench.lay(backup());
  await dropDatabases(server);
  await server.restore(backup(), database);
}, minutes);
afterEach(() => bench.remove());

describe('a mark is another after every change', () => {
  test.each<{ what: string; change: () => Promise<unknown>; reason: string }>([
    {
      what: 'a new point',
      change: () => server.write(database, [`small,t=c v=3 ${ago(60)}`], 'autogen'),
      reason: 'the counters of its shard',
    },
    {
      what: 'a value in the place of another, of long ago',
      change: () => server.write(database, [`small,t=a v=17 ${changedAt}`], 'autogen'),
      reason: 'there are as many values as before: the counters alone tell',
    },
    {
      what: 'points that were deleted',
      change: () => change(server, database, `DELETE FROM small WHERE t = 'b'`),
      reason: 'no counter tells of it: there are fewer values',
    },
    {
      what: 'points that were deleted, and as many written elsewhere',
      change: async () => {
        await change(server, database, `DELETE FROM small WHERE t = 'b'`);
        await server.write(database, [`small,t=d v=2 ${changedAt}`], 'autogen');
      },
      reason: 'there are as many values as before: the counters tell',
    },
    {
      what: 'a measurement that was dropped',
      change: () => change(server, database, 'DROP MEASUREMENT small'),
      reason: 'there are fewer values',
    },
    {
      what: 'a shard that was dropped',
      change: async () => {
        const shards = (await server.query('SHOW SHARDS')).find(({ name }) => name === database);
        await server.query(`DROP SHARD ${String(shards?.values?.[0]?.[0])}`);
      },
      reason: 'the list of the shards',
    },
    {
      what: 'a retention policy that keeps for less',
      change: () => server.query(`ALTER RETENTION POLICY autogen ON ${database} DURATION 9000d`),
      reason: 'nothing went yet',
    },
    {
      what: 'the same database, restored once more',
      change: async () => {
        await server.query(`DROP DATABASE ${database}`);
        await server.restore(backup(), database);
      },
      reason: 'nobody knows by which backup: its shards have other numbers',
    },
    {
      what: 'a server that was started anew',
      change: () => server.restart(),
      reason: 'its counters began anew',
    },
  ])(
    '$what',
    async ({ change: make }) => {
      const before = await mark();
      expect(before).toMatch(/^[0-9a-f]{64}$/);
      // Who reads changes nothing.
      await everythingIn(server, database);
      expect(await mark()).toBe(before);
      await make();
      await server.enabled(database);
      const after = await mark();
      expect(after).toMatch(/^[0-9a-f]{64}$/);
      expect(after).not.toBe(before);
    },
    minutes,
  );

  test('a database that cannot be counted has none', async () => {
    await server.query(`DROP DATABASE ${database}`);
    expect(await mark()).toBeUndefined();
  });
});

/** How often a field is read from end to end while the workloads are down; `between` is what happens between swap and check. */
const readsOf = async (between: () => Promise<unknown> = async () => undefined): Promise<number> => {
  let reads = 0;
  const proxy = await startInfluxdbProxy(server.httpPort, (statement) => {
    if (/^SELECT "v"::float FROM "[^"]+"\."autogen"\."small" GROUP BY \*$/.test(statement)) reads += 1;
    return false;
  });
  try {
    const { host, rpcPort } = server;
    const restore = bench.restore({ target: { influxdb: { host, httpPort: proxy.port, rpcPort, database } } });
    await restore.engine.load(restore.context, directory);
    equal(await restore.engine.compare(restore.context, directory));
    reads = 0;
    await restore.swap(directory);
    await between();
    equal(await restore.engine.check(restore.context, directory));
    return reads;
  } finally {
    await proxy.stop();
  }
};

test.each<{ what: string; reads: number; between?: () => Promise<unknown>; reason: string }>([
  { what: 'nobody writes', reads: 2, reason: 'once for the safety copy, once when all is in its place' },
  {
    what: 'somebody writes after the exchange',
    reads: 3,
    between: () => server.write(database, [`later v=1 ${ago(-1)}`], 'autogen'),
    reason: 'what is in place may be another than was compared',
  },
  {
    what: 'the server is started anew after the exchange',
    reads: 3,
    between: () => server.restart(),
    reason: 'nobody knows what was written before',
  },
])(
  'a database is read $reads times while everybody waits, if $what',
  async ({ reads, between }) => {
    expect(await readsOf(between)).toBe(reads);
  },
  minutes,
);

test(
  'what was changed after the exchange differs, though it was equal before',
  async () => {
    const { host, httpPort, rpcPort } = server;
    const restore = bench.restore({ target: { influxdb: { host, httpPort, rpcPort, database } } });
    await restore.whole(directory);
    await server.write(database, [`small,t=a v=17 ${changedAt}`], 'autogen');
    const { mismatches } = await restore.engine.check(restore.context, directory);
    expect(mismatches[0]).toMatch(/^measurement autogen\.small v \(float\): other values/);
  },
  minutes,
);

test(
  'facts of another backup are compared anew',
  async () => {
    const { host, httpPort, rpcPort } = server;
    const restore = bench.restore({ target: { influxdb: { host, httpPort, rpcPort, database } } });
    await restore.whole(directory);
    const other = await bench.lay(backup(), 'other');
    const facts = JSON.parse(await readFile(join(other, 'facts.json'), 'utf8')) as { fields: unknown[] };
    await writeFile(join(other, 'facts.json'), JSON.stringify({ ...facts, fields: facts.fields.slice(1) }));
    const { mismatches } = await restore.engine.check(restore.context, other);
    expect(mismatches).toEqual([expect.stringMatching(/unexpected/)]);
  },
  minutes,
);

test(
  'what is written while what is there is set aside is no witness of it',
  async () => {
    const { host, httpPort, rpcPort } = server;
    const restore = bench.restore({ target: { influxdb: { host, httpPort, rpcPort, database } } });
    await restore.engine.load(restore.context, directory);
    equal(await restore.engine.compare(restore.context, directory));
    const url = `http://${host}:${httpPort}/write?db=${database}&rp=autogen`;
    const programs = await makePrograms({
      influxd: `if [ "$1" = backup ]; then
  ${process.execPath} -e 'fetch(process.argv[1],{method:"POST",body:process.argv[2]})' '${url}' 'small,t=a v=99 ${changedAt}'
fi
exec /usr/bin/influxd "$@"`,
    });
    await withPath(programs.path, () => restore.swap(directory));
    await programs.remove();
    const file = join(bench.claim, 'safety/0a1b2c3d/copy/facts.json');
    const { fields } = influxdbFacts.parse(JSON.parse(await readFile(file, 'utf8')));
    const unknown = fields.filter(({ content }) => 'unknown' in content);
    expect(unknown).toMatchObject([{ measurement: 'small', content: { unknown: 'written to during the dump' } }]);
  },
  minutes,
);
