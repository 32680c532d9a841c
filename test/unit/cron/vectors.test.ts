import { nextTime } from '../../../src/cron/next.ts';
import { parseCron } from '../../../src/cron/parse.ts';
import type { CronSchedule } from '../../../src/cron/schedule.ts';
import { createZone, type Zone } from '../../../src/cron/zone.ts';
import { linesFrom, readLines, readSeries } from './vectors.ts';

const distances = (schedule: CronSchedule, zone: Zone, from: number, count: number): number[] => {
  const found: number[] = [];
  let at = from;
  for (let i = 0; i < count; i += 1) {
    const next = nextTime(schedule, zone, new Date(at * 1000));
    if (next === undefined) return [...found, 0];
    found.push(next.getTime() / 1000 - at);
    at = next.getTime() / 1000;
  }
  return found;
};

const byZone = Map.groupBy(readSeries(), ({ zone }) => zone);

test('the vectors cover the zones', () => {
  expect(byZone.size).toBeGreaterThanOrEqual(20);
  expect([...byZone.values()].flat().flatMap(({ runs }) => runs).length).toBeGreaterThan(5000);
});

test.each([...byZone])('%s: the times are those that robfig/cron finds', (name, all) => {
  const zone = createZone(name);
  const differing = all.flatMap(({ schedule, runs }) =>
    runs.flatMap(([from, ...expected]) => {
      const found = distances(parseCron(schedule), zone, from, expected.length);
      return found.join() === expected.join() ? [] : [{ schedule, from, expected, found }];
    }),
  );
  expect(differing).toEqual([]);
});

const utc = createZone('UTC');
const lines = readLines();

test.each(lines.filter(({ accepted }) => accepted))('robfig/cron and parseCron take "$line"', ({ line, next = [] }) => {
  expect(distances(parseCron(line), utc, linesFrom, next.length)).toEqual(next);
});

test.each(lines.filter(({ accepted }) => !accepted))('robfig/cron and parseCron refuse "$line"', ({ line }) => {
  expect(() => parseCron(line)).toThrow(expect.objectContaining({ name: 'CronError', line }));
});
