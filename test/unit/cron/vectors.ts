import { readFileSync } from 'node:fs';

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

export const readLines = (): Line[] => JSON.parse(read('lines.json'));
