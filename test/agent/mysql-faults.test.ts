import { readdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { outcomeOf, type AgentEnd } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { freePort } from './support/ports.ts';
import { makePrograms } from './support/programs.ts';
import { neededPrivileges, type SampleOptions } from './support/sample-database.ts';

const database = benchDatabase;
const realDump = '/usr/bin/mariadb-dump "$@"';

let server: MariadbServer;
let bench: MysqlBench;

const prepare = (extra: Partial<SampleOptions> = {}) => server.prepare({ database, ...benchAccount, ...extra });

beforeAll(async () => {
  server = await startMariadb();
  await prepare();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  bench = await makeMysqlBench(server);
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
  expect(end.log).not.toContain(benchAccount.password);
  expect(await readdir(bench.files.scratch)).toEqual([]);
  return outcomeOf(end).replace(/^Failed: /, '');
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
    { what: 'nothing listens', mysql: async () => ({ port: await freePort() }), words: 'ECONNREFUSED' },
    { what: 'the name is unknown', mysql: () => ({ host: 'nowhere.invalid' }), words: 'nowhere.invalid' },
    { what: 'the server says nothing', mysql: () => ({ port: silentPort }), words: 'does not answer' },
  ])('$what', async ({ mysql, words }) => {
    const end = await bench.dump({ mysql: await mysql() });
    expect(await failureIn(end)).toBe('SourceUnreachable at Connect');
    expect(end.result.failure?.message).toContain(words);
    expect(end.seconds).toBeLessThan(25);
  });

  test('a wrong password, an unknown account', async () => {
    for (const account of [
      { ...benchAccount, password: 'wrong' },
      { ...benchAccount, username: 'nobody' },
    ]) {
      await bench.remove();
      bench = await makeMysqlBench(server, account);
      expect(await failureIn(await bench.dump())).toBe('AccessDenied at Connect');
    }
  });

  test('a database that is not there is named', async () => {
    await server.admin((connection) => connection.query(`GRANT SELECT ON gone.* TO backup@'%'`));
    const end = await bench.dump({ mysql: { databases: [database, 'gone'] } });
    expect(await failureIn(end)).toBe('DatabaseNotFound at Connect');
    expect(end.result.failure?.message).toContain('"gone"');
  });

  test('a database that the account may not see is named', async () => {
    const end = await bench.dump({ mysql: { databases: ['mysql2'] } });
    expect(await failureIn(end)).toBe('AccessDenied at Connect');
    expect(end.result.failure?.message).toContain('"mysql2"');
  });
});

describe('a Secret', () => {
  test.each([
    { what: 'is missing', keys: undefined, words: 'Secret mysql-account' },
    { what: 'lacks a key', keys: { username: 'backup' }, words: 'key "password"' },
    {
      what: 'has an empty key',
      keys: { username: 'backup', password: '' },
      words: 'is empty',
      reason: 'SecretInvalid',
    },
  ])('that $what is named', async ({ keys, words, reason = 'SecretMissing' }) => {
    await bench.remove();
    bench = await makeMysqlBench(server, keys ?? {});
    if (keys === undefined) await rm(join(bench.task().source.mysql.credentials), { recursive: true });
    const end = await bench.dump();
    expect(await failureIn(end)).toBe(`${reason} at Prepare`);
    expect(end.result.failure?.message).toContain('mysql-account');
    expect(end.result.failure?.message).toContain(words);
  });
});

describe('a privilege without which the dump would leave things out', () => {
  afterAll(() => prepare());

  test.each(neededPrivileges.filter((privilege) => privilege !== 'EXECUTE'))('%s', async (privilege) => {
    await prepare({ privileges: neededPrivileges.filter((each) => each !== privilege) });
    const end = await bench.dump();
    expect(await failureIn(end)).toBe('PrivilegeMissing at Connect');
    expect(end.result.failure?.message).toContain(`lacks ${privilege} on agama.*`);
  });

  test('SELECT on mysql.proc', async () => {
    await prepare({ routines: false });
    const end = await bench.dump();
    expect(await failureIn(end)).toBe('PrivilegeMissing at Connect');
    expect(end.result.failure?.message).toContain('SELECT on mysql.proc');
  });

  test('EXECUTE, which a view with a function needs', async () => {
    await prepare({ privileges: neededPrivileges.filter((each) => each !== 'EXECUTE') });
    expect(await failureIn(await bench.dump())).toBe('PrivilegeMissing at Dump');
  });

  test('SELECT on every table but no grant on the database', async () => {
    await prepare({ privileges: neededPrivileges.filter((each) => each !== 'SELECT') });
    await server.admin((connection) => connection.query(`GRANT SELECT ON agama.customers TO backup@'%'`));
    expect(await failureIn(await bench.dump())).toBe('PrivilegeMissing at Connect');
  });

  test('a role or a pattern that grants them is enough', async () => {
    await prepare({ privileges: [], routines: false });
    await server.admin((connection) =>
      connection.query(`CREATE OR REPLACE ROLE dumper; GRANT ${neededPrivileges.join(', ')} ON \`aga__\`.* TO dumper;
        GRANT SELECT ON mysql.proc TO dumper; GRANT dumper TO backup@'%'; SET DEFAULT ROLE dumper FOR backup@'%'`),
    );
    expect(outcomeOf(await bench.dump())).toBe('Succeeded');
  });
});

describe('a dump that is not whole never counts', () => {
  const half = `${realDump} | head -c 20000`;
  test.each([
    { what: 'is killed', script: `${half}; kill -9 $$`, expected: 'DumpTruncated at Dump' },
    { what: 'is stopped', script: `${half}; kill -TERM $$`, expected: 'DumpTruncated at Dump' },
    { what: 'writes half and says it succeeded', script: `${half}; exit 0`, expected: 'DumpTruncated at Check' },
    { what: 'writes nothing and says it succeeded', script: 'exit 0', expected: 'DumpTruncated at Check' },
    {
      what: 'lacks its last line',
      script: `${realDump} | head -n -1; exit 0`,
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'has its end mark in the middle only',
      script: `${half}; echo; echo "-- Dump completed"; echo "INSERT INTO"; exit 0`,
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'leaves a table out and ends well',
      script: '/usr/bin/mariadb-dump "${@/--quick/--ignore-table=agama.oddities}"',
      expected: 'DumpFailed at Check',
    },
    {
      what: 'leaves the triggers out',
      script: '/usr/bin/mariadb-dump "${@/--triggers/--skip-triggers}"',
      expected: 'DumpFailed at Check',
    },
    {
      what: 'leaves the routines out',
      script: '/usr/bin/mariadb-dump "${@/--routines/--skip-routines}"',
      expected: 'DumpFailed at Check',
    },
    {
      what: 'leaves the events out',
      script: '/usr/bin/mariadb-dump "${@/--events/--skip-events}"',
      expected: 'DumpFailed at Check',
    },
    {
      what: 'reports an error',
      script: 'echo "mariadb-dump: Got error: 1356" >&2; exit 2',
      expected: 'DumpFailed at Dump',
    },
    {
      what: 'reports an error with status 0',
      script: `${realDump}; echo "mariadb-dump: Got error: 1356" >&2; exit 0`,
      expected: 'DumpFailed at Dump',
    },
  ])('a tool that $what', async ({ script, expected }) => {
    const programs = await makePrograms({ 'mariadb-dump': script });
    try {
      expect(await failureIn(await bench.dump({ programs: programs.path }))).toBe(expected);
    } finally {
      await programs.remove();
    }
  });

  test.each([1, 25, 50, 75, 99])('a dump cut at %d %%', async (percent) => {
    const script = `${realDump} >"$TMPDIR/d"; head -c $(( $(stat -c %s "$TMPDIR/d") * ${percent} / 100 )) "$TMPDIR/d"; rm "$TMPDIR/d"; kill -9 $$`;
    const programs = await makePrograms({ 'mariadb-dump': `TMPDIR=$(dirname "$0")\n${script}` });
    try {
      expect(await failureIn(await bench.dump({ programs: programs.path }))).toBe('DumpTruncated at Dump');
    } finally {
      await programs.remove();
    }
  });

  test('the server dies while it is dumped', async () => {
    const doomed = await startMariadb();
    const slow = `set -o pipefail; ${realDump} | { head -c 100000; kill -9 ${doomed.pid}; sleep 0.2; cat; }`;
    const programs = await makePrograms({ 'mariadb-dump': slow });
    try {
      await doomed.prepare({ database, ...benchAccount, rows: 30_000 });
      await bench.remove();
      bench = await makeMysqlBench(doomed);
      expect(await failureIn(await bench.dump({ programs: programs.path }))).toBe('DumpTruncated at Dump');
    } finally {
      await programs.remove();
      await doomed.stop();
    }
  });
});
