import { nextTime } from '../../../src/cron/next.ts';
import { parseCron } from '../../../src/cron/parse.ts';
import type { CronSchedule } from '../../../src/cron/schedule.ts';
import { createZone, type Zone } from '../../../src/cron/zone.ts';
import { readRules, readSchedules, readSeries, zoneOf, type Rules } from './vectors.ts';

/**
 * Compares every series of vectors, and prints what differs as JSON. A program of its own: jest's module loader makes the 130,000
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

/** How many runs of a zone were compared, those that differ, and where the runtime's copy of tzdata has other rules. */
export interface Comparison {
  zone: string;
  /** Clock changes of the zone from 2024 to 2030. */
  changes: number;
  /** Those that a compared run goes through. */
  changesMet: number;
  schedules: number;
  compared: number;
  differing: { schedule: string; from: number; expected: number[]; found: number[] }[];
  otherRules: string[];
}

const daySeconds = 86_400;
const from = Date.UTC(2024, 0, 1) / 1000;
const until = Date.UTC(2031, 0, 1) / 1000;

const changesOf = ({ offsets }: Rules): number[] =>
  offsets
    .slice(1)
    .map(([change]) => change)
    .filter((change) => change >= from && change < until);

/** Instants at which the zone of the runtime is not as the rules say: around each change, and every day. */
const otherRules = (rules: Rules): string[] => {
  const zone = createZone(rules.zone);
  const recorded = zoneOf(rules);
  const days = Array.from({ length: (until - from) / daySeconds }, (_, day) => from + day * daySeconds);
  return [...days, ...changesOf(rules).flatMap((change) => [change - 1, change])]
    .filter((instant) => zone.offsetSeconds(instant) !== recorded.offsetSeconds(instant))
    .map((instant) => new Date(instant * 1000).toISOString());
};

export const compare = (): Comparison[] => {
  const series = Map.groupBy([...readSeries(), ...readSchedules()], ({ zone }) => zone);
  return readRules().map((rules) => {
    const zone = zoneOf(rules);
    const all = series.get(rules.zone) ?? [];
    const results = all.flatMap(({ schedule, runs }) =>
      runs.map(([start, ...expected]) => ({
        schedule,
        from: start,
        expected,
        found: distances(parseCron(schedule), zone, start, expected.length),
      })),
    );
    const changes = changesOf(rules);
    const met = (change: number): boolean =>
      results.some(({ from: start, expected }) => {
        const end = start + expected.reduce((sum, distance) => sum + distance, 0);
        return start < change && end >= change;
      });
    return {
      zone: rules.zone,
      changes: changes.length,
      changesMet: changes.filter(met).length,
      schedules: all.length,
      compared: results.length,
      differing: results.filter(({ expected, found }) => expected.join() !== found.join()),
      otherRules: otherRules(rules),
    };
  });
};

if (import.meta.main) process.stdout.write(JSON.stringify(compare()));
