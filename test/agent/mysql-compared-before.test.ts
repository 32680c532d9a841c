import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type Connection } from 'mariadb';
import { msOf } from '../../src/agent/engines/mysql/restore/moment.ts';
import { momentWithoutOpen } from '../../src/agent/engines/mysql/restore/open-transactions.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { changeableStatements, changeAll, quietRows, rowsRead, updateTime } from './support/mysql-changes.ts';
import { makeRestores, type MysqlRestore, type MysqlRestores } from './support/mysql-restore.ts';

// What was compared beside the present data is not read once more in its place, as long as nothing can have changed it.

const database = 'agama';
const mariadb = true;
const equal = { objects: expect.any(Number), rows: expect.any(Number), mismatches: [], notWitnessed: [] };
/** Until a change is not of this second any more. */
const secondAndSpareMs = 1300;

let server: MariadbServer;
let bench: MysqlBench;
let restores: MysqlRestores;
let copy: string;
let made = 0;

beforeAll(async () => {
  server = await startMariadb();
  await sql(
    ...changeableStatements(database, { mariadb }),
    `CREATE USER backup@'%' IDENTIFIED BY '${benchAccount.password}'`,
    "GRANT ALL ON *.* TO backup@'%' WITH GRANT OPTION",
  );
  bench = await makeMysqlBench(server);
  const end = await bench.dump({ mysql: { databases: [database] } });
  copy = join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
  restores = await makeRestores(server, await bench.files.secret('mysql-account', benchAccount), [database]);
}, 120_000);
afterAll(async () => {
  await Promise.all([server?.stop(), bench?.remove(), restores?.remove()]);
});

const sql = (...statements: readonly string[]): Promise<void> =>
  server.admin(async (connection) => {
    for (const statement of statements) await connection.query(statement);
  });

const session = (): Promise<Connection> => createConnection({ socketPath: server.socket, user: 'root' });

const newId = (): string => `0000${(made += 1).toString(16).padStart(4, '0')}`;

/** Loads it aside; it is not compared yet. */
const loaded = async (): Promise<{ readonly restore: MysqlRestore; readonly aside: string }> => {
  const id = newId();
  const restore = await restores.restore(id);
  await restore.engine.recover(restore.context);
  await restore.engine.load(restore.context, copy);
  return { restore, aside: `holdfast_${id}_new_${database}` };
};

const compare = ({ engine, context }: MysqlRestore) => engine.compare(context, copy);

/** What `check` finds, and how many rows the server has read for it. */
const check = async ({ engine, context }: MysqlRestore) => {
  const before = await rowsRead(server);
  const found = await engine.check(context, copy);
  return { found, read: (await rowsRead(server)) - before };
};

/** All of it up to the exchange, with all marks. */
const exchanged = async (): Promise<MysqlRestore> => {
  const { restore } = await loaded();
  await sleep(secondAndSpareMs);
  expect(await compare(restore)).toEqual(equal);
  await restore.swap(copy);
  return restore;
};

const differing = (tables: readonly string[]) =>
  tables.map((table) => expect.stringContaining(`table ${database}.${table}: `));

const recordOf = ({ fetched }: MysqlRestore) => join(fetched, 'compared-tables.json');

describe('what nothing has changed is not read again', () => {
  test('with a mark', async () => {
    const { found, read } = await check(await exchanged());
    expect(found).toEqual(equal);
    expect(read).toBeLessThan(quietRows);
  });

  test('what was compared counts, also what was found to differ', async () => {
    const { restore } = await loaded();
    await sleep(secondAndSpareMs);
    await compare(restore);
    await restore.swap(copy);
    await rewrite(restore, (record) => record);
    const { found } = await check(restore);
    expect(found.mismatches).toEqual(differing(['quiet']));
  });
});

describe('what was changed is found, and the rest is not read', () => {
  test('in its place', async () => {
    const restore = await exchanged();
    const changed = await changeAll(server, database, { mariadb, programs: true });
    const { found, read } = await check(restore);
    expect(found.mismatches.toSorted()).toEqual(differing(changed));
    expect(read).toBeLessThan(quietRows);
  });

  test('before it was put there', async () => {
    const { restore, aside } = await loaded();
    await sleep(secondAndSpareMs);
    expect(await compare(restore)).toEqual(equal);
    const changed = await changeAll(server, aside, { mariadb, programs: false });
    await restore.swap(copy);
    const { found, read } = await check(restore);
    expect(found.mismatches.toSorted()).toEqual(differing(changed));
    expect(read).toBeLessThan(quietRows);
  });
});

/** Changes nothing in the end, but for the time of the last change. */
const touched = (aside: string) => [
  `UPDATE ${aside}.quiet SET v = v + 1 WHERE id = 1`,
  `UPDATE ${aside}.quiet SET v = v - 1 WHERE id = 1`,
];

/** Waits for the beginning of a second. */
const beginningOfSecond = (): Promise<void> => sleep(1020 - (Date.now() % 1000));

describe('a change that bears the time of before', () => {
  test('of a transaction that was open when it was compared', async () => {
    const { restore, aside } = await loaded();
    const writer = await session();
    try {
      await beginningOfSecond();
      await writer.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
      await sql(...touched(aside));
      const before = await updateTime(server, aside, 'quiet');
      await sleep(secondAndSpareMs);
      expect(await compare(restore)).toEqual(equal);
      await writer.query(`UPDATE ${aside}.quiet SET v = v + 1 WHERE id = 2`);
      await writer.query('COMMIT');
      // This is the lie: the server dates the change by the beginning of its transaction.
      expect(await updateTime(server, aside, 'quiet')).toBe(before);
    } finally {
      await writer.end();
    }
    await restore.swap(copy);
    expect((await check(restore)).found.mismatches).toEqual(differing(['quiet']));
  });

  test('of the same second', async () => {
    const { restore, aside } = await loaded();
    for (let tries = 10; ; tries -= 1) {
      await beginningOfSecond();
      await sql(...touched(aside));
      const before = await updateTime(server, aside, 'quiet');
      expect(await compare(restore)).toEqual(equal);
      await sql(`UPDATE ${aside}.quiet SET v = v + 1 WHERE id = 2`);
      if ((await updateTime(server, aside, 'quiet')) === before) break;
      // It took longer than the second.
      expect(tries).toBeGreaterThan(0);
      await sql(`UPDATE ${aside}.quiet SET v = v - 1 WHERE id = 2`);
    }
    await restore.swap(copy);
    expect((await check(restore)).found.mismatches).toEqual(differing(['quiet']));
  });
});

interface Kept {
  restore: string;
  moment: { server: string; serverMs: number; boot: string; beforeMs: number; afterMs: number };
  tables: { table: string; id: string; updated: string; checksum: string }[];
}

/** Rewrites the record; in it, table `quiet` has another content than it has: that shows whether the record is believed. */
const rewrite = async (restore: MysqlRestore, change: (record: Kept) => unknown): Promise<void> => {
  const record: Kept = JSON.parse(await readFile(recordOf(restore), 'utf8'));
  for (const each of record.tables) if (each.table === 'quiet') each.checksum = '1';
  await writeFile(recordOf(restore), JSON.stringify(change(record)));
};

const ofQuiet = (record: Kept, change: Partial<Kept['tables'][number]>): Kept => ({
  ...record,
  tables: record.tables.map((each) => (each.table === 'quiet' ? { ...each, ...change } : each)),
});

const atMoment = (record: Kept, change: Partial<Kept['moment']>): Kept => ({
  ...record,
  moment: { ...record.moment, ...change },
});

/** As if the table had been changed 1.55 s before it was compared, and the server's clock been set back since. */
const setBack = (record: Kept, byMs: number): Kept => {
  const { serverMs, beforeMs, afterMs } = record.moment;
  const at = msOf(record.tables.find(({ table }) => table === 'quiet')?.updated ?? '') + 1550;
  const earlierMs = serverMs - at + byMs;
  return atMoment(record, { serverMs: at, beforeMs: beforeMs - earlierMs, afterMs: afterMs - earlierMs });
};

describe('everything is read when in doubt', () => {
  let restore: MysqlRestore;
  let record: string;
  beforeAll(async () => {
    restore = await exchanged();
    record = await readFile(recordOf(restore), 'utf8');
  });
  beforeEach(() => writeFile(recordOf(restore), record));

  test.each<[string, (record: Kept) => unknown]>([
    ['the record is of another restore', (kept) => ({ ...kept, restore: '0000ffff' })],
    ['the record is of another version', (kept) => ({ ...kept, version: 2 })],
    ['it was another server', (kept) => atMoment(kept, { server: 'other 3306 1 /var/lib/mysql/' })],
    ['the node was started anew', (kept) => atMoment(kept, { boot: 'other' })],
    ['the server’s clock was set back', (kept) => atMoment(kept, { serverMs: kept.moment.serverMs + 3_600_000 })],
    ['the server’s clock was set forward', (kept) => atMoment(kept, { serverMs: kept.moment.serverMs - 3_600_000 })],
    ['the server’s clock may have been set back by more than is left', (kept) => setBack(kept, 900)],
    ['the table is another one', (kept) => ofQuiet(kept, { id: '1' })],
    ['the table was changed', (kept) => ofQuiet(kept, { updated: '2026-01-01 00:00:00' })],
    ['the record cannot be read', () => 'x'],
  ])('%s', async (_, change) => {
    await rewrite(restore, change);
    expect((await check(restore)).found).toEqual(equal);
  });

  test('the server’s clock may have been set back by less than is left: that is no doubt', async () => {
    await rewrite(restore, (kept) => setBack(kept, 100));
    expect((await check(restore)).found.mismatches).toEqual(differing(['quiet']));
  });

  test('it may not see the numbers of tables', async () => {
    await rewrite(restore, (kept) => kept);
    await sql("REVOKE PROCESS ON *.* FROM backup@'%'");
    try {
      expect((await check(restore)).found).toEqual(equal);
    } finally {
      await sql("GRANT PROCESS ON *.* TO backup@'%'");
    }
  });
});

test('without the right to see transactions all is read, and equal', async () => {
  await sql("REVOKE PROCESS ON *.* FROM backup@'%'");
  try {
    const { found, read } = await check(await exchanged());
    expect(found).toEqual(equal);
    expect(read).toBeGreaterThan(2 * quietRows);
  } finally {
    await sql("GRANT PROCESS ON *.* TO backup@'%'");
  }
});

test('what an earlier try has kept is gone when nothing is kept', async () => {
  const { restore } = await loaded();
  await writeFile(recordOf(restore), 'x');
  await sql("REVOKE PROCESS ON *.* FROM backup@'%'");
  try {
    await compare(restore);
  } finally {
    await sql("GRANT PROCESS ON *.* TO backup@'%'");
  }
  await expect(readFile(recordOf(restore))).rejects.toThrow('ENOENT');
  await restore.engine.discardLoaded(restore.context);
});

describe('a moment without open transactions', () => {
  const { signal } = new AbortController();
  const moment = () => momentWithoutOpen({ host: server.host, port: server.port, ...benchAccount }, signal);
  let other: Connection;
  beforeEach(async () => {
    other = await session();
  });
  afterEach(() => other.end());

  test('there is none while one is open that has read or written', async () => {
    await other.query(`BEGIN`);
    await other.query(`SELECT COUNT(*) FROM ${database}.inserted`);
    expect(await moment()).toBeUndefined();
  });

  test('there is none while one is prepared that has no session', async () => {
    const one = await session();
    for (const statement of ["XA START 'two'", `DELETE FROM ${database}.quiet_too WHERE id = 1`, "XA END 'two'"])
      await one.query(statement);
    await one.query("XA PREPARE 'two'");
    await one.end();
    expect(await moment()).toBeUndefined();
    await sql("XA ROLLBACK 'two'");
    expect(await moment()).toBeDefined();
  });

  test('one that can write nothing does not count', async () => {
    await other.query('START TRANSACTION READ ONLY');
    await other.query(`SELECT COUNT(*) FROM ${database}.inserted`);
    expect(await moment()).toBeDefined();
  });

  test('one that ends is waited for, and the moment is that of before', async () => {
    await other.query(`BEGIN`);
    await other.query(`SELECT COUNT(*) FROM ${database}.inserted`);
    const began = Date.now();
    const ended = sleep(400).then(() => other.query('COMMIT'));
    const found = await moment();
    await ended;
    expect(Date.now() - began).toBeGreaterThan(390);
    expect((found?.serverMs ?? Infinity) - began).toBeLessThan(300);
  });

  test('a list of before, which the server shows as long as somebody reads it, is not believed', async () => {
    const readers = [await session(), await session()];
    const stop = new AbortController();
    const reading = readers.map(async (reader) => {
      while (!stop.signal.aborted) await reader.query('SELECT COUNT(*) FROM information_schema.INNODB_TRX');
    });
    try {
      await sleep(300);
      await other.query('BEGIN');
      await other.query(`SELECT COUNT(*) FROM ${database}.inserted`);
      expect(await moment()).toBeUndefined();
    } finally {
      stop.abort();
      await Promise.all(reading);
      await Promise.all(readers.map((reader) => reader.end()));
    }
  });
});
