import { readFileSync } from 'node:fs';
import type { Zone } from '../../../src/cron/zone.ts';

/** What robfig/cron made of a schedule in a zone; see test/vectors/cron/main.go, which wrote it. */
export interface Series {
  readonly zone: string;
  readonly schedule: string;
  /** From where (seconds since 1970), then the distance from each result to the next; a 0 at the end: none within five years. */
  readonly runs: readonly (readonly [number, ...number[]])[];
}

/** Whether robfig/cron takes a line, and the distances of its first results from `linesFrom`, in UTC. */
export interface Line {
  readonly line: string;
  readonly accepted: boolean;
  readonly next?: readonly number[];
}

/** Where the results of {@link Line} begin. */
export const linesFrom = Date.UTC(2024, 0, 31, 22, 58, 30) / 1000;

const read = (name: string): string =>
  readFileSync(new URL(`../../vectors/cron/${name}`, import.meta.url), { encoding: 'utf8' });

export const readSeries = (): Series[] => JSON.parse(read('next.json'));

/** The rules of a zone that the vectors were made with. */
export interface Rules {
  readonly zone: string;
  /** From an instant on (seconds since 1970), so many seconds east of UTC. */
  readonly offsets: readonly (readonly [from: number, offset: number])[];
}

export const readRules = (): Rules[] => JSON.parse(read('zones.json'));

/** A zone by those rules, whatever copy of tzdata the runtime has. */
export const zoneOf = ({ zone, offsets }: Rules): Zone => {
  const rows = offsets.map(([from, offset], index) => ({
    from: index === 0 ? -Infinity : from,
    to: offsets[index + 1]?.[0] ?? Infinity,
    offset,
  }));
  const rowAt = (instant: number) => rows.find(({ from, to }) => instant >= from && instant < to) ?? rows[0];
  // The next question is nearly always about the same stretch of time.
  let row = rowAt(0);
  return {
    name: zone,
    offsetSeconds: (instant) => {
      if (row === undefined || instant < row.from || instant >= row.to) row = rowAt(instant);
      return row?.offset ?? 0;
    },
  };
};

/** The random schedules, as series of one run each. */
export const readSchedules = (): Series[] => {
  let zone = '';
  return read('schedules.txt')
    .trimEnd()
    .split('\n')
    .flatMap((row) => {
      const [, from, schedule, distances] = /^(\d+) ([^\t]+)\t([\d ]+)$/.exec(row) ?? [];
      if (from !== undefined && schedule !== undefined && distances !== undefined)
        return [{ zone, schedule, runs: [[Number(from), ...distances.split(' ').map(Number)] as const] }];
      zone = row;
      return [];
    });
};

export const readLines = (): Line[] => JSON.parse(read('lines.json'));
