import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createServer } from 'node:http';
import { execa } from 'execa';
import { createInfluxdbVerifier } from '../../src/agent/engines/influxdb/verify.ts';
import { freeBytes } from '../../src/agent/space.ts';
import type { VerifyEngine } from '../../src/agent/verify/engine.ts';
import { outcomeOf } from './support/agent.ts';
import { makeDirectory } from './support/directories.ts';
import { makeEngineBench, reasonOf, verdictOf, withPath, type EngineBench } from './support/engine-verify.ts';
import { change, dropDatabases, startInfluxdb, type InfluxdbServer } from './support/influxdb.ts';
import { benchDatabase, makeInfluxdbBench, type InfluxdbBench } from './support/influxdb-bench.ts';
import { startInfluxdbProxy } from './support/influxdb-proxy.ts';
import { freePort } from './support/ports.ts';
import { makePrograms } from './support/programs.ts';
import { ago, everythingIn, prepareSample } from './support/sample-influxdb.ts';
import { startSlowUploads } from './support/slow-uploads.ts';
import { withSmallDisk } from './support/small-disk.ts';

const database = benchDatabase;
const minutes = 120_000;

let source: InfluxdbServer;
let scratch: InfluxdbServer;
let dumps: InfluxdbBench;
let place: Awaited<ReturnType<typeof makeDirectory>>;
let bench: EngineBench;
let engine: VerifyEngine;

/** Times of points that tests change: each is taken once, since `ago` moves on. */
const smallAt = ago(200 * 86_400);

/** A dump of the sample, as the agent made it; and the same after some values were changed. */
const older = (): string => join(place.path, 'older');
const whole = (): string => join(place.path, 'whole');

/** A local copy as the agent makes it. */
const dumped = async (name = database): Promise<string> => {
  const end = await dumps.dump({ influxdb: { database: name } });
  if (outcomeOf(end) !== 'Succeeded') throw new Error(end.log);
  return dumps.newest();
};

beforeAll(async () => {
  [source, scratch] = await Promise.all([startInfluxdb(), startInfluxdb({ scratch: true })]);
  place = await makeDirectory();
  dumps = await makeInfluxdbBench(source);
  await prepareSample(source, database);
  await source.query(
    `CREATE CONTINUOUS QUERY hourly ON ${database} BEGIN SELECT mean(usage) INTO autogen.cpu_mean FROM autogen.cpu GROUP BY time(1h) END`,
  );
  await source.write(database, [`small,t=a v=1 ${smallAt}`, `small,t=b v=2 ${smallAt}`], 'autogen');
  await cp(await dumped(), older(), { recursive: true });
  await source.write(database, [`small,t=a v=3 ${smallAt}`], 'autogen');
  await cp(await dumped(), whole(), { recursive: true });
}, minutes);
afterAll(async () => {
  await Promise.all([source?.stop(), scratch?.stop()]);
  await dumps?.remove();
  await place?.remove();
});
beforeEach(async () => {
  const sandbox = { httpPort: scratch.httpPort, rpcPort: scratch.rpcPort };
  bench = await makeEngineBench({ influxdb: sandbox });
  engine = createInfluxdbVerifier(sandbox);
});
afterEach(async () => {
  await bench.remove();
  await dropDatabases(scratch);
});

const load = async (directory: string): Promise<void> => {
  await engine.start(bench.context);
  await engine.load(bench.context, directory);
};

test(
  'a backup with everything that is hard loads, and is found equal in all of it',
  async () => {
    const directory = await bench.lay(whole());
    const server = await engine.start(bench.context);
    expect(server).toMatch(/^influxdb 1\.6\.7/);
    expect(await engine.unsuitable(directory, server)).toBeUndefined();
    await engine.load(bench.context, directory);
    const { objects, rows, ...found } = await engine.compare(bench.context, directory);
    expect(found).toEqual({ mismatches: [], notWitnessed: [] });
    expect(objects).toBeGreaterThan(35);
    expect(rows).toBeGreaterThan(36_000);
    // By the stock tools as well, which know nothing of facts.
    expect(await everythingIn(scratch, database)).toEqual(await everythingIn(source, database));
    // What a backup does not bring back, and the dump says so.
    expect((await scratch.query('SHOW CONTINUOUS QUERIES')).flatMap(({ values = [] }) => values)).toEqual([]);
    await engine.clear(bench.context);
    expect(await scratch.query('SHOW DATABASES')).toEqual([{ name: 'databases', columns: ['name'] }]);
    expect(await verdictOf(engine, bench, directory)).toMatchObject({ mismatches: [] });
  },
  minutes,
);

/** The time of the newest point of a measurement; whole seconds, so that a number has it exactly. */
const newest = async (measurement: string): Promise<string> => {
  const name = measurement.replaceAll('"', String.raw`\"`);
  const [series] = await scratch.query(`SELECT * FROM ${database}.autogen."${name}" ORDER BY time DESC LIMIT 1`);
  return String(BigInt(series?.values?.[0]?.[0] as number));
};

describe('what differs after the load is named', () => {
  test.each([
    {
      what: 'points were dropped',
      tamper: () => change(scratch, database, `DELETE FROM cpu WHERE host = 'h2'`),
      mismatches: [
        /^measurement autogen\.cpu usage \(float\): 3000 points instead of 6000$/,
        /^shard of autogen from /,
      ],
    },
    {
      what: 'one value was changed',
      tamper: async () => scratch.write(database, [`flags b=true,c=true ${await newest('flags')}`], 'autogen'),
      mismatches: [/^measurement autogen\.flags c \(boolean\): other values, tags or times in its 1 point$/],
    },
    {
      what: 'one value of 64 bits was changed by one',
      tamper: async () => {
        const at = await newest('odd name,with"all');
        const line = String.raw`odd\ name\,with"all,tag\ key\=x=other v=9223372036854775806i ${at}`;
        await scratch.write(database, [line], 'autogen');
      },
      mismatches: [/odd name,with"all v \(integer\): other values/],
    },
    {
      what: 'a tag was changed',
      tamper: async () => {
        await change(scratch, database, `DELETE FROM small WHERE t = 'a'`);
        await scratch.write(database, [`small,t=c v=3 ${smallAt}`], 'autogen');
      },
      mismatches: [/^measurement autogen\.small v \(float\): other values/],
    },
    {
      what: 'a measurement is missing',
      tamper: () => change(scratch, database, 'DROP MEASUREMENT small'),
      mismatches: [/^measurement autogen\.small: missing, 2 points in 1 field$/, /^shard of autogen from /],
    },
    {
      what: 'a field is of another type',
      tamper: async () => {
        const at = await newest('flags');
        await change(scratch, database, 'DROP MEASUREMENT flags');
        await scratch.write(database, [`flags b="true",c=false ${at}`], 'autogen');
      },
      mismatches: [/flags b \(boolean\): missing, 1 point$/, /flags b \(string\): unexpected, 1 point$/],
    },
    {
      what: 'there is more than there was',
      tamper: () => scratch.write(database, [`stranger v=1 ${smallAt}`], 'autogen'),
      mismatches: [/^measurement autogen\.stranger v \(float\): unexpected, 1 point$/],
    },
    {
      what: 'a retention policy is missing',
      tamper: () => scratch.query(`DROP RETENTION POLICY "a week or two" ON ${database}`),
      mismatches: [
        /^retention policy a week or two: missing$/,
        /^measurement a week or two\.cpu: missing, 12000 points/,
      ],
    },
    {
      what: 'a retention policy keeps less, and is another default',
      tamper: () => scratch.query(`ALTER RETENTION POLICY "a week or two" ON ${database} DURATION 30d DEFAULT`),
      mismatches: [
        /^retention policy a week or two: duration 720h0m0s instead of 1440h0m0s, default true instead of false$/,
        /^retention policy õhtu-"q": default false instead of true$/,
      ],
    },
    {
      what: 'the database is gone',
      tamper: () => scratch.query(`DROP DATABASE ${database}`),
      mismatches: [/^database telegraf: missing$/],
    },
  ])(
    '$what',
    async ({ tamper, mismatches }) => {
      const directory = await bench.lay(whole());
      await load(directory);
      await tamper();
      const found = await engine.compare(bench.context, directory);
      expect(found.mismatches.length).toBeGreaterThan(0);
      for (const words of mismatches) {
        expect(found.mismatches).toEqual(expect.arrayContaining([expect.stringMatching(words)]));
      }
    },
    minutes,
  );
});

interface Manifest {
  files: { fileName: string; size: number; shardID: number }[];
}

const manifestIn = async (directory: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(directory, 'backup.manifest'), 'utf8')) as Manifest;
const writeManifest = (directory: string, manifest: unknown): Promise<void> =>
  writeFile(join(directory, 'backup.manifest'), JSON.stringify(manifest));

/** The file of the shard with the measurement `small`, which alone is another in the older dump. */
const smallShard = async (): Promise<string> => {
  for (const { fileName } of (await manifestIn(whole())).files) {
    const [now, before] = await Promise.all([whole(), older()].map((copy) => readFile(join(copy, fileName))));
    if (now !== undefined && before !== undefined && !now.equals(before)) return fileName;
  }
  throw new Error('no shard differs');
};

/** Changes what a shard's file holds, unpacked; the manifest says its size. */
const repack = async (directory: string, name: string, change: (tar: Buffer) => Buffer): Promise<void> => {
  const path = join(directory, name);
  const tar = change(gunzipSync(await readFile(path)));
  await writeFile(path, gzipSync(tar, { level: 0 }));
  const manifest = await manifestIn(directory);
  await writeManifest(directory, {
    ...manifest,
    files: manifest.files.map((file) => (file.fileName === name ? { ...file, size: tar.length } : file)),
  });
};

const factsOf = async (directory: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(directory, 'facts.json'), 'utf8')) as Record<string, unknown>;
const changeFacts = async (
  directory: string,
  edit: (facts: Record<string, unknown>) => Record<string, unknown>,
): Promise<void> => writeFile(join(directory, 'facts.json'), JSON.stringify(edit(await factsOf(directory))));

describe('a backup that is not what was dumped', () => {
  test.each<{ what: string; tamper: (directory: string) => Promise<void>; expected: RegExp }>([
    {
      what: 'the file of a shard is missing',
      tamper: async (directory) => rm(join(directory, await smallShard())),
      expected: /^BackupNotLoadable: .*backup\.s\d+\.tar\.gz: missing\.$/,
    },
    {
      what: 'a shard is exchanged with an older one',
      tamper: async (directory) => cp(join(older(), await smallShard()), join(directory, await smallShard())),
      expected: /^BackupNotLoadable: .*backup\.s\d+\.tar\.gz: it has \d+ bytes unpacked instead of \d+\.$/,
    },
    {
      what: 'the archive in a shard is cut, and packed well',
      tamper: async (directory) => repack(directory, await smallShard(), (tar) => tar.subarray(0, 700)),
      expected: /^BackupNotLoadable: .*backup\.s\d+\.tar\.gz: /,
    },
    {
      what: 'a shard lacks its end mark',
      tamper: async (directory) => repack(directory, await smallShard(), (tar) => tar.subarray(0, -1024)),
      expected: /^BackupNotLoadable: .*it lacks its end mark\.$/,
    },
    {
      what: 'a shard is that of another',
      tamper: async (directory) => {
        const other = (await manifestIn(directory)).files.find(({ fileName }) => fileName.endsWith('.s1.tar.gz'));
        const bytes = gunzipSync(await readFile(join(directory, other?.fileName ?? '')));
        await repack(directory, await smallShard(), () => bytes);
      },
      expected: /^BackupNotLoadable: .*it holds telegraf\/.* instead of files of telegraf\//,
    },
    {
      what: 'the manifest is missing',
      tamper: (directory) => rm(join(directory, 'backup.manifest')),
      expected: /^BackupNotLoadable: .*there are 0 manifests instead of one\.$/,
    },
    {
      what: 'the manifest is cut',
      tamper: async (directory) => {
        const text = await readFile(join(directory, 'backup.manifest'), 'utf8');
        await writeFile(join(directory, 'backup.manifest'), text.slice(0, -20));
      },
      expected: /^BackupNotLoadable: .*the manifest cannot be read\.$/,
    },
    {
      what: 'there is a second manifest, which a restore would take too',
      tamper: (directory) => cp(join(directory, 'backup.manifest'), join(directory, 'more.manifest')),
      expected: /^BackupNotLoadable: .*there are 2 manifests instead of one\.$/,
    },
    {
      what: 'the metadata are missing',
      tamper: (directory) => rm(join(directory, 'backup.meta')),
      expected: /^BackupNotLoadable: .*backup\.meta: missing\.$/,
    },
    {
      what: 'the metadata are cut',
      tamper: async (directory) => {
        const bytes = await readFile(join(directory, 'backup.meta'));
        await writeFile(join(directory, 'backup.meta'), bytes.subarray(0, -40));
      },
      expected: /^BackupNotLoadable: .*backup\.meta: it is shorter than the manifest says\.$/,
    },
    {
      what: 'it is of another database',
      tamper: async (directory) => changeFacts(directory, (facts) => ({ ...facts, database: 'other' })),
      expected: /^BackupNotLoadable: .*names the database "telegraf" instead of "other"\.$/,
    },
    {
      what: 'it has no facts',
      tamper: (directory) => rm(join(directory, 'facts.json')),
      expected: /^BackupDamaged: facts\.json of the backup is not there\.$/,
    },
    {
      what: 'its facts are those of another kind of source',
      tamper: async (directory) => changeFacts(directory, (facts) => ({ ...facts, engine: 'git' })),
      expected: /^BackupDamaged: facts\.json of the backup cannot be read/,
    },
  ])(
    'is not loaded: $what',
    async ({ tamper, expected }) => {
      const directory = await bench.lay(whole());
      await tamper(directory);
      expect(await verdictOf(engine, bench, directory)).toMatch(expected);
      expect(await scratch.query('SHOW DATABASES')).toEqual([{ name: 'databases', columns: ['name'] }]);
    },
    minutes,
  );

  test.each<{ what: string; tamper: (directory: string) => Promise<void>; mismatches: RegExp[] }>([
    {
      what: 'a shard is missing, and its manifest knows nothing of it',
      tamper: async (directory) => {
        const name = await smallShard();
        const manifest = await manifestIn(directory);
        await rm(join(directory, name));
        await writeManifest(directory, {
          ...manifest,
          files: manifest.files.filter(({ fileName }) => fileName !== name),
        });
      },
      mismatches: [/^measurement autogen\.small: missing, 2 points in 1 field$/, /^shard of autogen from .*: .*2/],
    },
    {
      what: 'a shard is exchanged with an older one, and its manifest agrees',
      tamper: async (directory) => {
        const bytes = gunzipSync(await readFile(join(older(), await smallShard())));
        await repack(directory, await smallShard(), () => bytes);
      },
      mismatches: [/^measurement autogen\.small v \(float\): other values/],
    },
    {
      what: 'a shard holds nothing',
      tamper: async (directory) => repack(directory, await smallShard(), () => Buffer.alloc(1024)),
      mismatches: [/^measurement autogen\.small: missing, 2 points in 1 field$/],
    },
    {
      what: 'the metadata are those of an older dump, of other policies',
      tamper: async (directory) => {
        await changeFacts(directory, (facts) => ({
          ...facts,
          retentionPolicies: [{ ...(facts['retentionPolicies'] as object[])[0], name: 'gone' }],
        }));
      },
      mismatches: [/^retention policy gone: missing$/, /^retention policy autogen: unexpected$/],
    },
    {
      what: 'a bit of the points is another',
      tamper: async (directory) =>
        repack(directory, await smallShard(), (tar) => {
          const changed = Buffer.from(tar);
          const three = Buffer.alloc(8);
          three.writeDoubleBE(3);
          changed.writeDoubleBE(3.5, changed.indexOf(three));
          return changed;
        }),
      mismatches: [/^measurement autogen\.small v \(float\): other values, tags or times in its 2 points$/],
    },
  ])(
    'is found out after the load: $what',
    async ({ tamper, mismatches }) => {
      const directory = await bench.lay(whole());
      await tamper(directory);
      const found = await verdictOf(engine, bench, directory);
      if (typeof found === 'string') throw new Error(found);
      for (const words of mismatches) {
        expect(found.mismatches).toEqual(expect.arrayContaining([expect.stringMatching(words)]));
      }
    },
    minutes,
  );

  test(
    'what the facts do not witness is said, and the rest is compared all the same',
    async () => {
      const directory = await bench.lay(whole());
      const isFlags = ({ measurement }: { measurement: string }): boolean => measurement === 'flags';
      await changeFacts(directory, (facts) => ({
        ...facts,
        fields: (facts['fields'] as { measurement: string }[]).map((field) =>
          isFlags(field) ? { ...field, content: { unknown: 'written to during the dump' } } : field,
        ),
      }));
      expect(await verdictOf(engine, bench, directory)).toMatchObject({
        mismatches: [],
        notWitnessed: [
          'measurement autogen.flags b (boolean): written to during the dump',
          'measurement autogen.flags c (boolean): written to during the dump',
        ],
      });
      await engine.clear(bench.context);
      await changeFacts(directory, (facts) => ({
        ...facts,
        fields: [],
        shards: [],
        unknown: 'counting was not done after 60 s',
      }));
      expect(await verdictOf(engine, bench, directory)).toEqual({
        objects: 3,
        rows: 0,
        mismatches: [],
        notWitnessed: ['the whole: counting was not done after 60 s'],
      });
    },
    minutes,
  );
});

/** The real tool is at hand as $influxd, and the arguments are its own. */
const withInfluxd = async <T>(script: string, work: () => Promise<T>): Promise<T> => {
  const programs = await makePrograms({ influxd: `influxd=/usr/bin/influxd\n${script}` });
  try {
    return await withPath(programs.path, work);
  } finally {
    await programs.remove();
  }
};

describe('a tool that lies', () => {
  test.each<{ what: string; script: string; expected: RegExp }>([
    {
      what: 'does nothing and says it succeeded',
      script: 'exit 0',
      expected: /^BackupNotLoadable: .*no database "telegraf"/,
    },
    {
      what: 'says it made nothing',
      script: 'echo "restore: DB metadata not changed. database may already exist" >&2; exit 1',
      expected: /^BackupNotLoadable: influxd restore made no database "telegraf" out of \d+ shards\.$/,
    },
    {
      what: 'reports an error',
      script: 'echo "restore: shard is on fire" >&2; exit 1',
      expected: /^BackupNotLoadable: influxd ended with status 1: restore: shard is on fire/,
    },
    { what: 'is killed', script: 'kill -9 $$', expected: /^SandboxUnavailable: influxd was ended by SIGKILL/ },
    {
      what: 'would try again for minutes',
      script: 'echo "Restore shard 1 failed connection reset. Waiting 2s and retrying (0)..." >&2; sleep 60',
      expected: /^SandboxUnavailable: influxd met an error and would have tried again/,
    },
  ])('$what', async ({ script, expected }) => {
    const directory = await bench.lay(whole());
    expect(await withInfluxd(script, () => verdictOf(engine, bench, directory))).toMatch(expected);
  });

  test(
    'loads half of the data and says it succeeded',
    async () => {
      const directory = await bench.lay(whole());
      const half = `copy=$(mktemp -d); cp -r "\${@: -1}"/. "$copy"
python3 - "$copy/backup.manifest" <<'EOF'
import json, sys
manifest = json.load(open(sys.argv[1]))
manifest['files'] = manifest['files'][: len(manifest['files']) // 2]
json.dump(manifest, open(sys.argv[1], 'w'))
EOF
"$influxd" "\${@:1:$#-1}" "$copy"; status=$?; rm -r "$copy"; exit $status`;
      const found = await withInfluxd(half, () => verdictOf(engine, bench, directory));
      if (typeof found === 'string') throw new Error(found);
      expect(found.mismatches.length).toBeGreaterThan(5);
      expect(found.mismatches.join('\n')).toMatch(/instead of \d+|missing/);
    },
    minutes,
  );

  test(
    'hangs: it is stopped when the time is over',
    async () => {
      await bench.remove();
      const sandbox = { httpPort: scratch.httpPort, rpcPort: scratch.rpcPort };
      bench = await makeEngineBench({ influxdb: sandbox }, { deadlineSeconds: 3 });
      const directory = await bench.lay(whole());
      expect(await withInfluxd('exec sleep 60', () => verdictOf(engine, bench, directory))).toMatch(
        /^DeadlineExceeded/,
      );
    },
    minutes,
  );
});

describe('a scratch server that is not there', () => {
  test('none answers in time', async () => {
    const sandbox = { httpPort: await freePort(), rpcPort: scratch.rpcPort };
    await bench.remove();
    bench = await makeEngineBench({ influxdb: sandbox }, { startSeconds: 1 });
    const none = createInfluxdbVerifier(sandbox);
    expect(await none.start(bench.context).catch(reasonOf)).toMatch(
      /^SandboxUnavailable: The scratch server \(InfluxDB\) did not answer at port \d+ \(HTTP\) within 1 s\.$/,
    );
    const deaf = createInfluxdbVerifier({ httpPort: scratch.httpPort, rpcPort: sandbox.httpPort });
    expect(await deaf.start(bench.context).catch(reasonOf)).toMatch(
      /^SandboxUnavailable: .* did not answer at port \d+ \(backup service\) within 1 s\.$/,
    );
  });

  test(
    'one that comes later is waited for',
    async () => {
      const late = await startInfluxdb({ scratch: true });
      try {
        await late.kill();
        const begun = createInfluxdbVerifier(late).start(bench.context);
        await sleep(500);
        await late.restart();
        expect(await begun).toMatch(/^influxdb 1\.6\.7/);
      } finally {
        await late.stop();
      }
    },
    minutes,
  );

  test.each([
    { what: 'dies while it is loaded', script: 'kill -9 $SERVER; sleep 0.2; exec "$influxd" "$@"' },
    { what: 'dies when it was loaded', script: '"$influxd" "$@"; kill -9 $SERVER; sleep 0.2' },
  ])(
    'one that $what',
    async ({ script }) => {
      const doomed = await startInfluxdb({ scratch: true });
      try {
        const directory = await bench.lay(whole());
        const verifier = createInfluxdbVerifier(doomed);
        const began = Date.now();
        const found = await withInfluxd(script.replace('$SERVER', String(doomed.pid())), () =>
          verdictOf(verifier, bench, directory),
        );
        expect(found).toMatch(/^SandboxUnavailable: The scratch server \(InfluxDB\) stopped\.$/);
        expect(Date.now() - began).toBeLessThan(45_000);
      } finally {
        await doomed.stop();
      }
    },
    minutes,
  );

  test.each([
    { what: 'kept what was loaded', between: async () => undefined },
    {
      what: 'is empty',
      between: async (directory: string) => {
        for (const name of ['data', 'meta', 'wal']) await rm(join(directory, name), { recursive: true });
      },
    },
  ])(
    'one that was started anew after the load and $what: nothing is said of the backup',
    async ({ between }) => {
      const doomed = await startInfluxdb({ scratch: true });
      try {
        const directory = await bench.lay(whole());
        const verifier = createInfluxdbVerifier(doomed);
        await verifier.start(bench.context);
        await verifier.load(bench.context, directory);
        await doomed.restart(() => between(doomed.directory));
        expect(await verifier.compare(bench.context, directory).catch(reasonOf)).toMatch(
          /^SandboxUnavailable: The scratch server \(InfluxDB\) stopped and was started anew, empty\.$/,
        );
      } finally {
        await doomed.stop();
      }
    },
    minutes,
  );

  test('one of another release, which the message names', async () => {
    const proxy = await startInfluxdbProxy(scratch.httpPort, (statement, _answer, reply) => {
      if (statement !== '/ping') return false;
      reply.writeHead(204, { 'X-Influxdb-Version': 'v2.7.6' }).end();
      return true;
    });
    try {
      const other = createInfluxdbVerifier({ httpPort: proxy.port, rpcPort: await freePort() });
      const directory = await bench.lay(whole());
      const server = await other.start(bench.context);
      expect(server).toBe('influxdb 2.7.6');
      expect(await other.unsuitable(directory, server)).toBe(
        'The source was InfluxDB 1.6, and the scratch server is influxdb 2.7.6: it needs an image of influxdb 1.6.',
      );
      for (const running of ['influxdb 1.8.10', 'influxdb 1.60.1', 'mariadb 1.6.1']) {
        expect(await other.unsuitable(directory, running)).toContain('needs an image of influxdb 1.6');
      }
      expect(await other.unsuitable(directory, 'influxdb 1.6.0')).toBeUndefined();
    } finally {
      await proxy.stop();
    }
  });

  test('one that is not empty is not loaded into', async () => {
    await scratch.query('CREATE DATABASE before');
    const directory = await bench.lay(whole());
    expect(await verdictOf(engine, bench, directory)).toBe(
      'SandboxUnavailable: The scratch server (InfluxDB) is not empty: it has the database before.',
    );
    expect((await scratch.query('SHOW DATABASES'))[0]?.values).toEqual([['before']]);
    await engine.clear(bench.context);
    expect((await scratch.query('SHOW DATABASES'))[0]?.values).toBeUndefined();
  });

  /** Leaves a disk with so many bytes. */
  const fill = async (disk: string, free: number): Promise<void> =>
    writeFile(join(disk, 'filler'), Buffer.alloc(Math.max(0, (await freeBytes(disk)) - free)));

  test('a disk that is too small is told before the load', async () => {
    const disk = join(bench.fetched, 'small');
    await withSmallDisk(disk, '8m', async () => {
      const directory = join(disk, 'latest');
      await cp(whole(), directory, { recursive: true });
      await fill(disk, 64 * 1024);
      const context = { ...bench.context, task: { ...bench.context.task, fetched: disk } };
      expect(await verdictOf(engine, { context }, directory)).toMatch(
        /^SandboxTooSmall: The scratch space has .* free, and the server needs about .* for this backup/,
      );
      expect((await scratch.query('SHOW DATABASES'))[0]?.values).toBeUndefined();
    });
  });

  test(
    'a disk that is full while the server takes it in: nothing is said of the backup',
    async () => {
      const disk = join(bench.fetched, 'small');
      await withSmallDisk(disk, '32m', async () => {
        const directory = join(disk, 'latest');
        await cp(whole(), directory, { recursive: true });
        const context = { ...bench.context, task: { ...bench.context.task, fetched: disk } };
        await mkdir(join(disk, 'server'));
        const cramped = await startInfluxdb({ scratch: true, root: join(disk, 'server') });
        try {
          const script = `dd if=/dev/zero of=${disk}/filler bs=4096 status=none; truncate -s -64K ${disk}/filler; exec "$influxd" "$@"`;
          const verifier = createInfluxdbVerifier(cramped);
          expect(await withInfluxd(script, () => verdictOf(verifier, { context }, directory))).toMatch(
            /^SandboxTooSmall: /,
          );
        } finally {
          await cramped.stop();
        }
      });
    },
    minutes,
  );
});

describe('shards that the server has not taken in when the tool ends', () => {
  test.each([
    // That a shard is still on its way nobody can tell; one that is closed is not loaded.
    { what: 'come a moment later', headMs: 1000, restMs: 1000, loadMs: 0 },
    { what: 'are closed until they are there', headMs: 0, restMs: 4000, loadMs: 4000 },
    { what: 'are closed only after a moment, and for long', headMs: 1000, restMs: 8000, loadMs: 0 },
  ])(
    'are waited for, and not said to be missing: they $what',
    async ({ headMs, restMs, loadMs }) => {
      const slow = await startSlowUploads(scratch.rpcPort, { headMs, restMs });
      try {
        const verifier = createInfluxdbVerifier({ httpPort: scratch.httpPort, rpcPort: slow.port });
        const directory = await bench.lay(whole());
        await verifier.start(bench.context);
        const began = Date.now();
        await verifier.load(bench.context, directory);
        expect(Date.now() - began).toBeGreaterThanOrEqual(loadMs);
        expect(await verifier.compare(bench.context, directory)).toMatchObject({ mismatches: [], notWitnessed: [] });
      } finally {
        await slow.stop();
      }
    },
    minutes,
  );
});

test.each([{ statements: 'SELECT' }, { statements: 'SHOW FIELD KEYS' }])(
  'while the server answers $statements with a shard that is disabled, it is asked again',
  async ({ statements }) => {
    let until = 0;
    const proxy = await startInfluxdbProxy(scratch.httpPort, (statement, _answer, reply) => {
      if (!statement.startsWith(statements) || Date.now() > until) return false;
      reply.writeHead(500, { 'Content-Type': 'application/json' }).end('{"error":"shard is disabled"}');
      return true;
    });
    try {
      const verifier = createInfluxdbVerifier({ httpPort: proxy.port, rpcPort: scratch.rpcPort });
      const directory = await bench.lay(whole());
      await verifier.start(bench.context);
      await verifier.load(bench.context, directory);
      until = Date.now() + 6000;
      expect(await verifier.compare(bench.context, directory)).toMatchObject({ mismatches: [], notWitnessed: [] });
      expect(Date.now()).toBeGreaterThan(until);
    } finally {
      await proxy.stop();
    }
  },
  minutes,
);

describe('databases', () => {
  test('an empty one is made, and is found empty', async () => {
    await source.query('CREATE DATABASE nothing');
    const directory = await bench.lay(await dumped('nothing'));
    expect(await verdictOf(engine, bench, directory)).toEqual({
      objects: 1,
      rows: 0,
      mismatches: [],
      notWitnessed: [],
    });
    await scratch.write('nothing', ['m v=1 1'], 'autogen');
    const { mismatches } = await engine.compare(bench.context, directory);
    expect(mismatches).toContain('measurement autogen.m v (float): unexpected, 1 point');
  });

  test(
    'points that are older by now than their retention policy keeps are compared all the same',
    async () => {
      await source.query('CREATE DATABASE aged WITH DURATION INF SHARD DURATION 1h NAME short');
      await source.write(
        'aged',
        Array.from({ length: 50 }, (_unused, hour) => `m,host=h v=${hour}i ${ago(hour * 3600)}`),
        'short',
      );
      await source.query('ALTER RETENTION POLICY short ON aged DURATION 2h');
      const directory = await bench.lay(await dumped('aged'));
      expect(await verdictOf(engine, bench, directory)).toMatchObject({
        rows: expect.any(Number),
        mismatches: [],
        notWitnessed: [],
      });
      expect((await scratch.query('SELECT count(v) FROM aged.short.m'))[0]?.values?.[0]?.[1]).toBe(50);
    },
    minutes,
  );

  test(
    'a subscription comes back, and the scratch server sends it nothing',
    async () => {
      const heard: string[] = [];
      const listener = createServer((request, response) => {
        heard.push(request.url ?? '');
        response.end();
      });
      const port = await freePort();
      await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
      try {
        await source.query('CREATE DATABASE sends');
        await source.query(`CREATE SUBSCRIPTION out ON sends.autogen DESTINATIONS ALL 'http://127.0.0.1:${port}'`);
        await source.write('sends', [`m v=1 ${ago(60)}`]);
        const directory = await bench.lay(await dumped('sends'));
        expect(heard.length).toBeGreaterThan(0);
        heard.length = 0;
        expect(await verdictOf(engine, bench, directory)).toMatchObject({ mismatches: [] });
        expect(JSON.stringify(await scratch.query('SHOW SUBSCRIPTIONS'))).toContain('"out"');
        await scratch.write('sends', [`m v=2 ${ago(30)}`]);
        await sleep(1500);
        expect(heard).toEqual([]);
      } finally {
        listener.closeAllConnections();
        listener.close();
        await source.query('DROP DATABASE sends');
      }
    },
    minutes,
  );
});

describe('queries of the policy’s own', () => {
  const ask = async (statement: string): Promise<string> =>
    engine.query(bench.context, join(bench.fetched, 'latest'), statement).catch(reasonOf);

  test(
    'give rows as lines, and fail in words',
    async () => {
      await load(await bench.lay(whole()));
      expect(await ask('SELECT count(usage) FROM autogen.cpu')).toBe('0\t6000');
      expect(await ask('SELECT count(usage), max(busy) FROM autogen.cpu GROUP BY host')).toBe(
        'h1\t0\t3000\t2999\nh2\t0\t3000\t2999',
      );
      // By the database of the backup, to the last digit, and nothing for null.
      expect(await ask(String.raw`SELECT max(v) FROM autogen."odd name,with\"all"`)).toMatch(
        /^\d{19}\t9223372036854775807$/,
      );
      expect(await ask(`SELECT f, "field two" FROM autogen.floats`)).toMatch(
        /^\d{19}\t0\.1\t1e\+300\n\d{19}\t1\.7976931348623157e\+308\tNULL$/,
      );
      expect(await ask('SELECT b, c FROM autogen.flags')).toMatch(/^\d{19}\ttrue\tfalse$/);
      expect(await ask('SHOW RETENTION POLICIES')).toContain('a week or two\t1440h0m0s\t24h0m0s\t1\tfalse');
      expect(await ask('SELECT v FROM autogen.stranger')).toBe('');
      expect(await ask('SELECT nonsense FROM')).toMatch(
        /^QueryFailed: The server refused a query: error parsing query/,
      );
      expect(await ask('DROP DATABASE telegraf')).toMatch(/^QueryFailed: A query must begin with SELECT or SHOW/);
      expect(await ask('SELECT * FROM autogen.cpu')).toMatch(
        /^QueryFailed: The result of a query is longer than 65536/,
      );
    },
    minutes,
  );
});

test('the scratch server’s configuration is what its own tool takes it for, and it listens on loopback only', async () => {
  const { stdout } = await execa('influxd', ['config', '-config', join(scratch.directory, 'influxdb.conf')]);
  const section = (name: string): string => stdout.split(`[${name}]`)[1]?.split('\n[')[0] ?? '';
  for (const name of ['retention', 'continuous_queries', 'subscriber', 'shard-precreation']) {
    expect(`${name} ${section(name)}`).toMatch(/\n\s*enabled = false/);
  }
  expect(section('monitor')).toContain('store-enabled = false');
  expect(section('http')).toContain('auth-enabled = false');
  expect(section('data')).toMatch(/max-series-per-database = 0\n\s*max-values-per-tag = 0/);
  // Debian's build has it the other way round.
  expect(stdout).toMatch(/^reporting-(disabled = true|enabled = false)$/m);
  const listening = (await readFile(`/proc/${scratch.pid()}/net/tcp`, 'utf8'))
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const ports = [scratch.httpPort, scratch.rpcPort].map((port) => port.toString(16).toUpperCase().padStart(4, '0'));
  const own = listening.flatMap(([, local = '', , state]) =>
    state === '0A' && ports.some((port) => local.endsWith(`:${port}`)) ? [local.split(':')[0]] : [],
  );
  expect(own).toEqual(['0100007F', '0100007F']);
  expect(await readFile(`/proc/${scratch.pid()}/net/tcp6`, 'utf8')).not.toMatch(new RegExp(`:(${ports.join('|')}) `));
});
