import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { parseCron } from '../../../src/cron/parse.ts';
import { createZone } from '../../../src/cron/zone.ts';
import { distances, type Comparison } from './compare.ts';
import { linesFrom, readLines } from './vectors.ts';

let zones: Comparison[];

beforeAll(async () => {
  const { stdout } = await execa(process.execPath, [fileURLToPath(new URL('compare.ts', import.meta.url))]);
  zones = JSON.parse(stdout);
}, 120_000);

test('in every zone the times are those that robfig/cron finds', () => {
  expect(zones.flatMap(({ zone, differing }) => differing.map((difference) => ({ zone, ...difference })))).toEqual([]);
});

test('that was asked of 10,000 schedules in 20 zones and more, across every change of a clock from 2024 to 2030', () => {
  const sumOf = (count: (zone: Comparison) => number): number => zones.reduce((sum, zone) => sum + count(zone), 0);
  expect(zones.length).toBeGreaterThanOrEqual(20);
  expect(sumOf(({ schedules }) => schedules)).toBeGreaterThanOrEqual(10_000);
  expect(sumOf(({ changes }) => changes)).toBeGreaterThan(150);
  expect(zones.filter(({ changes, changesMet }) => changes !== changesMet)).toEqual([]);
  expect(zones.map(({ zone }) => zone)).toEqual(
    expect.arrayContaining(['Europe/Tallinn', 'Africa/Casablanca', 'Australia/Lord_Howe', 'Pacific/Apia']),
  );
});

/** Zones whose rules are in motion: a newer copy of tzdata has other ones. */
const inMotion = new Set(['Africa/Casablanca']);

test('the rules of zones that the runtime knows are those that Go knows', () => {
  const settled = zones.filter(({ zone }) => !inMotion.has(zone));
  expect(settled.filter(({ otherRules }) => otherRules.length > 0)).toEqual([]);
});

const utc = createZone('UTC');
const lines = readLines();

test.each(lines.filter(({ accepted }) => accepted))('robfig/cron and parseCron take "$line"', ({ line, next = [] }) => {
  expect(distances(parseCron(line), utc, linesFrom, next.length)).toEqual(next);
});

test.each(lines.filter(({ accepted }) => !accepted))('robfig/cron and parseCron refuse "$line"', ({ line }) => {
  expect(() => parseCron(line)).toThrow(expect.objectContaining({ name: 'CronError', line }));
});
