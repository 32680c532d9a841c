import { cronLine } from '../../../src/api/v1alpha1/cron-pattern.ts';
import { readLines } from '../cron/vectors.ts';

interface Exception {
  readonly reason: string;
  readonly matches: RegExp;
}

// A pattern cannot compare two numbers; the operator marks such a policy Stalled.
const takenByThePatternOnly: readonly Exception[] = [
  { reason: 'a range that runs backwards', matches: /[0-9a-z]-[0-9a-z]/i },
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

test('most of what people write is taken by both', () => {
  expect(lines.filter(({ line, accepted }) => accepted && cronLine.safeParse(line).success).length).toBeGreaterThan(80);
});
