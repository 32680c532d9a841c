import { cp, mkdir, readdir, readFile, rm, stat, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Ledger } from '../../src/agent/ledger.ts';
import { timestamp } from '../../src/base/times.ts';
import { outcomeOf, runAgent } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { makePrograms } from './support/programs.ts';

let server: MariadbServer;
let bench: MysqlBench;

beforeAll(async () => {
  server = await startMariadb();
  await server.prepare({ database: benchDatabase, ...benchAccount, rows: 5000 });
});
afterAll(() => server?.stop());
beforeEach(async () => {
  bench = await makeMysqlBench(server);
});
afterEach(() => bench?.remove());

const copyPath = (...parts: string[]): string => join(bench.files.claim, 'copies', ...parts);

const writeLedger = async (change: (ledger: Ledger) => Ledger): Promise<void> =>
  writeFile(join(bench.files.claim, 'ledger.json'), JSON.stringify(change(await bench.ledger())));

const newestName = async (): Promise<string> => (await bench.ledger()).copies.at(-1)?.name ?? 'none';

/** A slot that lies in the past: the first of January. */
const reuse = { schedule: '0 0 1 1 *', timeZone: 'Europe/Tallinn' };
const full = { task: { kind: 'Full', reuse } } as const;

test('the newest are kept, and what the ledger names is what is there', async () => {
  for (let made = 1; made <= 4; made += 1) {
    const end = await bench.dump({ task: { keep: 2 } });
    expect(outcomeOf(end)).toBe('Succeeded');
    const names = (await bench.ledger()).copies.map(({ name }) => name);
    expect(names).toHaveLength(Math.min(made, 2));
    expect(names.at(-1)).toBe(end.result.newest.localCopy?.name);
    expect(await bench.copies()).toEqual(names);
  }
});

test('its files have the time of its data: no two copies have files of one second, which duplicity takes for the same', async () => {
  const seconds: string[] = [];
  for (let made = 0; made < 2; made += 1) {
    await bench.dump();
    const { name, dataTime } = (await bench.ledger()).copies.at(-1) ?? { name: 'none', dataTime: '' };
    const files = await Promise.all(['dump.sql', 'facts.json'].map((file) => stat(copyPath(name, file))));
    expect(files.map(({ mtime }) => timestamp(mtime))).toEqual([dataTime, dataTime]);
    seconds.push(dataTime);
  }
  expect(new Set(seconds).size).toBe(2);
});

describe('what a killed run left behind', () => {
  test('a partial copy is removed', async () => {
    await mkdir(copyPath('20200101T000000Z.partial'), { recursive: true });
    await writeFile(copyPath('20200101T000000Z.partial', 'dump.sql'), 'half');
    const end = await bench.dump();
    expect(await bench.copies()).toEqual([end.result.newest.localCopy?.name]);
  });

  test('a whole copy that the ledger does not know is adopted, a damaged one is removed', async () => {
    const first = (await bench.dump()).result.newest.localCopy?.name ?? 'none';
    await cp(copyPath(first), copyPath('20200101T000000Z'), { recursive: true });
    await writeLedger((ledger) => ({ ...ledger, copies: [] }));
    const second = (await bench.dump({ task: { keep: 5 } })).result.newest.localCopy?.name;
    expect((await bench.ledger()).copies.map(({ name }) => name)).toEqual([first, second]);
    expect(await bench.copies()).toEqual([first, second]);

    await writeLedger((ledger) => ({ ...ledger, copies: ledger.copies.filter(({ name }) => name !== first) }));
    await truncate(copyPath(first, 'dump.sql'), 100);
    const third = (await bench.dump({ task: { keep: 5 } })).result.newest.localCopy?.name;
    expect(await bench.copies()).toEqual([second, third]);
  });

  test('an entry whose directory is gone is dropped', async () => {
    const first = (await bench.dump()).result.newest.localCopy?.name ?? 'none';
    await rm(copyPath(first), { recursive: true });
    const end = await bench.dump();
    expect((await bench.ledger()).copies.map(({ name }) => name)).toEqual([end.result.newest.localCopy?.name]);
  });

  test('a damaged ledger is kept aside, and the copies are read from their directories', async () => {
    const first = (await bench.dump()).result.newest.localCopy?.name;
    await writeFile(join(bench.files.claim, 'ledger.json'), '{"version":1,"copies":[{"na');
    const end = await bench.dump();
    expect(outcomeOf(end)).toBe('Succeeded');
    const kept = (await readdir(bench.files.claim)).filter((name) => name.startsWith('ledger.json.damaged'));
    expect(kept).toHaveLength(1);
    expect((await bench.ledger()).copies.map(({ name }) => name)).toEqual([first, end.result.newest.localCopy?.name]);
  });

  test('a run that was killed counts for nothing, and the next one tidies up', async () => {
    const pidFile = join(bench.files.scratch, 'pid');
    const programs = await makePrograms({ 'mariadb-dump': `echo half; echo $$ >${pidFile}; exec sleep 60` });
    try {
      const agent = await bench.start({ programs: programs.path });
      const pid = await waitForFile(pidFile);
      agent.kill();
      await expect(agent.end).rejects.toThrow('no valid result');
      process.kill(Number(pid), 'SIGKILL');
      expect(await bench.copies()).toEqual([expect.stringMatching(/\.partial$/)]);
      const end = await bench.dump();
      expect(outcomeOf(end)).toBe('Succeeded');
      expect(await bench.copies()).toEqual([end.result.newest.localCopy?.name]);
    } finally {
      await programs.remove();
    }
  });
});

describe('a full or incremental', () => {
  test('ships the copy of the newest slot, once', async () => {
    await bench.dump();
    const name = await newestName();
    const end = await bench.dump(full);
    expect(outcomeOf(end)).toBe('Succeeded');
    expect(end.result.made).toBeUndefined();
    expect(end.result.newest.localCopy?.name).toBe(name);

    // An incremental that comes before the full has shipped it would find nothing new to ship.
    const next = await bench.dump({ ...full, jobName: 'agama-incremental-1' });
    expect(next.result.made).toBe('LocalCopy');
    expect(next.result.newest.localCopy?.name).not.toBe(name);
    expect((await bench.ledger()).copies.map(({ takenBy }) => takenBy)).toEqual([
      'policy-job-1',
      'agama-incremental-1',
    ]);
  });

  test.each([
    {
      what: 'older than its slot',
      spoil: () =>
        writeLedger((ledger) => ({
          ...ledger,
          copies: ledger.copies.map((copy) => ({ ...copy, dataTime: '2025-12-30T00:00:00Z' })),
        })),
    },
    { what: 'that lost a file', spoil: async () => rm(copyPath(await newestName(), 'facts.json')) },
    { what: 'that was cut', spoil: async () => truncate(copyPath(await newestName(), 'dump.sql'), 10) },
  ])('does not ship a copy $what', async ({ spoil }) => {
    await bench.dump();
    const name = await newestName();
    await spoil();
    const end = await bench.dump(full);
    expect(outcomeOf(end)).toBe('Succeeded');
    expect(end.result.made).toBe('LocalCopy');
    expect(end.result.newest.localCopy?.name).not.toBe(name);
  });

  test('makes its own copy when local copies have no schedule', async () => {
    await bench.dump();
    const end = await bench.dump({ task: { kind: 'Full' } });
    expect(end.result.made).toBe('LocalCopy');
  });

  test('waits for a copy that is being made, and uses it', async () => {
    const started = join(bench.files.scratch, 'started');
    const slow = `touch ${started}; sleep 2; exec /usr/bin/mariadb-dump "$@"`;
    const programs = await makePrograms({ 'mariadb-dump': slow });
    try {
      const copying = await bench.start({ programs: programs.path });
      await waitForFile(started);
      const [copy, shipping] = await Promise.all([copying.end, bench.dump({ ...full, jobName: 'full' })]);
      expect([outcomeOf(copy), outcomeOf(shipping)]).toEqual(['Succeeded', 'Succeeded']);
      expect(shipping.result.made).toBeUndefined();
      expect(shipping.result.newest.localCopy).toEqual(copy.result.newest.localCopy);
      expect(shipping.result.newest.localCopy?.jobName).toBe('policy-job-1');
    } finally {
      await programs.remove();
    }
  });
});

test('a local copy, a full and an incremental that are due at once never ship the same copy, nor an old one', async () => {
  // As after a downtime: the newest copy is older than its slot.
  await bench.dump();
  await writeLedger((ledger) => ({
    ...ledger,
    copies: ledger.copies.map((copy) => ({ ...copy, dataTime: '2025-12-30T00:00:00Z' })),
  }));
  const old = await newestName();
  const incremental = { task: { kind: 'Incremental', reuse } } as const;
  const ends = await Promise.all([
    bench.dump({ jobName: 'local-copy', task: { keep: 5 } }),
    bench.dump({ ...full, jobName: 'full' }),
    bench.dump({ ...incremental, jobName: 'incremental' }),
  ]);
  expect(ends.map(outcomeOf)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
  const taken = (await bench.ledger()).copies.filter(({ takenBy }) => takenBy !== undefined);
  expect(taken.map(({ takenBy }) => takenBy).toSorted()).toEqual(['full', 'incremental']);
  expect(new Set(taken.map(({ name }) => name)).size).toBe(2);
  expect(taken.map(({ name }) => name)).not.toContain(old);
  for (const { dataTime } of taken) expect(Date.parse(dataTime)).toBeGreaterThan(Date.parse('2026-01-01T00:00:00Z'));
}, 60_000);

test('another run that keeps the lock until the deadline is named', async () => {
  const lock = join(bench.files.claim, 'locks', 'dump');
  await mkdir(join(lock, '..'));
  await writeFile(lock, '');
  const holder = execa('flock', ['--exclusive', lock, 'sleep', '30'], { reject: false, detached: true });
  try {
    const end = await bench.dump({ task: { deadlineSeconds: 8 } });
    expect(outcomeOf(end)).toBe('Failed: AnotherRunActive at Lock');
    expect(end.seconds).toBeLessThan(20);
  } finally {
    process.kill(-(holder.pid ?? 0), 'SIGKILL');
    await holder;
  }
});

describe('a claim', () => {
  const onSmallDisk = async (size: string, work: () => Promise<void>): Promise<void> => {
    await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', bench.files.claim]);
    try {
      await work();
    } finally {
      await execa('umount', [bench.files.claim]);
    }
  };

  test('that is full is told, and the half dump is removed', () =>
    onSmallDisk('1m', async () => {
      const end = await bench.dump();
      expect(outcomeOf(end)).toBe('Failed: OutOfScratchSpace at Dump');
      expect(end.result.failure?.message).toContain('localCopy.size');
      expect(await bench.copies()).toEqual([]);
      expect((await bench.ledger()).runs).toMatchObject([{ outcome: 'Failed' }]);
    }));

  const asked = async (work: (programs: string, marker: string) => Promise<void>): Promise<void> => {
    const marker = join(bench.files.scratch, 'asked');
    const programs = await makePrograms({ 'mariadb-dump': `touch ${marker}; exec /usr/bin/mariadb-dump "$@"` });
    try {
      await work(programs.path, marker);
    } finally {
      await programs.remove();
    }
  };

  const fill = async (freeBytes: number): Promise<void> => {
    const filler = join(bench.files.claim, 'filler');
    await rm(filler, { force: true });
    const { bavail, bsize } = await statfs(bench.files.claim);
    await writeFile(filler, Buffer.alloc(bavail * bsize - freeBytes));
  };

  test('that surely has no room for another dump is told before the server is asked', () =>
    onSmallDisk('16m', () =>
      asked(async (programs, marker) => {
        const first = await bench.dump({ task: { keep: 1 } });
        const size = first.result.newest.localCopy?.sizeBytes ?? 0;
        await fill(Math.floor(size * 0.4));
        const end = await bench.dump({ programs, task: { keep: 1 } });
        expect(outcomeOf(end)).toBe('Failed: OutOfScratchSpace at Prepare');
        expect(end.result.failure?.message).toMatch(
          /^The claim has [\d.]+ MiB free, and the last local copy has [\d.]+ MiB: .*localCopy\.size/,
        );
        await expect(stat(marker)).rejects.toThrow('ENOENT');
        expect(await bench.copies()).toEqual([first.result.newest.localCopy?.name]);

        // Three quarters may do, when there is less in the source than there was: it is tried, and told.
        await fill(Math.floor(size * 0.75));
        const tried = await bench.dump({ programs, task: { keep: 1 } });
        expect(outcomeOf(tried)).toBe('Failed: OutOfScratchSpace at Dump');
        expect(tried.result.notes).toMatchObject([{ reason: 'SpaceLow' }]);
        await stat(marker);
      }),
    ));

  test('that gets low is told of while dumps still succeed', () =>
    onSmallDisk('16m', async () => {
      const first = await bench.dump({ task: { keep: 3 } });
      expect(first.result.notes.map(({ reason }) => reason)).not.toContain('SpaceLow');
      await fill((first.result.newest.localCopy?.sizeBytes ?? 0) * 2);
      const second = await bench.dump({ task: { keep: 3 } });
      expect(outcomeOf(second)).toBe('Succeeded');
      expect(second.result.notes[0]).toMatchObject({
        reason: 'SpaceLow',
        message: expect.stringContaining('3 are kept'),
      });
    }));

  test('that is full has room again when fewer copies are kept', () =>
    onSmallDisk('16m', async () => {
      for (let made = 0; made < 3; made += 1) await bench.dump({ task: { keep: 3 } });
      await fill(1024);
      expect(outcomeOf(await bench.dump({ task: { keep: 3 } }))).toBe('Failed: OutOfScratchSpace at Prepare');
      const end = await bench.dump({ task: { keep: 1 } });
      expect(outcomeOf(end)).toBe('Succeeded');
      expect(await bench.copies()).toEqual([end.result.newest.localCopy?.name]);
    }));

  test('that cannot be written to is told', async () => {
    await rm(bench.files.claim, { recursive: true });
    await writeFile(bench.files.claim, 'not a directory');
    const end = await bench.dump();
    expect(outcomeOf(end)).toBe('Failed: ClaimUnusable at Prepare');
    expect(end.result.newest).toEqual({});
  });
});

test.each([
  { what: 'no task', task: undefined, kind: 'LocalCopy' },
  { what: 'a task of another version', task: { kind: 'Full', claim: 'relative' }, kind: 'Full' },
])('$what gives a result that says so', async ({ task, kind }) => {
  const end = await runAgent('dump', task);
  expect(outcomeOf(end)).toBe('Failed: InternalError at Prepare');
  expect(end.exitCode).toBe(1);
  expect(end.result).toMatchObject({ kind, newest: {} });
  expect(end.result.failure?.message).toContain('HOLDFAST_TASK');
});

describe('a run that has to stop', () => {
  const hanging = async (work: (programs: string, pidFile: string) => Promise<void>): Promise<void> => {
    const pidFile = join(bench.files.scratch, 'pid');
    // It ends neither by itself nor by SIGTERM, and so does what it started.
    const script = `trap '' TERM; sleep 300 & echo $! >${pidFile}.new; mv ${pidFile}.new ${pidFile}; while :; do sleep 300; done`;
    const programs = await makePrograms({ 'mariadb-dump': script });
    try {
      await work(programs.path, pidFile);
    } finally {
      await programs.remove();
    }
  };

  test('for its deadline says so', () =>
    hanging(async (programs, pidFile) => {
      const end = await bench.dump({ programs, task: { deadlineSeconds: 4 } });
      expect(outcomeOf(end)).toBe('Failed: DeadlineExceeded at Dump');
      expect(end.seconds).toBeLessThan(25);
      await expectStopped(await readFile(pidFile, 'utf8'));
    }));

  test('since the pod is deleted says so, within the grace period', () =>
    hanging(async (programs, pidFile) => {
      const agent = await bench.start({ programs });
      const pid = await waitForFile(pidFile);
      const told = Date.now();
      agent.terminate();
      const end = await agent.end;
      expect(outcomeOf(end)).toBe('Failed: Interrupted at Dump');
      expect(Date.now() - told).toBeLessThan(25_000);
      expect(await bench.copies()).toEqual([]);
      expect((await bench.ledger()).runs).toMatchObject([{ failure: { reason: 'Interrupted' } }]);
      await expectStopped(pid);
    }));
});

const expectStopped = async (pid: string): Promise<void> => {
  const state = await readFile(`/proc/${pid.trim()}/stat`, 'utf8').catch(() => 'gone');
  expect(state === 'gone' || / Z /.test(state)).toBe(true);
};

const waitForFile = async (path: string): Promise<string> => {
  const giveUp = Date.now() + 20_000;
  while (Date.now() < giveUp) {
    if ((await stat(path).catch(() => undefined)) !== undefined) return readFile(path, 'utf8');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${path} does not appear`);
};
