import { agreed, influxdbFacts, type Content, type Survey } from '../../../../src/agent/engines/influxdb/facts.ts';
import { noteGaps } from '../../../../src/agent/engines/influxdb/notes.ts';
import type { Note } from '../../../../src/api/v1alpha1/result.ts';

const known = (points: number, digit = 'a'): Content => ({ points, series: 1, checksum: digit.repeat(64) });

const surveyOf = (contents: Record<string, Content>): Survey => ({
  retentionPolicies: [],
  fields: Object.entries(contents).map(([field, content]) => ({
    policy: 'p',
    measurement: 'm',
    field,
    type: 'float',
    content,
  })),
  shards: Object.entries(contents).map(([start, content]) => ({ policy: 'p', start, end: 'e', content })),
});

test.each([
  { before: known(1), after: known(1), agrees: known(1), reason: 'equal is a witness' },
  { before: known(1), after: known(2), agrees: { unknown: 'written to during the dump' }, reason: 'more points' },
  {
    before: known(1),
    after: known(1, 'b'),
    agrees: { unknown: 'written to during the dump' },
    reason: 'as many points, another content',
  },
  { before: known(1), after: undefined, agrees: { unknown: 'it went away during the dump' }, reason: 'dropped' },
  { before: undefined, after: known(1), agrees: { unknown: 'it came during the dump' }, reason: 'new' },
  { before: { unknown: 'no' }, after: known(1), agrees: { unknown: 'no' }, reason: 'not read before' },
  { before: known(1), after: { unknown: 'no' }, agrees: { unknown: 'no' }, reason: 'not read after' },
])('what is counted twice: $reason', ({ before, after, agrees }) => {
  const both = agreed(
    surveyOf({ other: known(9), ...(before && { f: before }) }),
    surveyOf({ other: known(9), ...(after && { f: after }) }),
  );
  expect(both.fields.find(({ field }) => field === 'f')?.content).toEqual(agrees);
  expect(both.shards.find(({ start }) => start === 'f')?.content).toEqual(agrees);
  expect(both.fields.find(({ field }) => field === 'other')?.content).toEqual(known(9));
});

const factsWith = (contents: Record<string, Content>, unknown?: string) =>
  influxdbFacts.parse({
    version: 2,
    engine: 'influxdb',
    dataTime: '2026-11-22T23:15:00Z',
    settledTime: '2026-11-22T23:14:00Z',
    server: { version: '1.6.7' },
    database: 'd',
    ...surveyOf(contents),
    unknown,
  });

test('what is not proven is said, a few by name', () => {
  const notes: Note[] = [];
  const note = (each: Note): void => void notes.push(each);
  noteGaps({ note }, factsWith({ f: known(1) }));
  expect(notes).toEqual([]);
  const gaps = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((field) => [field, { unknown: 'why' }]));
  noteGaps({ note }, factsWith(gaps));
  noteGaps({ note }, factsWith({}, 'it took too long'));
  expect(notes.map(({ message }) => message)).toEqual([
    'Dumped, but no witness of these was taken: m a (why), m b (why), m c (why) and 2 more.',
    'No facts were taken: it took too long. The dump itself is complete.',
  ]);
});
