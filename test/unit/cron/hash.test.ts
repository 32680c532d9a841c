import * as fc from 'fast-check';
import { resolveLine } from '../../../src/cron/hash.ts';
import { parseCron } from '../../../src/cron/parse.ts';

const policies = Array.from({ length: 1000 }, (_, index) => `shop-${index % 40}/policy-${index}/Full`);

const fieldsOf = (line: string, seed: string): number[] =>
  resolveLine(line, seed)
    .split(' ')
    .map((field) => Number(field));

/** How far counts are from even, against what chance would make of it: Pearson's statistic by its degrees of freedom. */
const unevenness = (counts: readonly number[]): number => {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0) / (counts.length - 1);
};

const countsOf = (values: readonly number[], first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => values.filter((value) => value === first + index).length);

test.each([
  { line: 'H 1 * * *', field: 0, first: 0, last: 59 },
  { line: 'H(0-29) 1 * * *', field: 0, first: 0, last: 29 },
  { line: '5 H * * *', field: 1, first: 0, last: 23 },
  { line: '5 H(5-20) * * *', field: 1, first: 5, last: 20 },
])('a thousand policies with "$line" are spread evenly over $first to $last', ({ line, field, first, last }) => {
  const values = policies.map((seed) => fieldsOf(line, seed)[field] ?? -1);
  const counts = countsOf(values, first, last);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1000);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  // Every seed has been drawn, so this is no gamble: the value is what it is, and one of chance lies below 2 in all but a few of 10,000.
  expect(unevenness(counts)).toBeLessThan(2);
});

test('minute and hour are spread independently of each other', () => {
  const both = policies.map((seed) => fieldsOf('H(0-3) H(0-3) * * *', seed));
  const counts = countsOf(
    both.map(([minute = 0, hour = 0]) => minute * 4 + hour),
    0,
    15,
  );
  expect(unevenness(counts)).toBeLessThan(2);
});

const seeds = fc.string({ minLength: 1, maxLength: 60 });
const spans = (max: number) =>
  fc.tuple(fc.nat(max), fc.nat(max)).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);

test('a span is kept, the line can be read, and the same seed always gives the same line', () => {
  fc.assert(
    fc.property(seeds, spans(59), spans(23), (seed, [a, b], [c, d]) => {
      const line = resolveLine(`H(${a}-${b}) H(${c}-${d}) 1-7 * sun`, seed);
      const schedule = parseCron(line);
      if (schedule.kind !== 'fields') throw new Error('five fields');
      const [minute = -1] = schedule.minute.values;
      const [hour = -1] = schedule.hour.values;
      expect(minute).toBeGreaterThanOrEqual(a);
      expect(minute).toBeLessThanOrEqual(b);
      expect(hour).toBeGreaterThanOrEqual(c);
      expect(hour).toBeLessThanOrEqual(d);
      expect(line.endsWith(' 1-7 * sun')).toBe(true);
      expect(resolveLine(`H(${a}-${b}) H(${c}-${d}) 1-7 * sun`, seed)).toBe(line);
    }),
  );
});

test('known values stay: another hash would move every policy of every user', () => {
  expect(resolveLine('H H * * *', 'agama/agama/LocalCopy')).toBe('13 11 * * *');
  expect(resolveLine('H(0-29) 1 * * 0', 'agama/agama/Full')).toBe('3 1 * * 0');
});

test.each(['0 1 * * *', '5  1   ? * 0', '@daily', '@every 1h30m', '0 0 1 MAR THU', ''])(
  '"%s" has no H and stays as it is',
  (line) => {
    expect(resolveLine(line, 'a/b/Full')).toBe(line);
  },
);

test.each([
  { line: 'H(29-0) 1 * * *', words: 'write H(0-29)', reason: 'backwards' },
  { line: 'H(0-60) 1 * * *', words: 'write H(0-59)', reason: 'beyond the hour' },
  { line: '0 H(0-24) * * *', words: 'write H(0-23)', reason: 'beyond the day' },
])('"$line" is refused: $reason', ({ line, words }) => {
  expect(() => resolveLine(line, 'a/b/Full')).toThrow(words);
});

test.each(['H/15 * * * *', 'H,30 1 * * *', 'h 1 * * *', '0 1 H * *', 'H(1) 1 * * *', 'H(0-29)/2 1 * * *'])(
  '"%s" is no form of H that there is: it cannot be read',
  (line) => {
    expect(() => parseCron(resolveLine(line, 'a/b/Full'))).toThrow(expect.objectContaining({ name: 'CronError' }));
  },
);
