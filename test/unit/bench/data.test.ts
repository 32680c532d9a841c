import { addedADay, shapeFor } from '../../bench/data/database.ts';
import { ratiosOf, roundedCost, type BackupCost, type Cost, type WayFigures } from '../../bench/data/figures.ts';
import { parseStat, parseTimes, treeBytes } from '../../bench/data/measured.ts';

const cost = (seconds: number): Cost => ({ seconds, cpuSeconds: seconds, peakRssMiB: 1, peakScratchMiB: 1 });
const backup = (day: number, sentBytes: number, ship: number, dump?: number): BackupCost => ({
  day,
  ship: cost(ship),
  sentBytes,
  ...(dump !== undefined && { dump: cost(dump) }),
});
const way = (...backups: BackupCost[]): WayFigures => ({ backups, repositoryBytes: 0, restores: [] });

describe('ratiosOf', () => {
  const ways = {
    byHand: way(backup(0, 1000, 30, 10), backup(1, 900, 1, 1), backup(2, 1000, 1, 1)),
    holdfast: way(backup(0, 1200, 10, 30), backup(1, 100, 1, 1), backup(2, 140, 1, 1)),
    restic: way(backup(0, 960, 20), backup(1, 960, 1), backup(2, 960, 1)),
  };
  test('every ratio is of what it says', () => {
    expect(ratiosOf(ways)).toEqual({
      incrementalOfFull: { byHand: 0.95, holdfast: 0.1, restic: 1 },
      incrementalOfByHand: 0.126,
      fullSpeedOfByHand: { ship: 3, withDump: 1 },
      sentOfRestic: 0.5,
    });
  });
  test('nothing measured is no figure', () => {
    expect(() => ratiosOf({ ...ways, holdfast: way() })).toThrow('there is no full');
  });
});

test('costs are rounded to what they can be trusted with', () => {
  expect(roundedCost({ seconds: 1.26, cpuSeconds: 0.04, peakRssMiB: 99.6, peakScratchMiB: 0.26 })).toEqual({
    seconds: 1.3,
    cpuSeconds: 0,
    peakRssMiB: 100,
    peakScratchMiB: 0.3,
  });
});

test.each([
  { megabytes: 5, customers: 5100 },
  { megabytes: 1000, customers: 1_012_100 },
])('$megabytes MB: whole hundreds of customers, five orders each', ({ megabytes, customers }) => {
  const shape = shapeFor(megabytes);
  expect(shape).toEqual({ customers, orders: customers * 5 });
  const added = addedADay(shape);
  expect((added.customers + added.orders) / (shape.customers + shape.orders)).toBeCloseTo(0.005, 3);
});

describe('what a command cost', () => {
  test('the times of bash, of program and kernel together', () => {
    expect(parseTimes('12.500 3.250 0.750\n')).toEqual({ seconds: 12.5, cpuSeconds: 4 });
  });
  test.each(['', 'bash: no such program', '1.0 2.0'])('no times in %j', (written) => {
    expect(() => parseTimes(written)).toThrow('no times');
  });
  // A line of proc(5), with a name that tries to look like fields.
  const line = (pid: number, parent: number, pages: number): string =>
    `${pid} (a) S 1 (b) S ${parent} 5 5 0 -1 4194304 100 0 0 0 7 8 0 0 20 0 1 0 999 1000000 ${pages} 184467 1 1 0`;
  test('parent and memory of a process, whatever its name', () => {
    expect(parseStat(line(42, 7, 3))).toEqual({ pid: 42, parent: 7, rssBytes: 3 * 4096 });
  });
  test('the memory of a process and all below it, and of no other', () => {
    const all = [line(10, 1, 1), line(11, 10, 2), line(12, 11, 4), line(13, 1, 8), line(1, 0, 16)].map(parseStat);
    expect(treeBytes(all, 10)).toBe(7 * 4096);
    expect(treeBytes(all, 99)).toBe(0);
  });
});
