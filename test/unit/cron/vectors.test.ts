import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { parseCron } from '../../../src/cron/parse.ts';
import { createZone } from '../../../src/cron/zone.ts';
import { distances, type Comparison } from './compare.ts';
import { linesFrom, readLines } from './vectors.ts';

test('in every zone the times are those that robfig/cron finds', async () => {
  const { stdout } = await execa(process.execPath, [fileURLToPath(new URL('compare.ts', import.meta.url))]);
  const zones = JSON.parse(stdout) as Comparison[];
  expect(zones.flatMap(({ zone, differing }) => differing.map((difference) => ({ zone, ...difference })))).toEqual([]);
  expect(zones.length).toBeGreaterThanOrEqual(20);
  expect(zones.reduce((sum, { compared }) => sum + compared, 0)).toBeGreaterThan(5000);
}, 120_000);

const utc = createZone('UTC');
const lines = readLines();

test.each(lines.filter(({ accepted }) => accepted))('robfig/cron and parseCron take "$line"', ({ line, next = [] }) => {
  expect(distances(parseCron(line), utc, linesFrom, next.length)).toEqual(next);
});

test.each(lines.filter(({ accepted }) => !accepted))('robfig/cron and parseCron refuse "$line"', ({ line }) => {
  expect(() => parseCron(line)).toThrow(expect.objectContaining({ name: 'CronError', line }));
});
