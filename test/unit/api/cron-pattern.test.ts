import { cronLine } from '../../../src/api/v1alpha1/cron-pattern.ts';
import { resolveLine } from '../../../src/cron/hash.ts';
import { parseCron } from '../../../src/cron/parse.ts';
import { readLines } from '../cron/vectors.ts';

interface Exception {
  readonly reason: string;
  readonly matches: RegExp;
}

// A pattern cannot compare two numbers; the operator marks such a policy Stalled.
const takenByThePatternOnly: readonly Exception[] = [
  { reason: 'a range that runs backwards', matches: /[0-9a-z]-[0-9a-z]/i },
  { reason: 'a hash, which CronJob never sees', matches: /^H / },
];

const takenByRobfigOnly: readonly Exception[] = [
  { reason: 'white space other than single spaces between fields', matches: /^\s|[\t\n\u0085\u00a0\u2028]|\s$/ },
  { reason: 'an empty item of a list, which may leave a field that never matches', matches: /(^|[ ,]),|,[ ,]/ },
  { reason: 'a star with the end of a range, which is not looked at', matches: /\*-/ },
  { reason: 'a sign before a number', matches: /(^|[ /])[+-][0-9]/ },
  { reason: 'more zeros before a number than one would write', matches: /(^|[ /])0[0-9]{2,}|\/0[0-9]/ },
  { reason: 'a step of three digits and more', matches: /\/[0-9]{3,}/ },
  { reason: 'a letter that is not ASCII', matches: /[^ -~\s]/ },
  { reason: '@every of nothing, or a fraction, or units below a second', matches: /^@every .*([.]|[nuµμm]s|\b0)/ },
  { reason: '@every with a sign', matches: /^@every [+-]/ },
  { reason: '@every of six digits and more', matches: /^@every [0-9]{6,}/ },
  { reason: 'longer than 128 characters', matches: /^.{129,}$/ },
];

const lines = readLines();
const robfigOnly = lines.filter(({ line, accepted }) => accepted && !cronLine.safeParse(line).success);
const patternOnly = lines.filter(({ line, accepted }) => !accepted && cronLine.safeParse(line).success);
const unexplained = (found: typeof lines, exceptions: readonly Exception[]): string[] =>
  found.map(({ line }) => line).filter((line) => !exceptions.some(({ matches }) => matches.test(line)));

test('what the pattern takes, robfig/cron takes, but for the exceptions', () => {
  expect(unexplained(patternOnly, takenByThePatternOnly)).toEqual([]);
});

test('what robfig/cron takes, the pattern takes, but for the exceptions', () => {
  expect(unexplained(robfigOnly, takenByRobfigOnly)).toEqual([]);
});

test.each(takenByThePatternOnly)('an exception that is in use: $reason', ({ matches }) => {
  expect(patternOnly.filter(({ line }) => matches.test(line))).not.toEqual([]);
});

test.each(takenByRobfigOnly)('an exception that is in use: $reason', ({ matches }) => {
  expect(robfigOnly.filter(({ line }) => matches.test(line))).not.toEqual([]);
});

test.each([
  { line: 'H 1 * * *', taken: true, reason: 'a hashed minute' },
  { line: 'H H * * 0', taken: true, reason: 'minute and hour' },
  { line: 'H(0-29) H(5-20) * * *', taken: true, reason: 'spans' },
  { line: 'h 1 * * *', taken: false, reason: 'a small letter' },
  { line: 'H(0-60) 1 * * *', taken: false, reason: 'no such minute' },
  { line: '0 H(0-24) * * *', taken: false, reason: 'no such hour' },
  { line: '0 1 H * *', taken: false, reason: 'a day' },
  { line: '0 1 * H *', taken: false, reason: 'a month' },
  { line: '0 1 * * H', taken: false, reason: 'a day of the week' },
  { line: 'H/15 * * * *', taken: false, reason: 'a step' },
  { line: 'H,30 1 * * *', taken: false, reason: 'a list' },
  { line: 'H(5) 1 * * *', taken: false, reason: 'half a span' },
  { line: 'HH 1 * * *', taken: false, reason: 'two' },
])('"$line" is taken: $taken ($reason), as it can be read', ({ line, taken }) => {
  expect(cronLine.safeParse(line).success).toBe(taken);
  const canBeRead = (): boolean => {
    try {
      return parseCron(resolveLine(line, 'a/b/Full')).kind === 'fields';
    } catch {
      return false;
    }
  };
  expect(canBeRead()).toBe(taken);
});

test('most of what people write is taken by both', () => {
  expect(lines.filter(({ line, accepted }) => accepted && cronLine.safeParse(line).success).length).toBeGreaterThan(80);
});
