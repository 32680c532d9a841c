import { nextTime } from '../../../src/cron/next.ts';
import { parseCron } from '../../../src/cron/parse.ts';
import type { CronSchedule } from '../../../src/cron/schedule.ts';
import { createZone, type Zone } from '../../../src/cron/zone.ts';
import { readSeries } from './vectors.ts';

/**
 * Compares every series of vectors, and prints what differs as JSON. A program of its own: jest's module loader makes the 90,000
 * computations ten times slower than node does.
 */

export const distances = (schedule: CronSchedule, zone: Zone, from: number, count: number): number[] => {
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

/** How many runs of a zone were compared, and those that differ. */
export interface Comparison {
  zone: string;
  compared: number;
  differing: { schedule: string; from: number; expected: number[]; found: number[] }[];
}

export const compare = (): Comparison[] =>
  [...Map.groupBy(readSeries(), ({ zone }) => zone)].map(([name, all]) => {
    const zone = createZone(name);
    const results = all.flatMap(({ schedule, runs }) =>
      runs.map(([from, ...expected]) => ({
        schedule,
        from,
        expected,
        found: distances(parseCron(schedule), zone, from, expected.length),
      })),
    );
    return {
      zone: name,
      compared: results.length,
      differing: results.filter(({ expected, found }) => expected.join() !== found.join()),
    };
  });

if (import.meta.main) process.stdout.write(JSON.stringify(compare()));
