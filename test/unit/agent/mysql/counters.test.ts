import { withCounters, type Counters } from '../../../../src/agent/engines/mysql/counters.ts';
import type { DatabaseFacts } from '../../../../src/agent/engines/mysql/facts.ts';

type Way = 'Rising' | 'Falling' | 'Cycling';
const counters = (next: bigint | undefined, way: Way): Counters =>
  new Map(next === undefined ? [] : [[JSON.stringify(['d', 't']), { next, way }]]);

const facts = (kind: 'Table' | 'Sequence'): DatabaseFacts[] => [
  {
    name: 'd',
    characterSet: '',
    collation: '',
    tables: [{ name: 't', kind, engine: 'InnoDB', schema: '', content: { unknown: 'no snapshot' } }],
    views: [],
    triggers: [],
    routines: [],
    events: [],
  },
];

const moved = { unknown: 'it was set anew while the dump ran' };
const came = { unknown: 'it came or went while the dump ran' };

test.each<{ reason: string; before?: bigint; after?: bigint; way?: Way; expected: object }>([
  { reason: 'stood still', before: 5n, after: 5n, expected: { next: { from: '5', to: '5' } } },
  { reason: 'rose', before: 5n, after: 9n, expected: { next: { from: '5', to: '9' } } },
  { reason: 'was set back: TRUNCATE', before: 5n, after: 1n, expected: moved },
  { reason: 'fell as it does', before: -1n, after: -5n, way: 'Falling', expected: { next: { from: '-5', to: '-1' } } },
  { reason: 'rose against its way', before: -5n, after: -1n, way: 'Falling', expected: moved },
  { reason: 'may have begun anew in between', before: 5n, after: 9n, way: 'Cycling', expected: moved },
  {
    reason: 'might have, and did not move',
    before: 5n,
    after: 5n,
    way: 'Cycling',
    expected: { next: { from: '5', to: '5' } },
  },
  { reason: 'came', after: 5n, expected: came },
  { reason: 'went', before: 5n, expected: came },
])('a counter that $reason', ({ before, after, way = 'Rising', expected }) => {
  const of = (kind: 'Table' | 'Sequence') =>
    withCounters(facts(kind), counters(before, way), counters(after, way))[0]?.tables[0];
  expect(of('Table')).toMatchObject({ autoIncrement: expected, content: { unknown: 'no snapshot' } });
  expect(of('Sequence')).toMatchObject({ content: expected });
});

test('a table without a counter has none', () => {
  const none = new Map();
  expect(withCounters(facts('Table'), none, none)).toEqual(facts('Table'));
});
