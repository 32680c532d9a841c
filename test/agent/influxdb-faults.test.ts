import { readdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { outcomeOf, type AgentEnd } from './support/agent.ts';
import { change, removeShard, shardsOnDisk, startInfluxdb, type InfluxdbServer } from './support/influxdb.ts';
import { benchDatabase, makeInfluxdbBench, type InfluxdbBench } from './support/influxdb-bench.ts';
import { startInfluxdbProxy, type Interfere } from './support/influxdb-proxy.ts';
import { freePort } from './support/ports.ts';
import { makePrograms } from './support/programs.ts';
import { ago, cpuLines, prepareSample } from './support/sample-influxdb.ts';

const database = benchDatabase;

/** Most tests take two seconds, and many times that on a machine that does other things. */
const minutes = 120_000;
const account = { username: 'holdfast', password: 'correct horse battery staple' };

let server: InfluxdbServer;
let bench: InfluxdbBench;

beforeAll(async () => {
  server = await startInfluxdb();
  await prepareSample(server, database);
});
afterAll(() => server?.stop());
beforeEach(async () => {
  bench = await makeInfluxdbBench(server, account);
});
afterEach(() => bench?.remove());

/** The outcome, after looking at what holds after every failure: nothing half made is left, no copy counts, no secret is shown. */
const failureIn = async (end: AgentEnd): Promise<string> => {
  expect(end.exitCode).toBe(1);
  expect(end.result.made).toBeUndefined();
  expect(end.result.newest).toEqual({});
  expect(await bench.copies()).toEqual([]);
  const { copies, runs } = await bench.ledger();
  expect(copies).toEqual([]);
  expect(runs).toMatchObject([{ outcome: 'Failed', failure: end.result.failure }]);
  expect(end.log).not.toContain(account.password);
  expect(end.log).not.toContain(Buffer.from(`${account.username}:${account.password}`).toString('base64'));
  expect(await readdir(bench.files.scratch)).toEqual([]);
  return outcomeOf(end).replace(/^Failed: /, '');
};

const withPrograms = async <T>(influxd: string, work: (programs: string) => Promise<T>): Promise<T> => {
  const programs = await makePrograms({ influxd });
  try {
    return await work(programs.path);
  } finally {
    await programs.remove();
  }
};

const withProxy = async <T>(interfere: Interfere, work: (httpPort: number) => Promise<T>): Promise<T> => {
  const proxy = await startInfluxdbProxy(server.httpPort, interfere);
  try {
    return await work(proxy.port);
  } finally {
    await proxy.stop();
  }
};

describe('a source that cannot be used is told within seconds', () => {
  let silent: Server;
  let silentPort: number;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    silentPort = await freePort();
    silent = createServer((socket) => void sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(silentPort, '127.0.0.1', resolve));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test.each([
    {
      what: 'nothing listens at the HTTP port',
      influxdb: async () => ({ httpPort: await freePort() }),
      words: 'ECONNREFUSED',
    },
    {
      what: 'nothing listens at the RPC port',
      influxdb: async () => ({ rpcPort: await freePort() }),
      words: 'ECONNREFUSED',
    },
    { what: 'the name is unknown', influxdb: () => ({ host: 'nowhere.invalid' }), words: 'nowhere.invalid' },
    { what: 'the HTTP port says nothing', influxdb: () => ({ httpPort: silentPort }), words: 'HTTP API' },
    { what: 'the RPC port says nothing', influxdb: () => ({ rpcPort: silentPort }), words: 'no answer came' },
    { what: 'the RPC port is that of the HTTP API', influxdb: () => ({ rpcPort: server.httpPort }), words: 'rpcPort' },
    { what: 'the HTTP port is that of the RPC', influxdb: () => ({ httpPort: server.rpcPort }), words: 'HTTP API' },
  ])(
    '$what',
    async ({ influxdb, words }) => {
      const end = await bench.dump({ influxdb: await influxdb() });
      expect(await failureIn(end)).toBe('SourceUnreachable at Connect');
      expect(end.result.failure?.message).toContain(words);
      expect(end.seconds).toBeLessThan(27);
    },
    60_000,
  );

  test(
    'a database that is not there is named',
    async () => {
      const end = await bench.dump({ influxdb: { database: 'gone' } });
      expect(await failureIn(end)).toBe('DatabaseNotFound at Connect');
      expect(end.result.failure?.message).toContain('"gone"');
      expect(end.seconds).toBeLessThan(10);
    },
    minutes,
  );

  test(
    'the ports of two servers do not make one',
    async () => {
      const other = await startInfluxdb();
      try {
        const influxdb = { rpcPort: other.rpcPort };
        expect(await failureIn(await bench.dump({ influxdb }))).toBe('SourceUnreachable at Connect');
        await bench.remove();
        bench = await makeInfluxdbBench(server, account);
        await other.query(`CREATE DATABASE ${database}`);
        // More shards than the first has numbers for.
        await other.write(
          database,
          Array.from({ length: 60 }, (_unused, week) => `m v=1 ${ago(week * 7 * 86_400)}`),
        );
        const end = await bench.dump({ influxdb });
        expect(await failureIn(end)).toBe('SourceUnreachable at Connect');
        expect(end.result.failure?.message).toContain('different servers');
      } finally {
        await other.stop();
      }
    },
    minutes,
  );

  test(
    'a server of another version',
    () =>
      withProxy(
        (statement, _answer, reply) => {
          if (statement !== '/ping') return false;
          reply.writeHead(204, { 'X-Influxdb-Version': 'v2.7.6' }).end();
          return true;
        },
        async (httpPort) => {
          const end = await bench.dump({ influxdb: { httpPort } });
          expect(await failureIn(end)).toBe('SourceUnreachable at Connect');
          expect(end.result.failure?.message).toContain('v2.7.6');
        },
      ),
    minutes,
  );
});

describe('a server that asks for accounts', () => {
  let guarded: InfluxdbServer;
  beforeAll(async () => {
    guarded = await startInfluxdb({ auth: true });
  });
  afterAll(() => guarded?.stop());

  const dumpAs = async (who: { username: string; password: string } | undefined): Promise<AgentEnd> => {
    await bench.remove();
    bench = await makeInfluxdbBench(guarded, who);
    return bench.dump();
  };

  test(
    'without any, an account that is wrong or may too little, and the right one',
    async () => {
      expect(await failureIn(await dumpAs(account))).toBe('AccessDenied at Connect');

      await guarded.query(`CREATE USER "${account.username}" WITH PASSWORD '${account.password}' WITH ALL PRIVILEGES`);
      await guarded.query(
        `CREATE DATABASE ${database}; CREATE USER reader WITH PASSWORD 'reads'; GRANT READ ON ${database} TO reader`,
        account,
      );
      expect(await failureIn(await dumpAs({ ...account, password: 'wrong' }))).toBe('AccessDenied at Connect');
      expect(await failureIn(await dumpAs({ ...account, username: 'nobody' }))).toBe('AccessDenied at Connect');

      const without = await dumpAs(undefined);
      expect(await failureIn(without)).toBe('AccessDenied at Connect');
      expect(without.result.failure?.message).toContain('credentialsSecretRef');

      const reader = await dumpAs({ username: 'reader', password: 'reads' });
      expect(await failureIn(reader)).toBe('PrivilegeMissing at Connect');
      expect(reader.result.failure?.message).toContain('"reader"');

      const end = await dumpAs(account);
      expect(outcomeOf(end)).toBe('Succeeded');
      expect(end.log).not.toContain(account.password);
      expect(end.result.newest.localCopy?.notCovered).toEqual(['Users and grants are not restored: holdfast, reader']);
    },
    minutes,
  );

  test.each([
    { what: 'is missing', keys: undefined, reason: 'SecretMissing' },
    { what: 'lacks its password', keys: { username: 'holdfast', password: '' }, reason: 'SecretInvalid' },
  ])(
    'a Secret that $what is named',
    async ({ keys, reason }) => {
      await bench.remove();
      bench = await makeInfluxdbBench(guarded, keys ?? account);
      if (keys === undefined) await rm(join(bench.files.claim, '../secrets/influxdb-account'), { recursive: true });
      const end = await bench.dump();
      expect(await failureIn(end)).toBe(`${reason} at Prepare`);
      expect(end.result.failure?.message).toContain('influxdb-account');
    },
    minutes,
  );
});

/** The real tool, then something done to what it left; `$dir` is where. */
const spoilt = (commands: string): string => `set -e
/usr/bin/influxd "$@"
dir=\${@: -1}
cd "$dir"
manifest=$(ls *.manifest)
shard=$(ls *.tar.gz | sort -V | head -n 1)
# What the manifest says of sizes is made true again.
resize() { python3 - "$manifest" <<'EOF'
import gzip, json, sys
manifest = json.load(open(sys.argv[1]))
for file in manifest['files']: file['size'] = len(gzip.open(file['fileName']).read())
json.dump(manifest, open(sys.argv[1], 'w'))
EOF
}
edit() { python3 -c "import json; m = json.load(open('$manifest')); $1; json.dump(m, open('$manifest', 'w'))"; }
${commands}
exit 0`;

describe('a dump that is not whole never counts', () => {
  test.each([
    { what: 'writes nothing and says it succeeded', script: 'exit 0', expected: 'DumpTruncated at Check' },
    { what: 'is killed', script: '/usr/bin/influxd "$@" & sleep 0.02; kill -9 $$', expected: 'DumpTruncated at Dump' },
    { what: 'is stopped', script: 'kill -TERM $$', expected: 'DumpTruncated at Dump' },
    { what: 'reports an error', script: 'echo "backup: shard is on fire" >&2; exit 1', expected: 'DumpFailed at Dump' },
    { what: 'leaves no manifest', script: spoilt('rm "$manifest"'), expected: 'DumpTruncated at Check' },
    { what: 'cuts the manifest', script: spoilt('truncate -s -50 "$manifest"'), expected: 'DumpTruncated at Check' },
    {
      what: 'says it took a part only',
      script: spoilt(`edit "m['limited'] = True"`),
      expected: 'DumpTruncated at Check',
    },
    { what: 'leaves no metadata', script: spoilt('rm *.meta'), expected: 'DumpTruncated at Check' },
    { what: 'cuts the metadata', script: spoilt('truncate -s -20 *.meta'), expected: 'DumpTruncated at Check' },
    { what: 'loses a file of the manifest', script: spoilt('rm "$shard"'), expected: 'DumpTruncated at Check' },
    {
      what: 'leaves a shard out',
      script: spoilt(`rm "$shard"; edit "m['files'] = [f for f in m['files'] if f['fileName'] != '$shard']"`),
      expected: 'DumpFailed at Check',
    },
    {
      what: 'leaves all shards out',
      script: spoilt(`rm *.tar.gz; edit "m['files'] = None"`),
      expected: 'DumpFailed at Check',
    },
    {
      what: 'has a shard without its points',
      script: spoilt('tar cf - -T /dev/null | gzip >"$shard"; resize'),
      expected: 'DumpFailed at Check',
    },
    { what: 'cuts a shard', script: spoilt('truncate -s -100 "$shard"'), expected: 'DumpTruncated at Check' },
    {
      what: 'packs half of a shard',
      script: spoilt('gunzip <"$shard" | head -c 2000 | gzip >x; mv x "$shard"'),
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'packs half of a shard, and its manifest agrees',
      script: spoilt('gunzip <"$shard" | head -c 2000 | gzip >x; mv x "$shard"; resize'),
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'packs a shard without its end mark',
      script: spoilt('gunzip <"$shard" | head -c -1024 | gzip >x; mv x "$shard"; resize'),
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'packs more than its manifest says',
      script: spoilt('{ gunzip <"$shard"; head -c 1024 /dev/zero; } | gzip >x; mv x "$shard"'),
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'packs something else as points',
      script: spoilt(
        'tar xzf "$shard"; f=$(tar tzf "$shard" | grep tsm | head -n 1); echo nothing >"$f"; tar cf - "$f" | gzip >"$shard"; resize',
      ),
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'packs a shard as another',
      script: spoilt('other=$(ls *.tar.gz | sort -V | tail -n 1); cp "$other" "$shard"; resize'),
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'damages a shard',
      script: spoilt('printf X | dd of="$shard" bs=1 seek=100 conv=notrunc status=none'),
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'backs up another database',
      script: `/usr/bin/influxd "\${@/${database}/another}"`,
      expected: 'DumpFailed at Check',
      words: '"another"',
    },
  ])(
    'a tool that $what',
    async ({ script, expected, words = 'influxd' }) => {
      await server.query('CREATE DATABASE another');
      await server.write('another', [`m v=1 ${ago(60)}`]);
      await withPrograms(script, async (programs) => {
        const end = await bench.dump({ programs });
        expect(await failureIn(end)).toBe(expected);
        expect(end.result.failure?.message).toContain(words);
        expect(end.seconds).toBeLessThan(45);
      });
    },
    minutes,
  );

  test(
    'the server dies while it is dumped, and the tool would try again for minutes',
    async () => {
      const doomed = await startInfluxdb();
      try {
        await doomed.query(`CREATE DATABASE ${database}`);
        await doomed.write(database, cpuLines(1000));
        await bench.remove();
        bench = await makeInfluxdbBench(doomed);
        await withPrograms(`kill -9 ${doomed.pid()}; sleep 0.2; exec /usr/bin/influxd "$@"`, async (programs) => {
          const end = await bench.dump({ programs });
          expect(await failureIn(end)).toBe('SourceUnreachable at Dump');
          expect(end.seconds).toBeLessThan(45);
        });
      } finally {
        await doomed.stop();
      }
    },
    minutes,
  );

  test(
    'the server dies after it was dumped: nothing could be counted again',
    async () => {
      const doomed = await startInfluxdb();
      try {
        await doomed.query(`CREATE DATABASE ${database}`);
        await doomed.write(database, cpuLines(1000));
        await bench.remove();
        bench = await makeInfluxdbBench(doomed);
        await withPrograms(`/usr/bin/influxd "$@"; kill -9 ${doomed.pid()}; sleep 0.2`, async (programs) => {
          expect(await failureIn(await bench.dump({ programs }))).toBe('SourceUnreachable at Facts');
        });
      } finally {
        await doomed.stop();
      }
    },
    minutes,
  );

  test(
    'a tool that hangs is stopped at the deadline',
    () =>
      withPrograms('exec sleep 60', async (programs) => {
        const end = await bench.dump({ programs, task: { deadlineSeconds: 6 } });
        expect(await failureIn(end)).toBe('DeadlineExceeded at Dump');
        expect(end.seconds).toBeLessThan(45);
      }),
    minutes,
  );

  test(
    'a claim that is full is told, and the half dump is removed',
    async () => {
      await execa('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', bench.files.claim]);
      try {
        const end = await bench.dump();
        expect(outcomeOf(end)).toMatch(/^Failed: OutOfScratchSpace at (Dump|Check)$/);
        expect(end.result.failure?.message).toContain('localCopy.size');
        expect(end.seconds).toBeLessThan(45);
        expect(await bench.copies()).toEqual([]);
      } finally {
        await execa('umount', [bench.files.claim]);
      }
    },
    minutes,
  );
});

describe('deletions that the server has not carried out', () => {
  const withTombstone = spoilt(
    'gunzip "$shard"; mkdir -p x; f=$(tar tf "${shard%.gz}" | head -n 1); mkdir -p "$(dirname "$f")"; echo >"${f%.tsm}.tombstone"; tar rf "${shard%.gz}" "${f%.tsm}.tombstone"; gzip "${shard%.gz}"; resize',
  );

  test(
    'it is backed up again, and fails when they stay',
    () =>
      withPrograms(withTombstone, async (programs) => {
        const end = await bench.dump({ programs, task: { deadlineSeconds: 14 } });
        expect(await failureIn(end)).toBe('DumpFailed at Dump');
        expect(end.result.failure?.message).toContain('deleted points');
        expect(end.log).toContain('backed up again');
      }),
    minutes,
  );

  test(
    'it is backed up again, and succeeds when they are gone',
    () =>
      withPrograms(
        `if [ -e "$0.seen" ]; then exec /usr/bin/influxd "$@"; fi; touch "$0.seen"\n${withTombstone}`,
        async (programs) => {
          const end = await bench.dump({ programs });
          expect(outcomeOf(end)).toBe('Succeeded');
          expect(end.log).toContain('backed up again');
        },
      ),
    minutes,
  );
});

test(
  'a shard whose cache the server keeps from snapshots is waited for',
  async () => {
    const settling = await startInfluxdb();
    const started = Date.now();
    await bench.remove();
    bench = await makeInfluxdbBench(settling);
    try {
      await settling.query(`CREATE DATABASE ${database}`);
      await settling.write(database, [`kept v=1 ${ago(7200)}`, `doomed v=1 ${ago(7200)}`]);
      // What is written to disk by this is one file, and the shard is idle at the server's next look, and compacts no more.
      expect(outcomeOf(await bench.dump())).toBe('Succeeded');
      const everyMs = 10_000;
      const looks = Math.ceil((Date.now() - started) / everyMs);
      await sleep(started + looks * everyMs + 1000 - Date.now());
      await change(settling, database, 'DROP MEASUREMENT doomed');
      await settling.write(database, [`kept v=2 ${ago(3600)}`]);
      const end = await bench.dump();
      expect(outcomeOf(end)).toBe('Succeeded');
      expect(end.log).toContain('begun anew');
      expect((await bench.facts()).fields).toMatchObject([{ measurement: 'kept', content: { points: 2 } }]);
    } finally {
      await settling.stop();
    }
  },
  minutes,
);

describe('a database that is written to while it is dumped', () => {
  const slow = 'sleep 1.5; exec /usr/bin/influxd "$@"';

  const dumpWhile = (write: () => Promise<void>): Promise<AgentEnd> =>
    withPrograms(slow, async (programs) => {
      const agent = await bench.start({ programs });
      const over = new AbortController();
      const writing = (async () => {
        while (!over.signal.aborted) {
          await write();
          await sleep(50);
        }
      })();
      const end = await agent.end;
      over.abort();
      await writing;
      return end;
    });

  test(
    'by who sends points of now: everything settled has a witness',
    async () => {
      let written = 0;
      const end = await dumpWhile(() =>
        server.write(
          database,
          [`cpu,host=h1,region=eu usage=${(written += 1)} ${BigInt(Date.now()) * 1_000_000n}`],
          'autogen',
        ),
      );
      expect(outcomeOf(end)).toBe('Succeeded');
      expect(end.result.notes).toEqual([]);
      expect(end.result.newest.localCopy?.factsDigest).toBeDefined();
      const { fields, shards } = await bench.facts();
      expect(fields.filter(({ content }) => 'unknown' in content)).toEqual([]);
      expect(shards.filter(({ content }) => 'unknown' in content)).toMatchObject([
        { policy: 'autogen', content: { unknown: 'written to during the dump' } },
      ]);
    },
    minutes,
  );

  test(
    'by who sends points of yesterday: what differs is unknown, with why',
    async () => {
      let written = 0;
      const end = await dumpWhile(() =>
        server.write(
          database,
          [`late,host=h1 v=${(written += 1)} ${BigInt(ago(86_400)) + BigInt(written)}`],
          'a week or two',
        ),
      );
      expect(outcomeOf(end)).toBe('Succeeded');
      expect(end.result.notes).toMatchObject([{ reason: 'FactsUnknown', message: expect.stringContaining('late v') }]);
      const { fields } = await bench.facts();
      const unknown = fields.filter(({ content }) => 'unknown' in content);
      expect(unknown.map(({ measurement }) => measurement)).toEqual(['late']);
      expect(fields.length).toBeGreaterThan(unknown.length + 10);
    },
    minutes,
  );

  test(
    'by who deletes: what is gone is unknown, with why',
    async () => {
      await server.write(database, [`doomed v=1 ${ago(86_400)}`], 'autogen');
      let done = false;
      const end = await dumpWhile(async () => {
        if (done) return;
        done = true;
        await sleep(1200);
        await change(server, database, 'DROP MEASUREMENT doomed');
      });
      expect(outcomeOf(end)).toBe('Succeeded');
      const { fields } = await bench.facts();
      const content = fields.find(({ measurement }) => measurement === 'doomed')?.content;
      expect(content === undefined || 'unknown' in content).toBe(true);
    },
    minutes,
  );
});

describe('counts that cannot be taken', () => {
  test(
    'a field that the server does not give is unknown, the others are known',
    () =>
      withProxy(
        (statement, answer, reply) => {
          if (!statement.includes('"busy"')) return false;
          answer.resume();
          reply
            .writeHead(400, { 'content-type': 'application/json' })
            .end('{"error":"max-select-point limit exceeded"}');
          return true;
        },
        async (httpPort) => {
          const end = await bench.dump({ influxdb: { httpPort } });
          expect(outcomeOf(end)).toBe('Succeeded');
          expect(end.result.notes).toMatchObject([
            { reason: 'FactsUnknown', message: expect.stringContaining('max-select-point') },
          ]);
          const { fields, shards } = await bench.facts();
          const known = fields.filter(({ content }) => 'points' in content).map(({ field }) => field);
          expect(known).not.toContain('busy');
          expect(known).toContain('usage');
          expect(shards.filter(({ policy }) => policy === 'autogen').some(({ content }) => 'points' in content)).toBe(
            false,
          );
        },
      ),
    minutes,
  );

  test(
    'an answer that stops before its end is no count',
    () =>
      withProxy(
        (statement, answer, reply) => {
          if (!statement.includes('"note"')) return false;
          reply.writeHead(answer.statusCode ?? 200, answer.headers);
          answer.once('data', (part: Buffer) => reply.end(part.subarray(0, 2000)));
          return true;
        },
        async (httpPort) => {
          expect(await failureIn(await bench.dump({ influxdb: { httpPort } }))).toBe('SourceUnreachable at Facts');
        },
      ),
    minutes,
  );

  test(
    'counting that takes too long leaves a dump without a witness, and says so',
    () =>
      withProxy(
        (statement, answer) => {
          if (!statement.startsWith('SELECT')) return false;
          answer.resume();
          return true;
        },
        async (httpPort) => {
          const end = await bench.dump({ influxdb: { httpPort }, task: { deadlineSeconds: 16 } });
          expect(outcomeOf(end)).toBe('Succeeded');
          expect(end.result.newest.localCopy?.factsDigest).toBeUndefined();
          expect(end.result.notes).toMatchObject([
            { reason: 'FactsUnknown', message: expect.stringContaining('counting was not done') },
          ]);
          expect(await bench.facts()).toMatchObject({ fields: [], unknown: expect.stringContaining('quarter') });
        },
      ),
    minutes,
  );
});

test(
  'a shard that the server lists but does not have, as one made ahead of its time, is not asked for',
  async () => {
    const [shard = ''] = await shardsOnDisk(server, database);
    await server.restart(() => removeShard(server, database, shard));
    const end = await bench.dump();
    expect(outcomeOf(end)).toBe('Succeeded');
    const copy = (await bench.ledger()).copies.at(-1);
    const id = shard.split('/').at(-1);
    expect(copy?.files.map(({ name }) => name)).not.toContain(`backup.s${id}.tar.gz`);
  },
  minutes,
);
