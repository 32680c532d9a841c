import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { encode } from '@msgpack/msgpack';
import { influxdbFacts } from '../../src/agent/engines/influxdb/facts.ts';
import { listShards, type ListedShard } from '../../src/agent/engines/influxdb/listing.ts';
import { printsOf } from '../../src/agent/engines/influxdb/prints.ts';
import { noReadings } from '../../src/agent/engines/influxdb/readings.ts';
import { createServer } from '../../src/agent/engines/influxdb/server.ts';
import { survey } from '../../src/agent/engines/influxdb/survey.ts';
import { withPath } from './support/engine-verify.ts';
import { change } from './support/influxdb.ts';
import { benchDatabase } from './support/influxdb-bench.ts';
import { startInfluxdbProxy, type Interfere } from './support/influxdb-proxy.ts';
import { influxdbRestoresForEach } from './support/influxdb-restores.ts';
import { freePort } from './support/ports.ts';
import { makePrograms } from './support/programs.ts';
import { equal, type Restore } from './support/engine-restore-bench.ts';
import { ago, everythingIn, prepareSample } from './support/sample-influxdb.ts';
import { there } from '../support/there.ts';

// While a database is replaced everybody waits: what was read before is read again only where it may have changed, and that must be proven.

const database = benchDatabase;
const minutes = 180_000;
const changedAt = ago(200 * 86_400);
const small = [`small,t=a v=1 ${changedAt}`, `small,t=b v=2 ${changedAt}`];

const on = influxdbRestoresForEach(async (server) => {
  await prepareSample(server, database);
  await server.write(database, small, 'autogen');
});
beforeEach(() => on.server.restore(on.backup, database), minutes);

const never = new AbortController().signal;
const service = () => ({ host: on.server.host, port: on.server.rpcPort });
const serverAt = (port: number) => createServer({ host: on.server.host, port });
const shardsNow = (): Promise<ListedShard[]> => listShards(serverAt(on.server.httpPort), database, never);
/** The prints of all shards, by their policies and times. */
const prints = async (): Promise<Record<string, string | undefined>> => {
  const shards = await shardsNow();
  const found = await printsOf({ server: serverAt(on.server.httpPort), service: service() }, shards, never);
  return Object.fromEntries(shards.map(({ policy, start }, index) => [`${policy} ${start}`, found[index]]));
};
const nanoseconds = (time: string): bigint => BigInt(Date.parse(time)) * 1_000_000n;
/** The shard that the small measurement lies in. */
const changedShard = async (): Promise<ListedShard> =>
  there(
    (await shardsNow()).find(
      ({ policy, start, end }) =>
        policy === 'autogen' && nanoseconds(start) <= BigInt(changedAt) && BigInt(changedAt) < nanoseconds(end),
    ),
  );

describe('a shard has another print, or none, after every change of what it holds', () => {
  test.each<{ what: string; change: () => Promise<unknown> }>([
    {
      what: 'a new point',
      change: () => on.server.write(database, [`small,t=c v=3 ${changedAt}`], 'autogen'),
    },
    {
      what: 'a value in the place of another',
      change: () => on.server.write(database, [`small,t=a v=17 ${changedAt}`], 'autogen'),
    },
    {
      what: 'points that were deleted',
      change: () => change(on.server, database, `DELETE FROM small WHERE t = 'b'`),
    },
    {
      what: 'points that were deleted, and as many written',
      change: async () => {
        await change(on.server, database, `DELETE FROM small WHERE t = 'b'`);
        await on.server.write(database, [`small,t=d v=2 ${changedAt}`], 'autogen');
      },
    },
    {
      what: 'a measurement that was dropped',
      change: () => change(on.server, database, 'DROP MEASUREMENT small'),
    },
    {
      what: 'the shard was dropped',
      change: async () => on.server.query(`DROP SHARD ${(await changedShard()).id}`),
    },
  ])(
    '$what',
    async ({ change: make }) => {
      const { policy, start } = await changedShard();
      const before = await prints();
      for (const print of Object.values(before)) expect(print).toMatch(/^[0-9a-f]{64}$/);
      expect(new Set(Object.values(before)).size).toBe(Object.keys(before).length);
      await make();
      const after = await prints();
      const name = `${policy} ${start}`;
      expect(after[name]).not.toBe(before[name]);
      // And those of the others stay.
      expect({ ...after, [name]: 0 }).toEqual({ ...before, [name]: 0 });
    },
    minutes,
  );

  test.each<{ what: string; work: () => Promise<unknown> }>([
    { what: 'somebody reads', work: () => everythingIn(on.server, database) },
    { what: 'the server is started anew', work: () => on.server.restart() },
    {
      what: 'the same is restored once more',
      work: async () => {
        await on.server.query(`DROP DATABASE ${database}`);
        await on.server.restore(on.backup, database);
      },
    },
  ])(
    'and keeps its print if $what',
    async ({ work }) => {
      const before = await prints();
      await work();
      await on.server.enabled(database);
      expect(await prints()).toEqual(before);
    },
    minutes,
  );

  /** The print of one shard, told by other doors maybe. */
  const printOf = async (
    shard: ListedShard,
    { httpPort = on.server.httpPort, rpcPort = on.server.rpcPort, signal = never } = {},
  ): Promise<string | undefined> => {
    const printedBy = { server: serverAt(httpPort), service: { ...service(), port: rpcPort } };
    return (await printsOf(printedBy, [shard], signal))[0];
  };

  test('a shard that the service does not have, does not send whole, or does not send at all has none', async () => {
    const shard = await changedShard();
    expect(await printOf(shard)).toMatch(/^[0-9a-f]{64}$/);
    expect(await printOf({ ...shard, id: '4711' })).toBeUndefined();
    expect(await printOf(shard, { rpcPort: await freePort() })).toBeUndefined();
    const printCutAt = async (most: number) => {
      const cut = await startCutting(on.server.rpcPort, most);
      const print = await printOf(shard, { rpcPort: cut.port });
      await cut.stop();
      return { print, passed: cut.passed() };
    };
    const { print, passed } = await printCutAt(Infinity);
    expect(print).toBe(await printOf(shard));
    // Without its end mark it is as readable as with it.
    for (const most of [0, 300, 1536, passed - 1024, passed - 1])
      expect((await printCutAt(most)).print).toBeUndefined();
  });

  test.each([
    { what: 'something is in memory all the time', columns: ['memBytes', 'diskBytes'], values: [7, 0] },
    { what: 'something is on its way to the disk', columns: ['memBytes', 'diskBytes'], values: [0, 7] },
    { what: 'the server does not say', columns: ['other'], values: [0] },
    { what: 'the server refuses to say', columns: [], values: [] },
  ])('nor has one of which $what: files might be sent without it', async ({ columns, values }) => {
    const shard = await changedShard();
    const proxy = await startInfluxdbProxy(on.server.httpPort, (statement, answer, reply) => {
      if (!statement.startsWith('SHOW STATS')) return false;
      answer.resume();
      const series = [{ name: 'tsm1_cache', tags: { database, id: shard.id }, columns, values: [values] }];
      const said = columns.length === 0 ? { error: 'no' } : { results: [{ series }] };
      reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said));
      return true;
    });
    const print = await printOf(shard, { httpPort: proxy.port });
    await proxy.stop();
    expect(print).toBeUndefined();
  });

  test('who is told to stop does not say that a shard has none', async () => {
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(printOf(await changedShard(), { signal: stopped })).rejects.toThrow('stopped');
  });
});

/** Passes on so many bytes of what a server answers, and ends the answer. */
const startCutting = async (target: number, most: number) => {
  let passed = 0;
  const proxy = createTcpServer((incoming) => {
    const onward = connect(target, '127.0.0.1');
    let left = most;
    incoming.on('data', (part) => onward.write(part));
    onward.on('data', (part: Buffer) => {
      incoming.write(part.subarray(0, left));
      passed += Math.min(part.length, left);
      left = Math.max(0, left - part.length);
      if (left === 0) incoming.end();
    });
    onward.on('end', () => incoming.end());
    for (const socket of [incoming, onward]) socket.on('error', () => undefined);
    incoming.on('close', () => onward.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    passed: () => passed,
    stop: () => new Promise((resolve) => proxy.close(resolve)),
  };
};

const isRead = (statement: string): boolean => statement.startsWith('SELECT "');

test(
  'what was written to while it was read is not known by its print, and all else is',
  async () => {
    const { start } = await changedShard();
    const all = await shardsNow();
    const before = await prints();
    let wrote = false;
    const proxy = await startInfluxdbProxy(on.server.httpPort, (statement, answer, reply) => {
      if (wrote || !isRead(statement) || !statement.includes('"small"') || !statement.includes(start)) return false;
      wrote = true;
      reply.writeHead(answer.statusCode ?? 500, answer.headers);
      void on.server.write(database, [`small,t=a v=17 ${changedAt}`], 'autogen').finally(() => answer.pipe(reply));
      return true;
    });
    try {
      const { readings } = await survey(serverAt(proxy.port), {
        database,
        settled: new Date(),
        atATime: 1,
        recall: { service: service(), readings: noReadings, ofFiles: true },
        signal: never,
      });
      expect(wrote).toBe(true);
      expect(readings.size).toBe(all.length - 1);
      expect(readings.has(before[`autogen ${start}`] ?? '')).toBe(false);
    } finally {
      await proxy.stop();
    }
  },
  minutes,
);

interface Meanwhile {
  /** After the backup and what is in place were read, before that is set aside. */
  readonly before?: () => Promise<unknown>;
  /** After the exchange, before it is checked. */
  readonly between?: () => Promise<unknown>;
  readonly interfere?: Interfere;
}

/** The times at which shards begin of which values are read while the workloads are down. */
interface Reads {
  /** To set aside what is there; but for shards of now, of whose points others are a minute old each time. */
  readonly aside: string[];
  /** After that. */
  readonly inPlace: string[];
  /** Whether the server is asked after the exchange, at last, how many values it gives. */
  readonly countedAtLast: boolean;
}

/** Restores in place. */
const readsOf = async ({ before, between, interfere }: Meanwhile = {}): Promise<Reads> => {
  const open = await starts(ofNow);
  const [aside, inPlace] = [new Set<string>(), new Set<string>()];
  let now: Set<string> | undefined;
  let countedAtLast = false;
  const proxy = await startInfluxdbProxy(on.server.httpPort, (statement, ...rest) => {
    if (now !== undefined && statement.startsWith('DROP DATABASE')) now = inPlace;
    if (statement.startsWith('SELECT COUNT(')) countedAtLast = true;
    if (isRead(statement)) now?.add(/time >= '([^']+)'/.exec(statement)?.[1] ?? 'all');
    return now !== undefined && (interfere?.(statement, ...rest) ?? false);
  });
  try {
    const restore = on.bench.restore({ target: { influxdb: { ...on.target.influxdb, httpPort: proxy.port } } });
    await restore.engine.load(restore.context, on.directory);
    equal(await restore.engine.compare(restore.context, on.directory));
    now = aside;
    await before?.();
    await restore.swap(on.directory);
    await between?.();
    countedAtLast = false;
    equal(await restore.engine.check(restore.context, on.directory));
    return {
      aside: [...aside].filter((start) => !open.includes(start)).toSorted(),
      inPlace: [...inPlace].toSorted(),
      countedAtLast,
    };
  } finally {
    await proxy.stop();
  }
};

const readingsFile = (): string => join(on.bench.claim, 'safety/0a1b2c3d/readings.json');

/** When shards begin. */
const starts = async (of: (shard: ListedShard) => boolean = () => true): Promise<string[]> =>
  [...new Set((await shardsNow()).filter(of).map(({ start }) => start))].toSorted();
const ofNow = ({ start, end }: ListedShard): boolean => Date.parse(start) < Date.now() && Date.now() < Date.parse(end);

describe('while everybody waits', () => {
  beforeEach(() => on.server.write(database, [`small,t=a v=17 ${changedAt}`], 'autogen'));

  test.each<{ what: string; meanwhile: Meanwhile; countedAtLast?: boolean }>([
    { what: 'nobody writes', meanwhile: {} },
    { what: 'the server is started anew before the exchange', meanwhile: { before: () => on.server.restart() } },
    {
      what: 'the server is started anew after it, but it is asked once more what it gives',
      meanwhile: { between: () => on.server.restart() },
      countedAtLast: true,
    },
  ])(
    'nothing is read again if $what',
    async ({ meanwhile, countedAtLast = false }) => {
      expect(await readsOf(meanwhile)).toEqual({ aside: [], inPlace: [], countedAtLast });
      expect(await everythingIn(on.server, database)).toEqual(on.expected);
    },
    minutes,
  );

  test(
    'a shard is read again that was written to before it is set aside',
    async () => {
      const { start } = await changedShard();
      const before = () => on.server.write(database, [`small,t=b v=18 ${changedAt}`], 'autogen');
      expect(await readsOf({ before })).toEqual({ aside: [start], inPlace: [], countedAtLast: false });
    },
    minutes,
  );

  test(
    'a shard is read again that was written to after the exchange',
    async () => {
      const open = await starts((shard) => shard.policy === 'autogen' && ofNow(shard));
      const between = () => on.server.write(database, [`later v=1 ${ago(-1)}`], 'autogen');
      expect((await readsOf({ between })).inPlace).toEqual(open);
    },
    minutes,
  );

  test(
    'all is read if the server does not give as many values as the files hold',
    async () => {
      const interfere: Interfere = (statement, answer, reply) => {
        if (!statement.startsWith('SELECT COUNT(') || !statement.includes('"small"')) return false;
        answer.resume();
        // As if one of the two were not in the index.
        const series = { name: 'small', columns: ['time', 'count'], values: [[0, 1]] };
        reply
          .writeHead(200, { 'content-type': 'application/x-msgpack' })
          .end(encode({ results: [{ series: [series] }] }));
        return true;
      };
      const all = await starts(({ policy }) => policy === 'autogen');
      expect((await readsOf({ interfere })).inPlace).toEqual(all);
    },
    minutes,
  );

  test(
    'all is read if what was read before is not there, or not whole',
    async () => {
      const all = await starts();
      const { inPlace } = await readsOf({ before: () => writeFile(readingsFile(), '{"version":1,"shards":[{') });
      expect(inPlace).toEqual(all);
    },
    minutes,
  );
});

const readingsOf = async ({ engine, context }: Restore) => {
  await engine.load(context, on.directory);
  equal(await engine.compare(context, on.directory));
  return readFile(readingsFile(), 'utf8');
};

test(
  'what was read goes when it is not wanted',
  async () => {
    const restore = on.bench.restore({ target: on.target });
    expect(await readingsOf(restore)).toMatch(/"key"/);
    await restore.engine.discardLoaded(restore.context);
    expect((await on.bench.left()).filter((name) => name.startsWith('safety/'))).toEqual([]);
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
  'facts of an earlier version are compared as they were made',
  async () => {
    const file = join(on.directory, 'facts.json');
    const facts = influxdbFacts.parse(JSON.parse(await readFile(file, 'utf8')));
    const counted = await survey(serverAt(on.server.httpPort), {
      database,
      settled: new Date(facts.settledTime),
      atATime: 1,
      version: 2,
      signal: never,
    });
    const { retentionPolicies, fields, shards } = counted;
    expect(fields).not.toEqual(facts.fields);
    await writeFile(file, JSON.stringify({ ...facts, version: 2, retentionPolicies, fields, shards }));
    const restore = on.bench.restore({ target: on.target });
    await restore.whole(on.directory);
    expect(await everythingIn(on.server, database)).toEqual(on.expected);
    await on.server.write(database, [`small,t=a v=17 ${changedAt}`], 'autogen');
    const { mismatches } = await restore.engine.check(restore.context, on.directory);
    expect(mismatches[0]).toMatch(/^measurement autogen\.small v \(float\): other values/);
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
