import * as fc from 'fast-check';
import {
  compareRestored,
  expiredShards,
  expiryWords,
  lostShards,
  millisecondsOf,
  pointsLeft,
} from '../../../../src/agent/engines/influxdb/restore/expiry.ts';
import { influxdbFacts, type Content, type Survey } from '../../../../src/agent/engines/influxdb/facts.ts';

const known = (points: number, digit = 'a'): Content => ({ points, series: 1, checksum: digit.repeat(64) });
const policy = (name: string, duration: string): Survey['retentionPolicies'][number] => ({
  name,
  duration,
  shardGroupDuration: '24h0m0s',
  replication: 1,
  default: name === 'short',
});
const field = (of: string, measurement: string, content: Content): Survey['fields'][number] => ({
  policy: of,
  measurement,
  field: 'v',
  type: 'float',
  content,
});
const shard = (of: string, day: number, content: Content): Survey['shards'][number] => ({
  policy: of,
  start: `2026-11-${String(day).padStart(2, '0')}T00:00:00Z`,
  end: `2026-11-${String(day + 1).padStart(2, '0')}T00:00:00Z`,
  content,
});

const survey: Survey = {
  retentionPolicies: [policy('long', '0s'), policy('short', '48h0m0s')],
  fields: [field('long', 'cpu', known(4)), field('short', 'cpu', known(7)), field('short', 'mem', known(3))],
  shards: [
    shard('long', 10, known(4)),
    shard('short', 18, known(2)),
    shard('short', 19, known(5)),
    shard('short', 20, known(3)),
  ],
};
const facts = influxdbFacts.parse({
  version: 2,
  engine: 'influxdb',
  dataTime: '2026-11-20T12:01:00Z',
  settledTime: '2026-11-20T12:00:00Z',
  server: { version: '1.6.7' },
  database: 'd',
  ...survey,
});
/** Shard 18 is past what `short` keeps, 19 is not. */
const now = new Date('2026-11-21T12:00:00Z');
const compared = (found: Survey, inUse = false) => compareRestored(facts, found, { now, inUse });

test.each([
  { text: '0s', ms: 0 },
  { text: '1440h0m0s', ms: 1440 * 3_600_000 },
  { text: '1h30m1.5s', ms: 5_401_500 },
  { text: '1h0m0.25s', ms: 3_600_250 },
])('a duration as the server prints it: $text', ({ text, ms }) => {
  expect(millisecondsOf(text)).toBe(ms);
});

test('a shard is expired when its end is older than its policy keeps, and never where that keeps for ever', () => {
  expect(expiredShards(facts, now)).toEqual([shard('short', 18, known(2))]);
  expect(expiryWords(facts, now)).toMatch(
    /^2 points of the backup are older than the retention policy \(short\) keeps: /,
  );
  expect(expiryWords(facts, new Date('2026-11-20T12:00:00Z'))).toBeUndefined();
  expect(pointsLeft(facts, now)).toBe(12);
});

const without = (change: Partial<Survey>): Survey => ({ ...survey, ...change });
const gone = survey.shards.filter(({ start }) => !start.startsWith('2026-11-18'));

test.each<{ what: string; found: Survey; equal: boolean; inUse?: boolean }>([
  { what: 'all is there', found: survey, equal: true },
  {
    what: 'an expired shard is gone, with its points from two fields',
    found: without({
      shards: gone,
      fields: [
        field('long', 'cpu', known(4)),
        field('short', 'cpu', known(6, 'b')),
        field('short', 'mem', known(2, 'b')),
      ],
    }),
    equal: true,
  },
  {
    what: 'an expired shard is gone, and a field lacks a point more',
    found: without({
      shards: gone,
      fields: [
        field('long', 'cpu', known(4)),
        field('short', 'cpu', known(5, 'b')),
        field('short', 'mem', known(2, 'b')),
      ],
    }),
    equal: false,
  },
  {
    what: 'the points of an expired shard are gone, but from a policy that keeps them',
    found: without({
      shards: gone,
      fields: [field('long', 'cpu', known(2, 'b')), field('short', 'cpu', known(7)), field('short', 'mem', known(3))],
    }),
    equal: false,
  },
  {
    what: 'a shard that is not expired is gone',
    found: without({
      shards: survey.shards.filter(({ start }) => !start.startsWith('2026-11-19')),
      fields: [field('long', 'cpu', known(4)), field('short', 'cpu', known(2, 'b')), field('short', 'mem', known(3))],
    }),
    equal: false,
  },
  {
    what: 'a shard that is left has other values',
    found: without({
      shards: [shard('long', 10, known(4)), shard('short', 19, known(5, 'c')), shard('short', 20, known(3))],
      fields: [field('long', 'cpu', known(4)), field('short', 'cpu', known(5, 'b')), field('short', 'mem', known(3))],
    }),
    equal: false,
  },
  {
    what: 'a shard of the last moments has more points than were dumped, in a database that is in use',
    found: without({
      shards: [...survey.shards.slice(0, 3), shard('short', 20, known(9, 'd')), shard('short', 21, known(1))],
    }),
    equal: true,
    inUse: true,
  },
  {
    what: 'the same in one that is not',
    found: without({ shards: [...survey.shards.slice(0, 3), shard('short', 20, known(9, 'd'))] }),
    equal: false,
  },
  {
    what: 'a shard of before has more points, in use or not',
    found: without({ shards: [shard('long', 10, known(5, 'd')), ...survey.shards.slice(1)] }),
    equal: false,
    inUse: true,
  },
  {
    what: 'a shard of the last moments has fewer points',
    found: without({ shards: [...survey.shards.slice(0, 3), shard('short', 20, known(2, 'd'))] }),
    equal: false,
    inUse: true,
  },
])('$what', ({ found, equal, inUse }) => {
  expect(compared(found, inUse).mismatches.length === 0).toBe(equal);
});

test('when everything of a policy had to go, nothing of it is missed', () => {
  const later = new Date('2026-12-24T00:00:00Z');
  const found = without({ shards: survey.shards.slice(0, 1), fields: survey.fields.slice(0, 1) });
  expect(compareRestored(facts, found, { now: later, inUse: false }).mismatches).toEqual([]);
  const other = without({ shards: [], fields: survey.fields.slice(1, 1) });
  expect(compareRestored(facts, other, { now: later, inUse: false }).mismatches).not.toEqual([]);
});

test('no point of a shard that is kept may be missing, however many expired ones are gone', () => {
  const cases = fc.record({
    expired: fc.integer({ min: 1, max: 50 }),
    kept: fc.integer({ min: 1, max: 50 }),
    lost: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(cases, ({ expired, kept, lost }) => {
      fc.pre(lost <= kept);
      const held = {
        ...facts,
        fields: [field('short', 'cpu', known(expired + kept))],
        shards: [shard('short', 18, known(expired)), shard('short', 20, { unknown: 'written to during the dump' })],
      };
      const found = without({
        fields: [field('short', 'cpu', known(kept - lost, 'b'))],
        shards: [shard('short', 20, known(kept - lost, 'b'))],
      });
      expect(compareRestored(held, found, { now, inUse: true }).mismatches.length === 0).toBe(lost === 0);
    }),
  );
});

test('what was lost is told by the shards that a server should still have', () => {
  const found = { shards: [shard('short', 19, known(1)), shard('short', 20, known(30))] };
  expect(lostShards(facts, found, now)).toEqual([
    '4 of 4 points of long from 2026-11-10T00:00:00Z',
    '4 of 5 points of short from 2026-11-19T00:00:00Z',
  ]);
});
