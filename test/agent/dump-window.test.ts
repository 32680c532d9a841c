import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DumpTask } from '../../src/api/v1alpha1/task.ts';
import { outcomeOf } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { makePrograms } from './support/programs.ts';

let server: MariadbServer;
let bench: MysqlBench;

beforeAll(async () => {
  server = await startMariadb();
  await server.prepare({ database: benchDatabase, ...benchAccount, rows: 100 });
});
afterAll(() => server?.stop());
beforeEach(async () => {
  bench = await makeMysqlBench(server);
});
afterEach(() => bench?.remove());

type Window = NonNullable<DumpTask['window']>;

/** A window in UTC that opened at the last full minute, or so many seconds before or after, and closes in so many seconds. */
const windowOf = ({ opened = 0, closesIn }: { opened?: number; closesIn: number }, enforce: boolean): Window => {
  const now = Date.now();
  const start = Math.floor(now / 60_000) * 60_000 + opened * 1000;
  return {
    start: new Date(start).toISOString().slice(11, 16),
    durationSeconds: Math.ceil((now - start) / 1000) + closesIn,
    timeZone: 'UTC',
    enforce,
  };
};

const open = (enforce: boolean): Window => windowOf({ closesIn: 3600 }, enforce);
const closed = (enforce: boolean): Window => windowOf({ opened: -7200, closesIn: -3600 }, enforce);

const withDump = async (script: string, work: (programs: string) => Promise<void>): Promise<void> => {
  const programs = await makePrograms({ 'mariadb-dump': script });
  try {
    await work(programs.path);
  } finally {
    await programs.remove();
  }
};

const realDump = 'exec /usr/bin/mariadb-dump "$@"';

test.each([true, false])(
  'a dump inside the window is as any other, and says when it ran (enforce: %s)',
  async (enforce) => {
    const end = await bench.dump({ task: { window: open(enforce) } });
    expect(outcomeOf(end)).toBe('Succeeded');
    expect(end.result.notes.map(({ reason }) => reason)).not.toContain('OutsideWindow');
    const { startTime, endTime } = end.result.dump ?? { startTime: '', endTime: '' };
    expect(Date.parse(startTime)).toBeGreaterThanOrEqual(Date.parse(end.result.startTime));
    expect(Date.parse(endTime)).toBeGreaterThan(Date.parse(startTime));
    expect(Date.parse(endTime)).toBeLessThanOrEqual(Date.parse(end.result.completionTime) + 1000);
  },
);

test('a dump outside the window is made and reported, as a run started by hand is', async () => {
  const end = await bench.dump({ task: { window: closed(false) } });
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(end.result.notes[0]).toMatchObject({
    reason: 'OutsideWindow',
    message: expect.stringMatching(
      /^The dump ran from \S+Z to \S+Z, outside the window \(from \d\d:\d\d for \S+ min, UTC\)\.$/,
    ),
  });
  expect(await bench.copies()).toHaveLength(1);
});

test('a dump that the window closes on is made and reported', () =>
  withDump(`sleep 4; ${realDump}`, async (programs) => {
    const end = await bench.dump({ programs, task: { window: windowOf({ closesIn: 3 }, false) } });
    expect(outcomeOf(end)).toBe('Succeeded');
    expect(end.result.notes[0]?.reason).toBe('OutsideWindow');
  }));

test('a dump that fails outside the window is reported too', async () => {
  const end = await bench.dump({ mysql: { databases: ['nowhere'] }, task: { window: closed(false) } });
  expect(outcomeOf(end)).toBe('Failed: AccessDenied at Connect');
  expect(end.result.notes[0]?.reason).toBe('OutsideWindow');
  expect(end.result.dump).toBeDefined();
});

describe('with enforce', () => {
  test('a dump that would start outside is refused before the source is asked', async () => {
    const marker = join(bench.files.scratch, 'asked');
    await withDump(`touch ${marker}; ${realDump}`, async (programs) => {
      const end = await bench.dump({ programs, task: { window: closed(true) } });
      expect(outcomeOf(end)).toBe('Failed: WindowExceeded at Prepare');
      expect(end.result.failure?.message).toMatch(/is closed: the dump was not begun\. .*schedule\.window\.enforce/);
      expect(end.result.dump).toBeUndefined();
      await expect(stat(marker)).rejects.toThrow('ENOENT');
      expect(await bench.copies()).toEqual([]);
    });
  });

  test('a dump is stopped when the window closes, and nothing of it is left', () =>
    withDump('exec sleep 60', async (programs) => {
      const window = windowOf({ closesIn: 4 }, true);
      const end = await bench.dump({ programs, task: { window } });
      expect(outcomeOf(end)).toBe('Failed: WindowExceeded at Dump');
      expect(end.result.failure?.message).toContain('was not done when the window');
      expect(end.seconds).toBeLessThan(25);
      expect(await bench.copies()).toEqual([]);
      // What status judges by: it did not end inside.
      const [hours = 0, minutes = 0] = window.start.split(':').map(Number);
      const started = new Date(end.result.startTime).setUTCHours(hours, minutes, 0, 0);
      expect(Date.parse(end.result.dump?.endTime ?? '')).toBeGreaterThan(started + window.durationSeconds * 1000);
    }));

  test('the deadline still counts when it comes first', () =>
    withDump('exec sleep 60', async (programs) => {
      const end = await bench.dump({ programs, task: { window: open(true), deadlineSeconds: 4 } });
      expect(outcomeOf(end)).toBe('Failed: DeadlineExceeded at Dump');
    }));

  test('what ships a local copy has no dump of its own, and may start at any time', async () => {
    await bench.dump();
    const reuse = { schedule: '0 0 1 1 *', timeZone: 'UTC' };
    const end = await bench.dump({ jobName: 'agama-full-1', task: { kind: 'Full', reuse, window: closed(true) } });
    expect(outcomeOf(end)).toBe('Succeeded');
    expect(end.result.dump).toBeUndefined();
    expect(end.result.notes).toEqual([]);
    const next = await bench.dump({ jobName: 'agama-full-2', task: { kind: 'Full', reuse, window: closed(true) } });
    expect(outcomeOf(next)).toBe('Failed: WindowExceeded at Prepare');
  });
});
