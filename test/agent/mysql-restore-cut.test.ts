import { join } from 'node:path';
import { failureOf } from './support/engine-restore-bench.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { factsNow } from './support/mysql-facts.ts';
import { startMysqlProxy, type MysqlProxy } from './support/mysql-proxy.ts';
import { makeRestores, type MysqlRestore, type MysqlRestores } from './support/mysql-restore.ts';

const databases = ['agama', 'skink', 'gone'];
type Facts = Awaited<ReturnType<typeof factsNow>>;

/** Statements that change something: a cut at one that reads is the same as one before the next of these. */
const changing = /^\s*(?:\/\*M?!\d+ )?(?:CREATE|DROP|ALTER|RENAME|INSERT|GRANT)\b/i;

let server: MariadbServer;
let proxy: MysqlProxy;
let bench: MysqlBench;
let direct: MysqlRestores;
let proxied: MysqlRestores;
let copy: string;
let newFacts: Facts;
let oldFacts: Facts;
let made = 0;

const sql = (statements: readonly string[]): Promise<void> =>
  server.admin(async (connection) => {
    for (const statement of statements) await connection.query(statement);
  });

const source = [
  'CREATE DATABASE agama CHARACTER SET latin1',
  'CREATE DATABASE skink',
  'CREATE DATABASE gone',
  'CREATE TABLE gone.t (id INT PRIMARY KEY)',
  'INSERT INTO gone.t VALUES (1)',
  'CREATE SEQUENCE agama.ids',
  'CREATE TABLE agama.orders (id INT DEFAULT NEXTVAL(agama.ids) PRIMARY KEY, v INT)',
  'INSERT INTO agama.orders (v) VALUES (1), (2), (3)',
  'CREATE TABLE agama.lines (id INT PRIMARY KEY, o INT, FOREIGN KEY (o) REFERENCES orders (id))',
  'INSERT INTO agama.lines VALUES (1, 1), (2, 2)',
  'CREATE TABLE skink.notes (id INT PRIMARY KEY, o INT, FOREIGN KEY (o) REFERENCES agama.orders (id) ON DELETE CASCADE)',
  'INSERT INTO skink.notes VALUES (1, 3)',
  'CREATE TRIGGER agama.stamp BEFORE INSERT ON agama.lines FOR EACH ROW SET NEW.id = NEW.id + 0',
  'CREATE VIEW agama.all_lines AS SELECT * FROM agama.lines',
  'CREATE VIEW agama.few AS SELECT id FROM agama.all_lines WHERE id < 2',
  'CREATE FUNCTION agama.one() RETURNS INT RETURN 1',
  'CREATE PROCEDURE agama.wipe() BEGIN DELETE FROM agama.lines; END',
  "CREATE EVENT agama.nightly ON SCHEDULE EVERY 1 DAY STARTS '2020-01-01 03:00:00' DISABLE DO DELETE FROM agama.lines",
  "CREATE USER clerk@'%'",
  "GRANT EXECUTE ON PROCEDURE agama.wipe TO clerk@'%'",
];

/** Lost: a view's table, a database, a function; changed: rows, a trigger, a routine; new: a table, a view, an event. */
const damage = [
  'DROP TABLE agama.lines',
  'DROP DATABASE gone',
  'UPDATE agama.orders SET v = 99',
  'DROP FUNCTION agama.one',
  'CREATE TABLE agama.later (id INT PRIMARY KEY)',
  'CREATE VIEW skink.later AS SELECT * FROM agama.later',
  'CREATE TRIGGER agama.other BEFORE INSERT ON agama.orders FOR EACH ROW SET NEW.v = 7',
  "CREATE EVENT skink.daily ON SCHEDULE EVERY 2 DAY STARTS '2020-01-01 03:00:00' DISABLE DO DELETE FROM agama.later",
  'ALTER DATABASE agama CHARACTER SET utf8mb4',
];

beforeAll(async () => {
  server = await startMariadb();
  await sql([
    ...source,
    `CREATE USER backup@'%' IDENTIFIED BY '${benchAccount.password}'`,
    "GRANT ALL ON *.* TO backup@'%' WITH GRANT OPTION",
  ]);
  bench = await makeMysqlBench(server);
  const end = await bench.dump({ mysql: { databases } });
  copy = join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
  newFacts = await factsNow(server, ...databases);
  await sql(damage);
  oldFacts = await factsNow(server, 'agama', 'skink');
  proxy = await startMysqlProxy(server.port);
  const account = await bench.files.secret('mysql-account', benchAccount);
  direct = await makeRestores(server, account, databases);
  proxied = await makeRestores(proxy, account, databases);
}, 120_000);
afterAll(async () => {
  await Promise.all([proxy?.stop(), server?.stop(), bench?.remove(), direct?.remove(), proxied?.remove()]);
});

const nextId = (): string => (made += 1).toString(16).padStart(8, '0');

const names = (): Promise<string[]> =>
  server.admin(async (connection) =>
    (await connection.query<{ Database: string }[]>('SHOW DATABASES')).map((row) => row.Database),
  );

/** Whether the whole is as it was before, or as restored; anything else is a mixture. */
const whatIs = async (): Promise<'Old' | 'New' | object> => {
  const there = (await names()).filter((name) => databases.includes(name));
  const facts = await factsNow(server, ...there);
  if (JSON.stringify(facts) === JSON.stringify(oldFacts)) return 'Old';
  return JSON.stringify(facts) === JSON.stringify(newFacts) ? 'New' : facts;
};

const grants = (): Promise<number> =>
  server.admin(async (connection) => (await connection.query<unknown[]>('SELECT * FROM mysql.procs_priv')).length);

/** Swaps until the proxy cuts it; gives whether it was cut. */
const cutSwap = async (id: string, at: number, when: 'Before' | 'After'): Promise<boolean> => {
  const loader = await direct.restore(id);
  await loader.engine.recover(loader.context);
  await loader.engine.load(loader.context, copy);
  const restore = await proxied.restore(id);
  return cutOff(restore, { at, when }, () => restore.swap(copy));
};

/** Does something until the proxy cuts it; gives whether it was cut. */
const cutOff = async (
  restore: MysqlRestore,
  { at, when }: { readonly at: number; readonly when: 'Before' | 'After' },
  work: () => Promise<unknown>,
): Promise<boolean> => {
  let cut = false;
  // What was killed ends nothing any more: it is not waited for.
  const killed = new Promise<void>((resolve) =>
    proxy.arm({
      matching: changing,
      at,
      when,
      cut: () => {
        cut = true;
        restore.kill();
        resolve();
      },
    }),
  );
  try {
    await Promise.race([killed, work()]);
  } catch (error) {
    // What failed by itself is none that was killed.
    if (!cut) throw error;
  }
  return cut;
};

/** Makes the old state again, after a restore that went through. */
const damageAgain = async (id: string): Promise<void> => {
  const { engine, context } = await direct.restore(id);
  await engine.discardSafetyCopy(context);
  await engine.discardLoaded(context);
  await sql(damage);
};

// Every third statement, from a random one of the first three; all of them with HOLDFAST_ALL_CUTS=1.
const stride = process.env['HOLDFAST_ALL_CUTS'] === '1' ? 1 : 3;
const firstCut = (): number => {
  const first = 1 + Math.floor(Math.random() * stride);
  process.stderr.write(`cuts: statement ${first}, and every ${stride} after it\n`);
  return first;
};

test.each(['Before', 'After'] as const)(
  'killed %s any statement, all is old or all is new',
  async (when) => {
    expect(await whatIs()).toBe('Old');
    let at = firstCut() - stride;
    for (let cut = true; cut;) {
      at += stride;
      const id = nextId();
      cut = await cutSwap(id, at, when);
      const statement = proxy.matched.at(-1) ?? '';
      const { engine, context } = await direct.restore(id);
      await engine.recover(context);
      const is = await whatIs();
      expect([statement, is]).toEqual([statement, expect.stringMatching(/^(Old|New)$/)]);
      expect([statement, await grants()]).toEqual([statement, 1]);
      if (is === 'New') await damageAgain(id);
      expect([statement, (await names()).filter((name) => name.startsWith('holdfast_'))]).toEqual([statement, []]);
    }
    // What went through to the end, and was looked at as well.
    expect(at).toBeGreaterThan(30);
  },
  600_000,
);

test('killed while it is put back, it is put back all the same', async () => {
  expect(await whatIs()).toBe('Old');
  const id = nextId();
  const load = await direct.restore(id);
  await load.engine.load(load.context, copy);
  let undone = false;
  for (let at = firstCut(); !undone; at += stride) {
    const other = nextId();
    // In the middle of what it makes: everything is moved, and a part of the programs is there.
    expect(await cutSwap(other, 34, 'Before')).toBe(true);
    const recovering = await proxied.restore(other);
    undone = true;
    const killed = new Promise<void>((resolve) =>
      proxy.arm({
        matching: changing,
        at,
        when: Math.random() < 0.5 ? 'Before' : 'After',
        cut: () => {
          undone = false;
          recovering.kill();
          resolve();
        },
      }),
    );
    try {
      await Promise.race([killed, recovering.engine.recover(recovering.context)]);
    } catch (error) {
      if (undone) throw error;
    }
    const { engine, context } = await direct.restore(other);
    await engine.recover(context);
    expect([at, await whatIs()]).toEqual([at, 'Old']);
    expect(await grants()).toBe(1);
  }
  expect((await names()).filter((name) => name.startsWith('holdfast_'))).toEqual([
    `holdfast_${id}_new_agama`,
    `holdfast_${id}_new_gone`,
    `holdfast_${id}_new_skink`,
  ]);
  const { engine, context } = await direct.restore(id);
  await engine.discardLoaded(context);
  const last = await direct.restore(nextId());
  expect(await last.inPlace(copy)).toMatchObject({ mismatches: [], notWitnessed: [] });
  expect(await whatIs()).toBe('New');
}, 600_000);

/** Views that led to what was lost are in no copy: see mysql-put-back. */
const withoutBroken = (facts: Facts): Facts =>
  facts.map((each) => ({ ...each, views: each.views.filter(({ name }) => name !== 'all_lines' && name !== 'few') }));

test.each(['Before', 'After'] as const)(
  'a safety copy that is put back, killed %s any statement: all is old or all is new, and the copy is whole until it is in its place',
  async (when) => {
    const left = (await names()).filter((name) => name.startsWith('holdfast_'));
    await sql(['SET foreign_key_checks = 0', ...left.map((name) => `DROP DATABASE ${name}`)]);
    const begin = await direct.restore(nextId());
    // As restored from whatever it was, and as lost then.
    await begin.inPlace(copy);
    await damageAgain(begin.context.task.id);
    const lost = withoutBroken(oldFacts);
    const there = async (): Promise<'Old' | 'New' | object> => {
      const is = await whatIs();
      return is !== 'New' && JSON.stringify(is) === JSON.stringify(lost) ? 'Old' : is;
    };
    let from = nextId();
    await (await direct.restore(from)).inPlace(copy);
    expect(await there()).toBe('New');
    let through = 0;
    let at = firstCut() - stride;
    for (let cut = true; cut;) {
      at += stride;
      const restore = await proxied.restore(nextId());
      const { id } = restore.context.task;
      cut = await cutOff(restore, { at, when }, () => restore.putBack(from));
      const statement = proxy.matched.at(-1) ?? '';
      // Whatever has no end yet is what the copy was made for: nobody may discard it.
      const discarder = await direct.restore(from);
      const discarding = (await isBegun(id))
        ? await failureOf(discarder.engine.discardSafetyCopy(discarder.context))
        : '';
      expect([statement, discarding]).toEqual([statement, expect.stringMatching(/^$|needed to undo it/)]);
      const { engine, context } = await direct.restore(id);
      await engine.recover(context);
      const is = await there();
      expect([statement, is]).toEqual([statement, expect.stringMatching(/^(Old|New)$/)]);
      expect([statement, await grants()]).toEqual([statement, 1]);
      if (is === 'New') continue;
      through += 1;
      const again = await direct.restore(nextId());
      expect(await again.putBack(id)).toMatchObject({ mismatches: [], notWitnessed: [] });
      expect([statement, await there()]).toEqual([statement, 'New']);
      for (const gone of [from, id]) {
        const { engine: old, context: of } = await direct.restore(gone);
        await old.discardSafetyCopy(of);
      }
      from = again.context.task.id;
    }
    expect(through).toBeGreaterThan(0);
    expect(at).toBeGreaterThan(25);
    expect((await names()).filter((name) => name.startsWith('holdfast_') && !name.includes(from))).toEqual([]);
  },
  600_000,
);

const isBegun = (id: string): Promise<boolean> =>
  server.admin(async (connection) => {
    if (!(await names()).includes(`holdfast_${id}_exchange`)) return false;
    const rows = await connection.query<Record<string, string>[]>(`SHOW TABLES FROM holdfast_${id}_exchange`);
    return rows.some((row) => Object.values(row).includes('begun'));
  });
