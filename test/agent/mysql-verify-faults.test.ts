import { cp, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { outcomeOf } from './support/agent.ts';
import { makeDirectory } from './support/directories.ts';
import { checkSameLife } from '../../src/agent/engines/mysql/sandbox.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { makeVerifyBench, reasonOf, type MysqlVerifyBench } from './support/mysql-verify.ts';
import { makePrograms } from './support/programs.ts';
import { withSmallDisk } from './support/small-disk.ts';

let source: MariadbServer;
let scratch: MariadbServer;
let bench: MysqlBench;
/** A good backup, of which each test takes a copy of its own to damage. */
let good: string;
let kept: Awaited<ReturnType<typeof makeDirectory>>;

let backup: string;
let verify: MysqlVerifyBench;
let removeBackup: () => Promise<void>;

const dumped = async (options?: Parameters<MysqlBench['dump']>[0]): Promise<string> => {
  const end = await bench.dump(options);
  expect(outcomeOf(end)).toBe('Succeeded');
  return join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
};

beforeAll(async () => {
  // Events on: a scratch server that nobody thought of.
  [source, scratch] = await Promise.all([startMariadb(), startMariadb(['--event-scheduler=ON'])]);
  await source.prepare({ database: benchDatabase, ...benchAccount });
  await source.admin((connection) =>
    connection.query(`USE ${benchDatabase};
      CREATE EVENT always ON SCHEDULE EVERY 1 SECOND STARTS '2020-01-01 00:00:00' DO INSERT INTO nothing SELECT COALESCE(MAX(a), 0) + 1 FROM nothing`),
  );
  bench = await makeMysqlBench(source);
  kept = await makeDirectory();
  good = join(kept.path, 'good');
  await cp(await dumped(), good, { recursive: true });
}, 120_000);
afterAll(() => Promise.all([source?.stop(), scratch?.stop(), bench?.remove(), kept?.remove()]));

beforeEach(async () => {
  const directory = await makeDirectory();
  backup = join(directory.path, 'backup');
  removeBackup = directory.remove;
  await cp(good, backup, { recursive: true });
  verify = await makeVerifyBench(scratch.socket);
  await verify.engine.start(verify.context);
});
afterEach(async () => {
  await verify.engine.clear(verify.context).catch(() => undefined);
  await verify.remove();
  await removeBackup();
});

const edit = async (name: string, change: (text: string) => string): Promise<void> => {
  const path = join(backup, name);
  const before = await readFile(path, 'latin1');
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(path, after, 'latin1');
};

const without = (text: string, from: string, to: string): string => {
  const [start, end] = [text.indexOf(from), text.indexOf(to, text.indexOf(from) + 1)];
  expect(Math.min(start, end)).toBeGreaterThan(0);
  return text.slice(0, start) + text.slice(end);
};

test('a good backup is equal in everything, twice, and nothing of an event', async () => {
  const { engine, context } = verify;
  await engine.load(context, backup);
  await sleep(2500);
  const first = await engine.compare(context, backup);
  expect(first).toEqual({ objects: 14, rows: 510, mismatches: [], notWitnessed: [] });
  await engine.clear(context);
  expect(await verify.verify(backup)).toEqual(first);
});

test('a server that holds something already is not loaded into', async () => {
  await scratch.admin((connection) => connection.query('CREATE DATABASE left_over'));
  expect(await reasonOf(verify.verify(backup))).toBe('SandboxUnavailable');
});

describe('a dump that is damaged inside a whole archive', () => {
  test.each([
    { what: 'cut in half', damage: (text: string) => text.slice(0, text.length / 2) },
    { what: 'cut before its end mark', damage: (text: string) => text.slice(0, text.lastIndexOf('-- Dump completed')) },
    { what: 'empty', damage: () => '' },
    {
      what: 'cut in a statement, with an end mark',
      damage: (text: string) => `${text.slice(0, text.indexOf('INSERT INTO `oddities`') + 60)}\n-- Dump completed\n`,
    },
    { what: 'with a statement that fails', damage: (text: string) => text.replace('DROP TABLE IF', 'DROP TABEL IF') },
  ])('$what, is not loadable', async ({ damage }) => {
    await edit('dump.sql', damage);
    expect(await reasonOf(verify.verify(backup))).toBe('BackupNotLoadable');
  });

  test.each([
    {
      what: 'cut between statements, with an end mark',
      damage: (text: string) =>
        `${text.slice(0, text.indexOf('\n-- Table structure for table `no_key`'))}\n-- Dump completed\n`,
      mismatches: [
        'table agama.no_key: missing',
        'table agama.nothing: missing',
        'table agama.odd `name: missing',
        'table agama.oddities: missing',
        'view agama.rich: missing',
        'routine agama.doubled (function): missing',
        'routine agama.wipe (procedure): missing',
        'event agama.always: missing',
        'event agama.nightly: missing',
      ],
    },
    {
      what: 'without a table',
      damage: (text: string) =>
        without(text, '-- Table structure for table `no_key`', '-- Table structure for table `nothing`'),
      mismatches: ['table agama.no_key: missing'],
    },
    {
      what: 'without the rows of a table',
      damage: (text: string) => without(text, 'INSERT INTO `no_key`', '/*!40000 ALTER TABLE `no_key` ENABLE KEYS'),
      mismatches: ['table agama.no_key: 0 rows instead of 3'],
    },
    {
      what: 'with a row changed',
      damage: (text: string) => text.replace('(1,2),', '(1,3),'),
      mismatches: ['table agama.no_key: 3 rows, with other content'],
    },
    {
      what: 'with another counter',
      damage: (text: string) => text.replace('SETVAL(`numbers`, 100,', 'SETVAL(`numbers`, 101,'),
      mismatches: [expect.stringMatching(/^table agama\.numbers: next \d+ instead of \d+$/)],
    },
  ])('$what, differs', async ({ damage, mismatches }) => {
    await edit('dump.sql', damage);
    const compared = await verify.verify(backup);
    expect(compared.mismatches).toEqual(mismatches);
    expect(compared.notWitnessed).toEqual([]);
  });
});

describe('what the scratch server then holds otherwise is named', () => {
  test.each([
    { change: 'DROP TABLE no_key', mismatches: ['table agama.no_key: missing'] },
    { change: 'CREATE TABLE more (a INT)', mismatches: ['table agama.more: not in the source'] },
    { change: 'ALTER TABLE customers DROP INDEX name', mismatches: ['table agama.customers: another definition'] },
    {
      change: 'ALTER TABLE no_key ENGINE=Aria',
      mismatches: ['table agama.no_key: engine Aria instead of InnoDB, another definition'],
    },
    {
      change: 'UPDATE customers SET balance = balance + 0.00001 WHERE id = 7',
      mismatches: ['table agama.customers: 500 rows, with other content'],
    },
    {
      change: 'DELETE FROM customers WHERE id = 7',
      mismatches: ['table agama.customers: 499 rows instead of 500'],
    },
    {
      change: 'ALTER TABLE customers AUTO_INCREMENT = 9000',
      mismatches: [expect.stringMatching(/^table agama\.customers: AUTO_INCREMENT next 9000 instead of \d+$/)],
    },
    { change: 'DROP TRIGGER stamp', mismatches: ['trigger agama.stamp: missing'] },
    { change: 'DROP VIEW rich', mismatches: ['view agama.rich: missing'] },
    {
      change: 'CREATE OR REPLACE VIEW rich AS SELECT 1 AS id',
      mismatches: ['view agama.rich: another definition'],
    },
    {
      change: 'DROP FUNCTION doubled',
      mismatches: ['routine agama.doubled (function): missing'],
    },
    {
      change: 'ALTER PROCEDURE wipe SQL SECURITY INVOKER',
      mismatches: ['routine agama.wipe (procedure): another definition'],
    },
    { change: 'DROP EVENT nightly', mismatches: ['event agama.nightly: missing'] },
    { change: 'ALTER SEQUENCE numbers INCREMENT BY 7', mismatches: ['table agama.numbers: another definition'] },
    { change: 'DROP SEQUENCE numbers', mismatches: ['table agama.numbers: missing'] },
    {
      change: 'ALTER DATABASE agama COLLATE utf8mb4_bin',
      mismatches: ['database agama: utf8mb4_bin instead of utf8mb4_general_ci'],
    },
    { change: 'CREATE DATABASE agama2', mismatches: ['database agama2: not in the source'] },
    {
      change: 'DELETE FROM no_key; DROP VIEW rich',
      mismatches: ['table agama.no_key: 0 rows instead of 3', 'view agama.rich: missing'],
    },
  ])('$change', async ({ change, mismatches }) => {
    const { engine, context } = verify;
    await engine.load(context, backup);
    await scratch.admin((connection) => connection.query(`USE ${benchDatabase}; ${change}`));
    expect((await engine.compare(context, backup)).mismatches).toEqual(mismatches);
  });
});

test('a dump tool that leaves rows out, ends well and has its end mark is found out', async () => {
  const programs = await makePrograms({
    'mariadb-dump': `/usr/bin/mariadb-dump "$@" | sed '/^INSERT INTO .no_key/,/;$/d'`,
  });
  try {
    const directory = await dumped({ programs: programs.path });
    expect((await verify.verify(directory)).mismatches).toEqual(['table agama.no_key: 0 rows instead of 3']);
  } finally {
    await programs.remove();
  }
});

describe('a client that lies', () => {
  test.each([
    { what: 'reads nothing', script: 'exit 0', expected: 'BackupNotLoadable' },
    { what: 'reads half', script: 'head -c 4096 | /usr/bin/mariadb "$@"', expected: 'BackupNotLoadable' },
    { what: 'says it was killed', script: 'kill -9 $$', expected: 'SandboxUnavailable' },
    {
      what: 'fails',
      script: 'cat >/dev/null; echo "ERROR 1064 (42000) at line 3: no" >&2; exit 1',
      expected: 'BackupNotLoadable',
    },
    {
      what: 'fails with status 0',
      script: 'cat >/dev/null; echo "ERROR 1064 (42000) at line 3: no" >&2',
      expected: 'BackupNotLoadable',
    },
  ])('$what', async ({ script, expected }) => {
    const programs = await makePrograms({ mariadb: script });
    const path = process.env['PATH'];
    process.env['PATH'] = `${programs.path}:${path}`;
    try {
      expect(await reasonOf(verify.verify(backup))).toBe(expected);
    } finally {
      process.env['PATH'] = path;
      await programs.remove();
    }
  });
});

test('the words of the server carry no data', async () => {
  await edit('dump.sql', (text) => text.replace('(2,NULL,NULL', '(1,NULL,NULL').replace("'Õun 1 ", "'secret 1 "));
  await edit('dump.sql', (text) =>
    text.replace('CREATE TABLE `nothing`', "INSERT INTO no_key VALUES 'a secret'; CREATE TABLE `nothing`"),
  );
  const failure: unknown = await verify.engine.load(verify.context, backup).catch((error: unknown) => error);
  expect(String(failure)).toMatch(/ERROR 1064 \(42000\) at line \d+: .* near …/);
  expect([...verify.log, String(failure)].join('\n')).not.toContain('secret');
});

describe('facts', () => {
  test.each([
    { what: 'are missing', damage: () => rm(join(backup, 'facts.json')) },
    { what: 'are no JSON', damage: () => truncate(join(backup, 'facts.json'), 100) },
    {
      what: 'are not those of an engine',
      damage: () => edit('facts.json', (text) => text.replace('"mysql"', '"other"')),
    },
  ])('that $what are damage', async ({ damage }) => {
    await damage();
    expect(await reasonOf(verify.engine.unsuitable(backup, 'mariadb 10.11.1'))).toBe('BackupDamaged');
    expect(await reasonOf(verify.engine.compare(verify.context, backup))).toBe('BackupDamaged');
  });

  test('that are Unknown witness nothing, and nothing differs from them', async () => {
    await source.admin((connection) => connection.query("REVOKE RELOAD ON *.* FROM backup@'%'"));
    const directory = await dumped();
    await source.admin((connection) => connection.query("GRANT RELOAD ON *.* TO backup@'%'"));
    expect(await verify.verify(directory)).toEqual({
      objects: 0,
      rows: 0,
      mismatches: [],
      notWitnessed: ['everything: the account "backup" lacks RELOAD'],
    });
  });

  test('of a table without snapshot are not witnessed, the rest is compared', async () => {
    await source.admin((connection) =>
      connection.query(
        `CREATE TABLE ${benchDatabase}.old (a INT) ENGINE=MyISAM; INSERT INTO ${benchDatabase}.old VALUES (1)`,
      ),
    );
    const directory = await dumped();
    await source.admin((connection) => connection.query(`DROP TABLE ${benchDatabase}.old`));
    expect(await verify.verify(directory)).toEqual({
      objects: 15,
      rows: 510,
      mismatches: [],
      notWitnessed: ['table agama.old: engine MyISAM has no snapshot'],
    });
  });
});

describe('the scratch server', () => {
  test('that does not start is not there', async () => {
    const nowhere = await makeVerifyBench(join(backup, 'nowhere'), { startSeconds: 1 });
    expect(await reasonOf(nowhere.engine.start(nowhere.context))).toBe('SandboxUnavailable');
    await nowhere.remove();
  });

  test.each([
    { server: 'mariadb 10.11.1', expected: undefined },
    {
      server: 'mariadb 10.6.19',
      expected: 'the backup is of mariadb 10.11.19, and the scratch server is mariadb 10.6.19: mariadb 10.11 is needed',
    },
    { server: 'mysql 10.11.19', expected: expect.stringContaining('mariadb 10.11 is needed') },
    { server: 'mariadb 10.1.1', expected: expect.stringContaining('mariadb 10.11 is needed') },
  ])('$server', async ({ server, expected }) => {
    await edit('facts.json', (text) => text.replace(/"version": "10\.11\.[^"]*"/, '"version": "10.11.19-MariaDB-log"'));
    expect(await verify.engine.unsuitable(backup, server)).toEqual(expected);
  });

  test('of another flavour or release by the facts', async () => {
    const real = await verify.engine.start(verify.context);
    await edit('facts.json', (text) => text.replace('"MariaDB"', '"MySQL"'));
    expect(await verify.engine.unsuitable(backup, real)).toContain('mysql 10.11 is needed');
  });

  test.each([
    { what: 'while it is loaded', script: 'head -c 8192 >/dev/null; kill -9 PID; /usr/bin/mariadb "$@"' },
    {
      what: 'while it is loaded, and the client complains of the dump',
      script: 'kill -9 PID; echo "ERROR 1064 (42000) at line 3: no" >&2; exit 1',
    },
  ])('that dies $what', async ({ script }) => {
    const doomed = await startMariadb();
    const programs = await makePrograms({ mariadb: script.replace('PID', String(doomed.pid)) });
    const beside = await makeVerifyBench(doomed.socket);
    const path = process.env['PATH'];
    try {
      await beside.engine.start(beside.context);
      process.env['PATH'] = `${programs.path}:${path}`;
      expect(await reasonOf(beside.verify(backup))).toBe('SandboxUnavailable');
    } finally {
      process.env['PATH'] = path;
      await Promise.all([doomed.stop(), programs.remove(), beside.remove()]);
    }
  });

  test('that dies before it is compared, asked or cleared', async () => {
    const doomed = await startMariadb();
    const beside = await makeVerifyBench(doomed.socket);
    try {
      await beside.engine.start(beside.context);
      await beside.engine.load(beside.context, backup);
      await doomed.kill();
      expect(await reasonOf(beside.engine.compare(beside.context, backup))).toBe('SandboxUnavailable');
      expect(await reasonOf(beside.engine.query(beside.context, backup, 'SELECT 1'))).toBe('SandboxUnavailable');
      expect(await reasonOf(beside.engine.clear(beside.context))).toBe('SandboxUnavailable');
    } finally {
      await Promise.all([doomed.stop(), beside.remove()]);
    }
  });

  test('that was started anew since it first answered is not what was loaded', async () => {
    const young = await startMariadb();
    try {
      await young.admin(async (connection) => {
        await expect(checkSameLife(connection, performance.now() - 300)).resolves.toBeUndefined();
        const ofAnEarlierLife = checkSameLife(connection, performance.now() - 120_000);
        expect(await reasonOf(ofAnEarlierLife)).toBe('SandboxUnavailable');
      });
    } finally {
      await young.stop();
    }
  });

  test('that dies while a query runs is not a wrong query', async () => {
    const doomed = await startMariadb();
    const beside = await makeVerifyBench(doomed.socket);
    try {
      await beside.engine.start(beside.context);
      await beside.engine.load(beside.context, backup);
      const asked = reasonOf(beside.engine.query(beside.context, backup, 'SELECT SLEEP(20)'));
      await sleep(300);
      await doomed.kill();
      expect(await asked).toBe('SandboxUnavailable');
    } finally {
      await Promise.all([doomed.stop(), beside.remove()]);
    }
  });

  test('that has too small a disk', async () => {
    const large = join(backup, '../large');
    await source.admin((connection) =>
      connection.query(`USE ${benchDatabase}; CREATE TABLE large (b LONGBLOB);
        INSERT INTO large SELECT REPEAT(MD5(seq), 32768) FROM seq_1_to_110`),
    );
    await cp(await dumped(), large, { recursive: true });
    await source.admin((connection) => connection.query(`DROP TABLE ${benchDatabase}.large`));
    const disk = join(backup, '../disk');
    await withSmallDisk(disk, '145m', async () => {
      const small = await startMariadb([], disk);
      const beside = await makeVerifyBench(small.socket, {}, disk);
      try {
        await beside.engine.start(beside.context);
        expect(await reasonOf(beside.verify(large))).toBe('SandboxTooSmall');
      } finally {
        await Promise.all([small.stop(), beside.remove()]);
      }
    });
  }, 60_000);

  test('that takes no rows so large', async () => {
    await scratch.admin((connection) => connection.query('SET GLOBAL max_allowed_packet = 16384'));
    expect(await reasonOf(verify.verify(backup))).toMatch(/^(SandboxUnavailable|BackupNotLoadable)$/);
    // What the verification asks for at its start.
    await verify.engine.clear(verify.context);
    await verify.engine.start(verify.context);
    expect((await verify.verify(backup)).mismatches).toEqual([]);
  });

  test('is left when the pod is told to stop', async () => {
    const programs = await makePrograms({ mariadb: 'sleep 60' });
    const path = process.env['PATH'];
    process.env['PATH'] = `${programs.path}:${path}`;
    try {
      const loading = reasonOf(verify.engine.load(verify.context, backup));
      await sleep(500);
      verify.stop();
      expect(await loading).toBe('Interrupted');
    } finally {
      process.env['PATH'] = path;
      await programs.remove();
      const after = await makeVerifyBench(scratch.socket);
      await after.engine.clear(after.context);
      await after.remove();
    }
  });
});

describe('a query of the policy', () => {
  beforeEach(() => verify.engine.load(verify.context, backup));
  const ask = (statement: string) => verify.engine.query(verify.context, backup, statement);

  test.each([
    { statement: 'SELECT COUNT(*), MAX(id) FROM customers', expected: '500\t500' },
    { statement: 'SELECT a, b FROM no_key ORDER BY a, b', expected: 'NULL\t2\n1\t2\n1\t2' },
    { statement: 'SELECT name FROM agama.customers WHERE id = 1', expected: 'Õun 1 🐑' },
    { statement: 'SELECT 1 FROM customers WHERE id < 0', expected: '' },
    {
      statement: "SELECT 1.50, 18446744073709551615, DATE '0000-00-00', b'101' + 0, TRUE",
      expected: '1.50\t18446744073709551615\t0000-00-00\t5\t1',
    },
    { statement: "SHOW TABLES LIKE 'cust%'", expected: 'customers' },
  ])('$statement', async ({ statement, expected }) => {
    expect(await ask(statement)).toBe(expected);
  });

  test.each([
    { reason: 'no such table', statement: 'SELECT * FROM gone' },
    { reason: 'no SQL', statement: 'how many rows?' },
    { reason: 'it writes', statement: 'DELETE FROM customers' },
    { reason: 'two statements', statement: 'SELECT 1; SELECT 2' },
    { reason: 'no rows', statement: 'SET @x = 1' },
  ])('that cannot be run: $reason', async ({ statement }) => {
    expect(await reasonOf(ask(statement))).toBe('QueryFailed');
    expect(await ask('SELECT COUNT(*) FROM customers')).toBe('500');
  });

  test('that has no end of rows', async () => {
    expect((await ask('SELECT a.id FROM customers a, customers b')).split('\n')).toHaveLength(4200);
  });
});

test('nothing is left in the scratch directory', async () => {
  await mkdir(join(verify.context.task.scratch, 'sandbox'), { recursive: true });
  await verify.verify(backup);
  await expect(readFile(join(verify.context.task.scratch, 'sandbox', 'client.cnf'))).rejects.toThrow('ENOENT');
});
