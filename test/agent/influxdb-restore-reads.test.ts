import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { influxdbFacts } from '../../src/agent/engines/influxdb/facts.ts';
import { markOf } from '../../src/agent/engines/influxdb/mark.ts';
import { createServer } from '../../src/agent/engines/influxdb/server.ts';
import { withPath } from './support/engine-verify.ts';
import { change } from './support/influxdb.ts';
import { benchDatabase } from './support/influxdb-bench.ts';
import { startInfluxdbProxy } from './support/influxdb-proxy.ts';
import { influxdbRestoresForEach } from './support/influxdb-restores.ts';
import { makePrograms } from './support/programs.ts';
import { equal } from './support/engine-restore-bench.ts';
import { ago, everythingIn, prepareSample } from './support/sample-influxdb.ts';

// While a database is replaced everybody waits: it is read once where nobody can have written between two readings, and that must be proven.

const database = benchDatabase;
const minutes = 180_000;
const changedAt = ago(200 * 86_400);
const deletedAt = ago(201 * 86_400);
const small = [`small,t=a v=1 ${changedAt}`, `small,t=b v=2 ${deletedAt}`];

const on = influxdbRestoresForEach(async (server) => {
  await prepareSample(server, database);
  await server.write(database, small, 'autogen');
});
beforeEach(() => on.server.restore(on.backup, database), minutes);

const mark = () =>
  markOf(createServer({ host: on.server.host, port: on.server.httpPort }), database, new AbortController().signal);

describe('a mark is another after every change', () => {
  test.each<{ what: string; change: () => Promise<unknown>; reason: string }>([
    {
      what: 'a new point',
      change: () => on.server.write(database, [`small,t=c v=3 ${ago(60)}`], 'autogen'),
      reason: 'the counters of its shard',
    },
    {
      what: 'a value in the place of another, of long ago',
      change: () => on.server.write(database, [`small,t=a v=17 ${changedAt}`], 'autogen'),
      reason: 'there are as many values as before: the counters alone tell',
    },
    {
      what: 'points that were deleted',
      change: () => change(on.server, database, `DELETE FROM small WHERE t = 'b'`),
      reason: 'no counter tells of it: there are fewer values',
    },
    {
      what: 'points that were deleted, and as many written elsewhere',
      change: async () => {
        await change(on.server, database, `DELETE FROM small WHERE t = 'b'`);
        await on.server.write(database, [`small,t=d v=2 ${changedAt}`], 'autogen');
      },
      reason: 'there are as many values as before: the counters tell',
    },
    {
      what: 'a measurement that was dropped',
      change: () => change(on.server, database, 'DROP MEASUREMENT small'),
      reason: 'there are fewer values',
    },
    {
      what: 'a shard that was dropped',
      change: async () => {
        const shards = (await on.server.query('SHOW SHARDS')).find(({ name }) => name === database);
        await on.server.query(`DROP SHARD ${String(shards?.values?.[0]?.[0])}`);
      },
      reason: 'the list of the shards',
    },
    {
      what: 'a retention policy that keeps for less',
      change: () => on.server.query(`ALTER RETENTION POLICY autogen ON ${database} DURATION 9000d`),
      reason: 'nothing went yet',
    },
    {
      what: 'the same database, restored once more',
      change: async () => {
        await on.server.query(`DROP DATABASE ${database}`);
        await on.server.restore(on.backup, database);
      },
      reason: 'nobody knows by which backup: its shards have other numbers',
    },
    {
      what: 'a server that was started anew',
      change: () => on.server.restart(),
      reason: 'its counters began anew',
    },
  ])(
    '$what',
    async ({ change: make }) => {
      const before = await mark();
      expect(before).toMatch(/^[0-9a-f]{64}$/);
      // Who reads changes nothing.
      await everythingIn(on.server, database);
      expect(await mark()).toBe(before);
      await make();
      await on.server.enabled(database);
      const after = await mark();
      expect(after).toMatch(/^[0-9a-f]{64}$/);
      expect(after).not.toBe(before);
    },
    minutes,
  );

  test('a database that cannot be counted has none', async () => {
    await on.server.query(`DROP DATABASE ${database}`);
    expect(await mark()).toBeUndefined();
  });
});

/** How often a field is read from end to end while the workloads are down; `between` is what happens between swap and check. */
const readsOf = async (between: () => Promise<unknown> = async () => undefined): Promise<number> => {
  let reads = 0;
  const proxy = await startInfluxdbProxy(on.server.httpPort, (statement) => {
    if (/^SELECT "v"::float FROM "[^"]+"\."autogen"\."small" GROUP BY \*$/.test(statement)) reads += 1;
    return false;
  });
  try {
    const restore = on.bench.restore({ target: { influxdb: { ...on.target.influxdb, httpPort: proxy.port } } });
    await restore.engine.load(restore.context, on.directory);
    equal(await restore.engine.compare(restore.context, on.directory));
    reads = 0;
    await restore.swap(on.directory);
    await between();
    equal(await restore.engine.check(restore.context, on.directory));
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
    between: () => on.server.write(database, [`later v=1 ${ago(-1)}`], 'autogen'),
    reason: 'what is in place may be another than was compared',
  },
  {
    what: 'the server is started anew after the exchange',
    reads: 3,
    between: () => on.server.restart(),
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
    const restore = on.bench.restore({ target: on.target });
    await restore.whole(on.directory);
    await on.server.write(database, [`small,t=a v=17 ${changedAt}`], 'autogen');
    const { mismatches } = await restore.engine.check(restore.context, on.directory);
    expect(mismatches[0]).toMatch(/^measurement autogen\.small v \(float\): other values/);
  },
  minutes,
);

test(
  'facts of another backup are compared anew',
  async () => {
    const restore = on.bench.restore({ target: on.target });
    await restore.whole(on.directory);
    const other = await on.bench.lay(on.backup, 'other');
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
    const restore = on.bench.restore({ target: on.target });
    await restore.engine.load(restore.context, on.directory);
    equal(await restore.engine.compare(restore.context, on.directory));
    const url = `http://${on.server.host}:${on.server.httpPort}/write?db=${database}&rp=autogen`;
    const programs = await makePrograms({
      influxd: `if [ "$1" = backup ]; then
  ${process.execPath} -e 'fetch(process.argv[1],{method:"POST",body:process.argv[2]})' '${url}' 'small,t=a v=99 ${changedAt}'
fi
exec /usr/bin/influxd "$@"`,
    });
    await withPath(programs.path, () => restore.swap(on.directory));
    await programs.remove();
    const file = join(on.bench.claim, 'safety/0a1b2c3d/copy/facts.json');
    const { fields } = influxdbFacts.parse(JSON.parse(await readFile(file, 'utf8')));
    const unknown = fields.filter(({ content }) => 'unknown' in content);
    expect(unknown).toMatchObject([{ measurement: 'small', content: { unknown: 'written to during the dump' } }]);
  },
  minutes,
);
