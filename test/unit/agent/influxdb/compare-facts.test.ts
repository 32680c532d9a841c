import * as fc from 'fast-check';
import { compareFacts } from '../../../../src/agent/engines/influxdb/compare-facts.ts';
import { holdingOf, influxdbFacts, type Content, type Survey } from '../../../../src/agent/engines/influxdb/facts.ts';

const known = (points: number, digit = 'a', series = 1): Content => ({ points, series, checksum: digit.repeat(64) });

const policy = (name: string, change: object = {}): Survey['retentionPolicies'][number] => ({
  name,
  duration: '0s',
  shardGroupDuration: '168h0m0s',
  replication: 1,
  default: true,
  ...change,
});
const field = (measurement: string, name: string, content: Content, type = 'float'): Survey['fields'][number] => ({
  policy: 'p',
  measurement,
  field: name,
  type,
  content,
});
const shard = (day: string, content: Content): Survey['shards'][number] => ({
  policy: 'p',
  start: `2026-11-${day}T00:00:00Z`,
  end: `2026-11-${day}T23:59:59Z`,
  content,
});

const surveyed = (change: Partial<Survey> = {}): Survey => ({
  retentionPolicies: [policy('p')],
  fields: [field('cpu', 'usage', known(5)), field('cpu', 'busy', known(5), 'integer'), field('mem', 'free', known(2))],
  shards: [shard('01', known(10)), shard('08', known(2))],
  ...change,
});

const factsOf = (survey: Survey, unknown?: string) =>
  influxdbFacts.parse({
    version: 2,
    engine: 'influxdb',
    dataTime: '2026-11-22T23:15:00Z',
    settledTime: '2026-11-22T23:14:00Z',
    server: { version: '1.6.7' },
    database: 'd',
    ...survey,
    unknown,
  });

test('what is equal is equal, and counted', () => {
  expect(compareFacts(factsOf(surveyed()), surveyed())).toEqual({
    objects: 6,
    rows: 12,
    mismatches: [],
    notWitnessed: [],
  });
});

test('of facts of an earlier version, the shards are not compared', () => {
  const facts = { ...factsOf(surveyed()), version: 1 as const };
  const found = surveyed({ shards: [shard('01', known(10, 'made otherwise'))] });
  expect(compareFacts(facts, found)).toEqual({ objects: 4, rows: 12, mismatches: [], notWitnessed: [] });
  const less = surveyed({ fields: replace(surveyed().fields, 2, field('mem', 'free', known(1))) });
  expect(compareFacts(facts, less).mismatches).toEqual(['measurement p.mem free (float): 1 point instead of 2']);
});

const replace = <T>(items: readonly T[], index: number, item?: T): T[] =>
  items.flatMap((each, at) => (at !== index ? [each] : item === undefined ? [] : [item]));

const base = surveyed();
test.each<{ reason: string; found: Partial<Survey>; facts?: Partial<Survey>; mismatches: string[] }>([
  {
    reason: 'fewer points',
    found: { fields: replace(base.fields, 0, field('cpu', 'usage', known(4))) },
    mismatches: ['measurement p.cpu usage (float): 4 points instead of 5'],
  },
  {
    reason: 'one point more',
    found: { fields: replace(base.fields, 2, field('mem', 'free', known(3))) },
    mismatches: ['measurement p.mem free (float): 3 points instead of 2'],
  },
  {
    reason: 'another series',
    found: { fields: replace(base.fields, 2, field('mem', 'free', known(2, 'a', 2))) },
    mismatches: ['measurement p.mem free (float): 2 series instead of 1'],
  },
  {
    reason: 'another value',
    found: { fields: replace(base.fields, 2, field('mem', 'free', known(2, 'b'))) },
    mismatches: ['measurement p.mem free (float): other values, tags or times in its 2 points'],
  },
  {
    reason: 'what cannot be read now',
    found: { fields: replace(base.fields, 2, field('mem', 'free', { unknown: 'it cannot be read: invalid block' })) },
    mismatches: ['measurement p.mem free (float): it cannot be read: invalid block'],
  },
  {
    reason: 'a field is missing',
    found: { fields: replace(base.fields, 1) },
    mismatches: ['measurement p.cpu busy (integer): missing, 5 points'],
  },
  {
    reason: 'a measurement is missing: told once',
    found: { fields: base.fields.slice(2) },
    mismatches: ['measurement p.cpu: missing, 10 points in 2 fields'],
  },
  {
    reason: 'a field of another type is another field',
    found: { fields: replace(base.fields, 1, field('cpu', 'busy', known(5), 'float')) },
    mismatches: [
      'measurement p.cpu busy (integer): missing, 5 points',
      'measurement p.cpu busy (float): unexpected, 5 points',
    ],
  },
  {
    reason: 'a field that was not there',
    found: { fields: [...base.fields, field('disk', 'full', known(1))] },
    mismatches: ['measurement p.disk full (float): unexpected, 1 point'],
  },
  {
    reason: 'a field that was not there and cannot be read',
    found: { fields: [...base.fields, field('disk', 'full', { unknown: 'no' })] },
    mismatches: ['measurement p.disk full (float): unexpected'],
  },
  {
    reason: 'a field without points need not come back',
    facts: { fields: [...base.fields, field('old', 'gone', known(0))] },
    found: {},
    mismatches: [],
  },
  {
    reason: 'nor is one without points too many',
    found: { fields: [...base.fields, field('old', 'gone', known(0))] },
    mismatches: [],
  },
  {
    reason: 'a shard is missing',
    found: { shards: replace(base.shards, 1) },
    mismatches: ['shard of p from 2026-11-08T00:00:00Z: missing, 2 points'],
  },
  {
    reason: 'a shard holds less: also what is to come, which no field counts',
    found: { shards: replace(base.shards, 0, shard('01', known(9))) },
    mismatches: ['shard of p from 2026-11-01T00:00:00Z: 9 points instead of 10'],
  },
  {
    reason: 'a shard too many',
    found: { shards: [...base.shards, shard('15', known(1))] },
    mismatches: ['shard of p from 2026-11-15T00:00:00Z: unexpected, 1 point'],
  },
  {
    reason: 'a shard without points, which servers make ahead of time',
    facts: { shards: [...base.shards, shard('15', known(0))] },
    found: { shards: [...base.shards, shard('22', known(0))] },
    mismatches: [],
  },
  {
    reason: 'a shard that was written to meanwhile is not compared, and is no gap',
    facts: { shards: replace(base.shards, 1, shard('08', { unknown: 'written to during the dump' })) },
    found: { shards: replace(base.shards, 1, shard('08', known(7))) },
    mismatches: [],
  },
  {
    reason: 'a retention policy is missing, another came',
    found: { retentionPolicies: [policy('q')] },
    mismatches: ['retention policy p: missing', 'retention policy q: unexpected'],
  },
  {
    reason: 'a retention policy is another',
    found: {
      retentionPolicies: [
        policy('p', { duration: '24h0m0s', shardGroupDuration: '1h0m0s', replication: 2, default: false }),
      ],
    },
    mismatches: [
      'retention policy p: duration 24h0m0s instead of 0s, shardGroupDuration 1h0m0s instead of 168h0m0s, replication 2 instead of 1, default false instead of true',
    ],
  },
  {
    reason: 'nothing is there',
    found: { retentionPolicies: [], fields: [], shards: [] },
    mismatches: [
      'retention policy p: missing',
      'measurement p.cpu: missing, 10 points in 2 fields',
      'measurement p.mem: missing, 2 points in 1 field',
      'shard of p from 2026-11-01T00:00:00Z: missing, 10 points',
      'shard of p from 2026-11-08T00:00:00Z: missing, 2 points',
    ],
  },
])('a difference: $reason', ({ found, facts, mismatches }) => {
  const compared = compareFacts(factsOf(surveyed(facts)), surveyed(found));
  expect(compared.mismatches).toEqual(mismatches);
  expect(compared.notWitnessed).toEqual([]);
});

test('what the facts do not know is not compared, and said', () => {
  const facts = factsOf(
    surveyed({ fields: replace(base.fields, 0, field('cpu', 'usage', { unknown: 'written to during the dump' })) }),
  );
  for (const now of [known(7), known(0), { unknown: 'no' }]) {
    const found = surveyed({ fields: replace(base.fields, 0, field('cpu', 'usage', now)) });
    expect(compareFacts(facts, found)).toEqual({
      objects: 5,
      rows: 7,
      mismatches: [],
      notWitnessed: ['measurement p.cpu usage (float): written to during the dump'],
    });
  }
  // The rest is compared all the same.
  expect(compareFacts(facts, surveyed({ fields: base.fields.slice(0, 1) })).mismatches).toEqual([
    'measurement p.mem: missing, 2 points in 1 field',
    'measurement p.cpu busy (integer): missing, 5 points',
  ]);
});

test('facts that are no witness at all never make anything equal', () => {
  const notWitnessed = ['the whole: it took too long'];
  const without = { fields: [], shards: [] };
  expect(compareFacts(factsOf(surveyed(without), 'it took too long'), surveyed())).toEqual({
    objects: 1,
    rows: 0,
    mismatches: [],
    notWitnessed,
  });
  const nothing = factsOf({ retentionPolicies: [], ...without }, 'it took too long');
  expect(compareFacts(nothing, surveyed())).toEqual({ objects: 0, rows: 0, mismatches: [], notWitnessed });
});

test('any one change of what is known is found', () => {
  const changes = fc.record({
    points: fc.integer({ min: 0, max: 9 }),
    series: fc.integer({ min: 1, max: 3 }),
    checksum: fc.constantFrom('a'.repeat(64), 'b'.repeat(64)),
  });
  fc.assert(
    fc.property(changes, changes, (before, after) => {
      const survey = (content: Content): Survey => surveyed({ fields: [field('m', 'f', content)] });
      const same = JSON.stringify(before) === JSON.stringify(after);
      expect(compareFacts(factsOf(survey(before)), survey(after)).mismatches.length === 0).toBe(same);
    }),
  );
});

describe('how much a database holds', () => {
  test('is counted exactly, by measurement, or not at all', () => {
    expect(holdingOf(surveyed())).toEqual({ rows: 12, holding: ['p.cpu', 'p.mem'] });
    expect(holdingOf(surveyed({ fields: [field('cpu', 'usage', known(0)), field('mem', 'free', known(1))] }))).toEqual({
      rows: 1,
      holding: ['p.mem'],
    });
    expect(holdingOf(surveyed({ fields: [] }))).toEqual({ rows: 0, holding: [] });
    const busy = [field('cpu', 'usage', { unknown: 'written to during the dump' }), field('old', 'f', known(0))];
    expect(holdingOf(surveyed({ fields: busy }))).toEqual({ holding: ['p.cpu'] });
    expect(holdingOf({ ...surveyed({ fields: [] }), unknown: 'it took too long' })).toEqual({});
  });
});
