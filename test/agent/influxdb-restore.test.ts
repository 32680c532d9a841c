import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { influxdbFacts } from '../../src/agent/engines/influxdb/facts.ts';
import type { DestinationState } from '../../src/api/v1alpha1/restore-report.ts';
import { withPath } from './support/engine-verify.ts';
import { change, startInfluxdb } from './support/influxdb.ts';
import { benchDatabase } from './support/influxdb-bench.ts';
import { startInfluxdbProxy } from './support/influxdb-proxy.ts';
import { influxdbRestoresForEach } from './support/influxdb-restores.ts';
import { makePrograms } from './support/programs.ts';
import { equal, failureOf } from './support/engine-restore-bench.ts';
import { ago, everythingIn, prepareSample } from './support/sample-influxdb.ts';
import { withSmallDisk } from './support/small-disk.ts';

const database = benchDatabase;
const minutes = 180_000;
const loaded = 'holdfast_0a1b2c3d_new';

const changedAt = ago(200 * 86_400);

const on = influxdbRestoresForEach(async (server) => {
  await prepareSample(server, database);
  await server.write(database, [`small,t=a v=1 ${changedAt}`, `small,t=b v=2 ${changedAt}`], 'autogen');
});

beforeEach(() => on.server.restore(on.backup, database), minutes);

const databases = async (): Promise<string[]> =>
  (await on.server.query('SHOW DATABASES'))
    .flatMap(({ values = [] }) => values.map(([name]) => String(name)))
    .toSorted();

const drop = () => on.server.query(`DROP DATABASE ${database}`);

describe('what was lost or damaged comes back whole', () => {
  test.each<{ what: string; damage: () => Promise<unknown>; present?: boolean; missing: (string | RegExp)[] }>([
    {
      what: 'the database was dropped',
      damage: drop,
      present: false,
      missing: [/^measurement autogen\./],
    },
    {
      what: 'a measurement was dropped',
      damage: () => change(on.server, database, 'DROP MEASUREMENT small'),
      missing: ['measurement autogen.small', /^2 of \d+ points of autogen from /],
    },
    {
      what: 'points were deleted',
      damage: () => change(on.server, database, `DELETE FROM cpu WHERE host = 'h2'`),
      missing: [/^\d+ of \d+ points of autogen from /],
    },
    {
      what: 'a value was changed, which nobody sees from here',
      damage: () => on.server.write(database, [`small,t=a v=17 ${changedAt}`], 'autogen'),
      missing: [],
    },
    {
      what: 'a retention policy was dropped and another changed',
      damage: async () => {
        await on.server.query(`DROP RETENTION POLICY "a week or two" ON ${database}`);
        await on.server.query(`ALTER RETENTION POLICY autogen ON ${database} DURATION 900d DEFAULT`);
      },
      missing: [/^measurement a week or two\.cpu$/],
    },
    {
      what: 'the database holds something else entirely, of other types',
      damage: async () => {
        await drop();
        await on.server.query(`CREATE DATABASE ${database}`);
        await on.server.write(database, [`cpu,host=h1 usage="text",busy=1 ${ago(5000)}`]);
      },
      missing: [/^measurement autogen\./],
    },
  ])(
    '$what',
    async ({ damage, present = true, missing }) => {
      await damage();
      const before = present ? await everythingIn(on.server, database) : undefined;
      const restore = on.bench.restore({ target: on.target });
      const found = await restore.engine.look(restore.context, on.backup);
      expect(found).toMatchObject({ server: 'influxdb 1.6.7', present, expectedRows: expect.any(Number) });
      for (const name of missing) expect(found.missing).toContainEqual(expect.stringMatching(name));
      expect(found.missingCount === 0).toBe(missing.length === 0);

      const copy = await restore.whole(on.directory);
      expect(await everythingIn(on.server, database)).toEqual(on.expected);
      expect(restore.states).toEqual(['Unavailable', 'Replaced']);
      expect(restore.notes).toEqual([]);
      expect(await databases()).toEqual([database]);
      expect(copy).toMatchObject(present ? { kind: 'Directory', count: 1 } : { kind: 'None', names: [], count: 0 });
      // By the stock tool, as howToUse says.
      if (present) await on.server.restore(join(on.bench.claim, copy.names[0] ?? ''), database, 'looked-at');
      expect(present ? await everythingIn(on.server, 'looked-at') : undefined).toEqual(before);
      await restore.engine.discardSafetyCopy(restore.context);
      await restore.engine.discardLoaded(restore.context);
      expect((await on.bench.left()).filter((name) => name.startsWith('safety/'))).toEqual([]);
      expect(await readdir(on.bench.scratch)).toEqual([]);
    },
    minutes,
  );
});

test(
  'nothing is touched before the swap, and what was loaded goes when it is not wanted',
  async () => {
    await change(on.server, database, 'DROP MEASUREMENT small');
    const before = await everythingIn(on.server, database);
    const { engine, context } = on.bench.restore({ target: on.target });
    await engine.load(context, on.directory);
    equal(await engine.compare(context, on.directory));
    expect(await databases()).toEqual([loaded, database]);
    expect(await everythingIn(on.server, loaded)).toEqual(on.expected);
    expect(await everythingIn(on.server, database)).toEqual(before);
    await engine.discardLoaded(context);
    await engine.discardLoaded(context);
    expect(await databases()).toEqual([database]);
    expect(await everythingIn(on.server, database)).toEqual(before);

    // What is loaded otherwise than it was dumped is seen.
    await engine.load(context, on.directory);
    await on.server.write(loaded, [`small,t=a v=17 ${changedAt}`], 'autogen');
    const { mismatches } = await engine.compare(context, on.directory);
    expect(mismatches[0]).toMatch(/^measurement autogen\.small v \(float\): other values/);
    expect(await failureOf(engine.load(context, on.directory))).toMatch(
      /^DestinationNotEmpty: .*"holdfast_0a1b2c3d_new"/,
    );
    expect(await engine.recover(context)).toMatch(/holdfast_0a1b2c3d_new, which was loaded before, is removed/);
    expect(await databases()).toEqual([database]);
  },
  minutes,
);

test(
  'continuous queries and grants that are there now are made again, subscriptions that differ are told',
  async () => {
    const query = `CREATE CONTINUOUS QUERY hourly ON ${database} BEGIN SELECT mean(usage) INTO ${database}.autogen.cpu_mean FROM ${database}.autogen.cpu GROUP BY time(1h) END`;
    await on.server.query(query);
    await on.server.query(`CREATE USER "o'brien" WITH PASSWORD 'x'`);
    await on.server.query(`GRANT WRITE ON ${database} TO "o'brien"`);
    await on.server.query(`CREATE SUBSCRIPTION copy ON ${database}.autogen DESTINATIONS ALL 'udp://127.0.0.1:9'`);
    const told = async () => ({
      queries: (await on.server.query('SHOW CONTINUOUS QUERIES')).filter(({ name }) => name === database),
      grants: await on.server.query(`SHOW GRANTS FOR "o'brien"`),
    });
    const before = await told();
    const restore = on.bench.restore({ target: on.target });
    await restore.whole(on.directory);
    expect(await told()).toEqual(before);
    expect(before.queries[0]?.values).toHaveLength(1);
    expect(before.grants[0]?.values).toEqual([[database, 'WRITE']]);
    expect(restore.notes).toEqual([
      {
        reason: 'NotCovered',
        message: 'Replaced, but the backup does not have the subscription autogen.copy to ALL udp://127.0.0.1:9.',
      },
    ]);
    await on.server.query(`DROP USER "o'brien"`);
  },
  minutes,
);

describe('beside the present data, to stay', () => {
  test(
    'into a new name',
    async () => {
      const { engine, context } = on.bench.restore({ target: on.target, into: { by: 'Name', name: 'telegraf.old' } });
      expect(await engine.look(context, on.backup)).toMatchObject({ present: false });
      await engine.load(context, on.directory);
      equal(await engine.compare(context, on.directory));
      expect(await everythingIn(on.server, 'telegraf.old')).toEqual(on.expected);
      // By now it is somebody's, and no restore removes it.
      await engine.discardLoaded(context);
      expect(await databases()).toEqual([database, 'telegraf.old']);
      expect(await failureOf(engine.look(context, on.backup))).toMatch(/^DestinationNotEmpty: .*"telegraf\.old"/);
      expect((await on.bench.left()).filter((name) => name.startsWith('safety/'))).toEqual([]);
    },
    minutes,
  );

  test(
    'what is there by that name is neither overwritten nor removed',
    async () => {
      const { engine, context } = on.bench.restore({ target: on.target, into: { by: 'SameNames' } });
      expect(await failureOf(engine.look(context, on.backup))).toMatch(/^DestinationNotEmpty: /);
      expect(await failureOf(engine.load(context, on.directory))).toMatch(/^DestinationNotEmpty: /);
      await engine.discardLoaded(context);
      expect(await everythingIn(on.server, database)).toEqual(on.expected);

      await drop();
      await engine.load(context, on.directory);
      equal(await engine.compare(context, on.directory));
      expect(await everythingIn(on.server, database)).toEqual(on.expected);
    },
    minutes,
  );

  test(
    'what differs, or was killed while it was loaded, is removed again',
    async () => {
      const { engine, context } = on.bench.restore({ target: on.target, into: { by: 'Name', name: 'other' } });
      await engine.load(context, on.directory);
      await change(on.server, 'other', 'DROP MEASUREMENT small');
      expect((await engine.compare(context, on.directory)).mismatches).not.toEqual([]);
      expect(await engine.recover(context)).toMatch(/^The database other/);
      expect(await databases()).toEqual([database]);
      await engine.load(context, on.directory);
      await engine.discardLoaded(context);
      expect(await databases()).toEqual([database]);
    },
    minutes,
  );
});

/** Runs work with an `influxd` of which a restore of the given directory under its own name does as told. */
const withInfluxd = async <T>(script: string, work: () => Promise<T>): Promise<T> => {
  const programs = await makePrograms({
    influxd: `real=/usr/bin/influxd
own=yes
for each in "$@"; do if [ "$each" = -newdb ]; then own=no; fi; done
last="\${@: -1}"
if [ "$1" = restore ] && [ $own = yes ]; then
${script}
fi
exec $real "$@"`,
  });
  try {
    return await withPath(programs.path, work);
  } finally {
    await programs.remove();
  }
};

describe('an exchange that fails', () => {
  beforeEach(() => change(on.server, database, 'DROP MEASUREMENT small'));

  test.each<{ what: string; script: () => string; words: RegExp }>([
    {
      what: 'a restore that does nothing and says it did',
      script: () => `case "$last" in ${on.bench.fetched}/*) exit 0;; esac`,
      words: /there is no database "telegraf" on the server/,
    },
    {
      what: 'a restore that fails',
      script: () => `case "$last" in ${on.bench.fetched}/*) echo "it is broken" >&2; exit 1;; esac`,
      words: /it is broken/,
    },
    {
      what: 'a restore that leaves most of it out',
      script: () => `case "$last" in ${on.bench.fetched}/*)
        cut=$(mktemp -d); cp "$last"/backup.meta "$cut"
        ${process.execPath} -e 'const fs=require("fs");const m=JSON.parse(fs.readFileSync(process.argv[1]));m.files=m.files.slice(0,2);fs.writeFileSync(process.argv[2],JSON.stringify(m))' "$last"/backup.manifest "$cut"/backup.manifest
        cp "$last"/backup.s*.tar.gz "$cut"
        $real "\${@:1:$#-1}" "$cut"; rm -r "$cut"; exit 0;; esac`,
      words: /what was restored is not what was backed up: measurement /,
    },
  ])(
    'is undone: $what',
    async ({ script, words }) => {
      const before = await everythingIn(on.server, database);
      const restore = on.bench.restore({ target: on.target });
      await restore.engine.load(restore.context, on.directory);
      const failure = await withInfluxd(script(), () => failureOf(restore.swap(on.directory)));
      expect(failure).toMatch(/^ExchangeFailed: .*What was there before is there again\.$/);
      expect(failure).toMatch(words);
      expect(restore.states).toEqual<DestinationState[]>(['Unavailable', 'PutBack']);
      expect(await everythingIn(on.server, database)).toEqual(before);
      expect(await databases()).toEqual([database]);
      expect((await on.bench.left()).filter((name) => name.startsWith('safety/'))).toEqual([]);
      // And a restore that is asked for again succeeds.
      await on.bench.restore({ target: on.target, id: 'ffff0000' }).whole(on.directory);
      expect(await everythingIn(on.server, database)).toEqual(on.expected);
    },
    minutes,
  );

  test(
    'a database that somebody makes anew in the gap is dropped once more',
    async () => {
      const create = `${process.execPath} -e 'fetch("http://127.0.0.1:${on.server.httpPort}/query",{method:"POST",body:new URLSearchParams({q:"CREATE DATABASE ${database}"})})'`;
      const restore = on.bench.restore({ target: on.target });
      await restore.engine.load(restore.context, on.directory);
      const flag = join(on.bench.scratch, '../once');
      await withInfluxd(`if [ ! -e ${flag} ]; then touch ${flag}; ${create}; fi`, () => restore.swap(on.directory));
      equal(await restore.engine.check(restore.context, on.directory));
      expect(await readFile(flag, 'utf8')).toBe('');
      expect(await everythingIn(on.server, database)).toEqual(on.expected);
    },
    minutes,
  );

  test(
    'and cannot be undone either is unavailable, until what was there is put back by the next restore',
    async () => {
      const before = await everythingIn(on.server, database);
      const restore = on.bench.restore({ target: on.target });
      await restore.engine.load(restore.context, on.directory);
      const failure = await withInfluxd('exit 1', () => failureOf(restore.swap(on.directory)));
      expect(failure).toMatch(/^ExchangeFailed: .*could not be put back either: .*It is whole in /);
      expect(restore.states).toEqual(['Unavailable']);
      expect(await failureOf(restore.engine.discardSafetyCopy(restore.context))).toMatch(/^RestoreInterrupted: /);

      const next = on.bench.restore({ target: on.target, id: 'ffff0000' });
      expect(await next.engine.recover(next.context)).toMatch(
        /^The restore 0a1b2c3d was stopped on .*: what was there is put back\.$/,
      );
      expect(await everythingIn(on.server, database)).toEqual(before);
      expect(await next.engine.recover(next.context)).toBeUndefined();
      await next.whole(on.directory);
      expect(await everythingIn(on.server, database)).toEqual(on.expected);
    },
    minutes,
  );

  test(
    'what is there a day later is left alone, and the copy is kept',
    async () => {
      const restore = on.bench.restore({ target: on.target });
      await restore.engine.load(restore.context, on.directory);
      await withInfluxd('exit 1', () => failureOf(restore.swap(on.directory)));
      await on.server.query(`CREATE DATABASE ${database}`);
      await on.server.write(database, [`new v=1 ${ago(60)}`]);
      const later = on.bench.restore({
        target: on.target,
        id: 'ffff0000',
        now: () => new Date(Date.now() + 25 * 3_600_000),
      });
      expect(await later.engine.recover(later.context)).toMatch(/left as it is, since that is more than a day ago/);
      expect(Object.keys(await everythingIn(on.server, database))).toEqual(['policies', 'autogen new']);
      expect(await on.bench.left()).toContain('safety/0a1b2c3d/copy/backup.manifest');
      await restore.engine.discardSafetyCopy(restore.context);
      expect((await on.bench.left()).filter((name) => name.startsWith('safety/'))).toEqual([]);
    },
    minutes,
  );

  test(
    'a claim that has no room for the safety copy leaves everything as it is',
    async () => {
      const before = await everythingIn(on.server, database);
      const restore = on.bench.restore({ target: on.target });
      await restore.engine.load(restore.context, on.directory);
      const failure = await withSmallDisk(restore.context.layout.safety, '64k', async () => {
        const said = await failureOf(restore.swap(on.directory));
        expect(await readdir(restore.context.layout.safety)).toEqual([]);
        return said;
      });
      expect(failure).toMatch(/^OutOfScratchSpace: /);
      expect(restore.states).toEqual([]);
      expect(await everythingIn(on.server, database)).toEqual(before);
    },
    minutes,
  );

  test(
    'a copy that cannot be made whole leaves everything as it is',
    async () => {
      const before = await everythingIn(on.server, database);
      const programs = await makePrograms({
        influxd: `/usr/bin/influxd "$@"; status=$?
if [ "$1" = backup ]; then for each in "\${@: -1}"/*.tar.gz; do truncate -s 100 "$each"; break; done; fi
exit $status`,
      });
      const restore = on.bench.restore({ target: on.target });
      await restore.engine.load(restore.context, on.directory);
      const failure = await withPath(programs.path, () => failureOf(restore.swap(on.directory)));
      await programs.remove();
      expect(failure).toMatch(/^ExchangeFailed: .*could not be set aside, so it was not touched: /);
      expect(restore.states).toEqual([]);
      expect(await everythingIn(on.server, database)).toEqual(before);
      expect((await on.bench.left()).filter((name) => name.startsWith('safety/'))).toEqual([]);
    },
    minutes,
  );
});

test(
  'who writes all the time does not make what is in place differ, and what is missing there is seen',
  async () => {
    const restore = on.bench.restore({ target: on.target });
    await restore.whole(on.directory);
    await on.server.write(database, [`cpu,host=h9 usage=1 ${ago(-1)}`, `fresh v=1 ${ago(-1)}`], 'autogen');
    equal(await restore.engine.check(restore.context, on.directory));
    await change(on.server, database, 'DROP MEASUREMENT flags');
    expect((await restore.engine.check(restore.context, on.directory)).mismatches[0]).toMatch(
      /^measurement autogen\.flags/,
    );
  },
  minutes,
);

test(
  'a database that is dropped while it is counted is missing, whatever the server said meanwhile',
  async () => {
    let dropped: Promise<unknown> | undefined;
    const proxy = await startInfluxdbProxy(on.server.httpPort, (statement, answer, reply) => {
      if (!statement.startsWith('SHOW RETENTION POLICIES') || dropped !== undefined) return false;
      reply.writeHead(answer.statusCode ?? 500, answer.headers);
      dropped = drop().finally(() => answer.pipe(reply));
      return true;
    });
    try {
      const influxdb = { ...on.target.influxdb, httpPort: proxy.port };
      const { engine, context } = on.bench.restore({ target: { influxdb } });
      expect((await engine.check(context, on.directory)).mismatches).toEqual([`database ${database}: missing`]);
      await dropped;
    } finally {
      await proxy.stop();
    }
  },
  minutes,
);

test(
  'what a retention policy removes after a restore is no difference, and is told; what else goes is one',
  async () => {
    const day = 86_400_000;
    const now = () => new Date(Date.now() + 59 * day);
    const facts = influxdbFacts.parse(JSON.parse(await readFile(join(on.directory, 'facts.json'), 'utf8')));
    const expired = facts.shards.filter(
      ({ policy, end }) => policy === 'a week or two' && Date.parse(end) + 60 * day < now().getTime(),
    );
    expect(expired.length).toBeGreaterThan(0);
    const { engine, context } = on.bench.restore({ target: on.target, now });
    await engine.load(context, on.directory);
    const starts = new Set(expired.map(({ start }) => start));
    const shards = (await on.server.query('SHOW SHARDS')).flatMap(({ name, values = [] }) =>
      name === loaded ? values.map(([id, , policy, , start]) => ({ id, policy, start: String(start) })) : [],
    );
    const own = shards.filter(({ policy }) => policy === 'a week or two');
    for (const { id } of own.filter(({ start }) => starts.has(start)))
      await on.server.query(`DROP SHARD ${String(id)}`);
    equal(await engine.compare(context, on.directory));

    const [other] = own.filter(({ start }) => !starts.has(start));
    await on.server.query(`DROP SHARD ${String(other?.id)}`);
    expect((await engine.compare(context, on.directory)).mismatches).not.toEqual([]);
  },
  minutes,
);

test('facts that are not there, and a backup that is damaged, are refused', async () => {
  const { engine, context } = on.bench.restore({ target: on.target });
  await writeFile(join(on.directory, 'facts.json'), '{}');
  expect(await failureOf(engine.load(context, on.directory))).toMatch(/^BackupDamaged: /);
  expect(await databases()).toEqual([database]);
});

test('an account without rights is told at the first look', async () => {
  const guarded = await startInfluxdb({ auth: true });
  try {
    await guarded.query(`CREATE USER root WITH PASSWORD 'root' WITH ALL PRIVILEGES`);
    const account = { username: 'root', password: 'root' };
    await guarded.query(`CREATE USER reader WITH PASSWORD 'reader'`, account);
    const secret = join(on.bench.scratch, '../account');
    await mkdir(secret);
    for (const key of ['username', 'password']) await writeFile(join(secret, key), 'reader');
    const { engine, context } = on.bench.restore({
      target: {
        influxdb: {
          host: guarded.host,
          httpPort: guarded.httpPort,
          rpcPort: guarded.rpcPort,
          database,
          credentials: { directory: secret, secret: 'account' },
        },
      },
    });
    expect(await failureOf(engine.look(context, undefined))).toMatch(/^PrivilegeMissing: /);
    for (const key of ['username', 'password']) await writeFile(join(secret, key), 'root');
    expect(await engine.look(context, undefined)).toMatchObject({ present: false, objects: 0, missing: [] });
    await engine.load(context, on.directory);
    equal(await engine.compare(context, on.directory));
  } finally {
    await guarded.stop();
  }
}, 60_000);
