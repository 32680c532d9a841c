import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mariadb';
import { compareFacts } from '../../src/agent/engines/mysql/compare-facts.ts';
import { outcomeOf, type RunningAgent } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import {
  benchAccount,
  benchDatabase,
  makeMysqlBench,
  type DumpOptions,
  type MysqlBench,
} from './support/mysql-bench.ts';
import { factsIn, factsNow } from './support/mysql-facts.ts';
import { waitFor } from './support/processes.ts';
import { makePrograms } from './support/programs.ts';

const database = benchDatabase;
const quiesce = { by: 'ReadOnly' } as const;
/** A table whose engine knows no snapshot. */
const withoutSnapshot =
  'CREATE TABLE agama.visits (a INT, b INT) ENGINE=MyISAM; INSERT INTO agama.visits VALUES (1, 1)';

let source: MariadbServer;
let target: MariadbServer;
let bench: MysqlBench;
let programs: { path: string; remove(): Promise<void> };

const prepare = async (extra: { reload?: boolean } = {}): Promise<void> => {
  await source.prepare({ database, ...benchAccount, rows: 3000, ...extra });
  await source.admin((connection) => connection.query(withoutSnapshot));
};

beforeAll(async () => {
  [source, target] = await Promise.all([startMariadb(), startMariadb()]);
  // Time to look at the server while it is dumped.
  programs = await makePrograms({ 'mariadb-dump': '/usr/bin/mariadb-dump "$@" || exit $?; sleep 3' });
  await prepare();
});
afterAll(() => Promise.all([source?.stop(), target?.stop(), programs?.remove()]));
beforeEach(async () => {
  bench = await makeMysqlBench(source);
});
afterEach(() => bench?.remove());

const start = ({ task, ...options }: DumpOptions = {}): Promise<RunningAgent> =>
  bench.start({ ...options, programs: programs.path, task: { quiesce, ...task } });

const sessions = (): Promise<{ id: number; user: string; command: string; state: string | null }[]> =>
  source.admin((connection) =>
    connection.query(
      'SELECT ID AS id, USER AS user, COMMAND AS command, STATE AS state FROM information_schema.PROCESSLIST',
    ),
  );

const isReadOnly = (): Promise<boolean> =>
  source.admin(async (connection) => {
    await connection.query('SET SESSION lock_wait_timeout = 1');
    return connection.query('INSERT INTO agama.visits VALUES (0, 0)').then(
      () => false,
      () => true,
    );
  });

/** Waits until no write passes; then counts one that waits, and says when it went on. */
const waitUntilReadOnly = (): Promise<void> => waitFor('a server that is read-only', isReadOnly);

/** Writes as the server's administrator: seconds until the write was done. */
const write = async (): Promise<number> => {
  const began = performance.now();
  await source.admin((connection) => connection.query('INSERT INTO agama.visits VALUES (9, 9)'));
  return (performance.now() - began) / 1000;
};

const noCopyIn = async (): Promise<void> => {
  expect(await bench.copies()).toEqual([]);
};

test('writers of whatever account wait, lose nothing, and what has no snapshot is of the same moment', async () => {
  const over = new AbortController();
  let written = 0;
  const connection = await createConnection({ socketPath: source.socket, user: 'root', multipleStatements: true });
  const writer = (async () => {
    for (; !over.signal.aborted; written += 1) {
      await connection.query(`INSERT INTO agama.visits VALUES (2, ${written});
        INSERT INTO agama.no_key VALUES (2, ${written}); SELECT NEXTVAL(agama.numbers)`);
    }
  })();
  const agent = await start();
  await waitUntilReadOnly();
  const during = written;
  await sleep(1000);
  expect(written - during).toBeLessThanOrEqual(1);
  const end = await agent.end;
  await sleep(500);
  over.abort();
  await writer;
  await connection.end();
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(written).toBeGreaterThan(during + 1);

  expect(end.result.notes).toEqual([]);
  expect(end.result.newest.localCopy).toMatchObject({ quiesced: 'ReadOnly', factsDigest: expect.any(String) });
  // Not the table without transactions.
  expect(end.result.newest.localCopy?.notCovered).toEqual(['FLOAT beyond 6 digits, rounded: agama.oddities.f']);
  const directory = join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
  const facts = await factsIn(directory);
  const visits = facts.databases[0]?.tables.find(({ name }) => name === 'visits');
  expect(visits?.content).toMatchObject({ rows: expect.any(Number) });
  await target.admin((admin) => admin.query(`DROP DATABASE IF EXISTS ${database}`));
  await target.load(join(directory, 'dump.sql'));
  const { mismatches, notWitnessed } = compareFacts(facts, { databases: await factsNow(target, database) });
  // Here it has no snapshot; its rows are counted below.
  expect(notWitnessed).toEqual(['table agama.visits: once loaded, engine MyISAM has no snapshot']);
  expect(mismatches).toEqual([]);
  const [row] = await target.admin<{ rows: string }[]>((admin) =>
    admin.query('SELECT CAST(COUNT(*) AS CHAR) AS `rows` FROM agama.visits'),
  );
  expect(visits?.content).toMatchObject({ rows: Number(row?.rows) });
}, 60_000);

test('without quiesce a table without a snapshot is said to be of another moment', async () => {
  const end = await bench.dump();
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(end.result.newest.localCopy?.quiesced).toBeUndefined();
  expect(JSON.stringify(end.result)).toContain('agama.visits');
});

describe('whatever happens to the agent, writers go on', () => {
  test('killed: at once', async () => {
    const agent = await start();
    await waitUntilReadOnly();
    const waiting = write();
    await sleep(500);
    // It leaves no result.
    const ended = agent.end.catch(() => undefined);
    agent.kill();
    expect(await waiting).toBeLessThan(3);
    await ended;
  });

  test('told to stop', async () => {
    const agent = await start();
    await waitUntilReadOnly();
    const waiting = write();
    agent.terminate();
    expect(await waiting).toBeLessThan(3);
    expect(outcomeOf(await agent.end)).toBe('Failed: Interrupted at Dump');
    await noCopyIn();
  }, 30_000);

  test('at its deadline', async () => {
    const agent = await start({ task: { deadlineSeconds: 3 } });
    await waitUntilReadOnly();
    expect(await write()).toBeLessThan(4);
    expect(outcomeOf(await agent.end)).toBe('Failed: DeadlineExceeded at Dump');
    await noCopyIn();
  }, 30_000);

  test('silent, as when its node is lost: after half a minute; and when it comes back, its dump does not count', async () => {
    const agent = await start();
    await waitUntilReadOnly();
    process.kill(agent.pid, 'SIGSTOP');
    const seconds = await write();
    process.kill(agent.pid, 'SIGCONT');
    expect(seconds).toBeGreaterThan(5);
    expect(seconds).toBeLessThan(40);
    expect(outcomeOf(await agent.end)).toBe('Failed: QuiesceFailed at Quiesce');
    await noCopyIn();
  }, 90_000);

  test('its session ended by an administrator: the dump does not count', async () => {
    const agent = await start();
    await waitUntilReadOnly();
    // The oldest of the account's: the reader's and the dump's were opened after it.
    const [lock] = (await sessions())
      .filter(({ user }) => user === 'backup')
      .toSorted((one, other) => Number(one.id) - Number(other.id));
    await source.admin((connection) => connection.query(`KILL ${lock?.id}`));
    expect(await write()).toBeLessThan(2);
    expect(outcomeOf(await agent.end)).toBe('Failed: QuiesceFailed at Quiesce');
    await noCopyIn();
  }, 30_000);
});

describe('when the server does not become read-only, nothing is dumped', () => {
  test('without RELOAD', async () => {
    await prepare({ reload: false });
    const end = await (await start()).end;
    await prepare();
    expect(outcomeOf(end)).toBe('Failed: PrivilegeMissing at Quiesce');
    expect(end.result.failure?.message).toContain('RELOAD');
    await noCopyIn();
  });

  test('a statement that writes and does not end', async () => {
    const long = source.admin((connection) =>
      connection.query('INSERT INTO agama.nothing SELECT 1 + SLEEP(25)').catch(() => undefined),
    );
    await sleep(300);
    const agent = await start({ task: { deadlineSeconds: 20 } });
    const end = await agent.end;
    expect(outcomeOf(end)).toBe('Failed: QuiesceFailed at Quiesce');
    expect(end.seconds).toBeLessThan(18);
    // The attempt is over: nobody waits behind it.
    expect(await write()).toBeLessThan(2);
    await noCopyIn();
    await long;
  }, 60_000);

  test('a statement that ends is waited for, and writers pass between the attempts', async () => {
    const long = source.admin((connection) =>
      connection.query('INSERT INTO agama.nothing SELECT 1 + SLEEP(14)').catch(() => undefined),
    );
    await sleep(300);
    const agent = await start({ task: { deadlineSeconds: 60 } });
    await sleep(2000);
    expect(await write()).toBeLessThan(11);
    expect(outcomeOf(await agent.end)).toBe('Succeeded');
    await long;
  }, 90_000);
});

test.each([
  { reason: 'a replica', readOnly: 1 },
  { reason: 'a server that takes writes', readOnly: 0 },
])(
  'the setting read_only of $reason is not touched',
  async ({ readOnly }) => {
    const set = (value: number) => source.admin((connection) => connection.query(`SET GLOBAL read_only = ${value}`));
    const settings = () =>
      source.admin<{ value: string }[]>((connection) => connection.query('SELECT @@read_only + 0 AS value'));
    await set(readOnly);
    try {
      const agent = await start();
      await waitUntilReadOnly();
      expect((await settings()).map(({ value }) => Number(value))).toEqual([readOnly]);
      expect(outcomeOf(await agent.end)).toBe('Succeeded');
      expect((await settings()).map(({ value }) => Number(value))).toEqual([readOnly]);
    } finally {
      await set(0);
    }
  },
  30_000,
);

test('two policies quiesce one server at once: each is still until its own end', async () => {
  const other = await makeMysqlBench(source);
  const longer = await makePrograms({ 'mariadb-dump': '/usr/bin/mariadb-dump "$@" || exit $?; sleep 8' });
  try {
    const first = await start();
    await waitUntilReadOnly();
    const second = await other.start({ programs: longer.path, task: { quiesce } });
    expect(outcomeOf(await first.end)).toBe('Succeeded');
    expect(await isReadOnly()).toBe(true);
    expect(outcomeOf(await second.end)).toBe('Succeeded');
    expect(await write()).toBeLessThan(2);
  } finally {
    await Promise.all([other.remove(), longer.remove()]);
  }
}, 60_000);
