import type { Content } from '../../../../src/agent/engines/influxdb/facts.ts';
import { missingShards } from '../../../../src/agent/engines/influxdb/missing-shards.ts';

const held = (...ids: string[]) => ids.map((id) => ({ id, policy: 'p' }));
const packed = (shards: Record<string, number>) =>
  Object.entries(shards).map(([id, tsmFiles]) => ({ id, policy: 'p', tsmFiles, tombstones: false }));
const listed = (points: Record<string, number | undefined>) =>
  Object.entries(points).map(([id, count]) => {
    const content: Content =
      count === undefined ? { unknown: 'why' } : { points: count, series: 1, checksum: 'a'.repeat(64) };
    return { id, database: 'd', policy: 'p', start: 's', end: 'e', content };
  });

test.each([
  { shards: { 1: 2, 2: 1 }, points: { 1: 5, 2: 5 }, says: [], reason: 'all there' },
  { shards: { 1: 2 }, points: { 1: 5, 2: 5 }, says: ['lacks shard 2'], reason: 'one is not in the manifest' },
  { shards: { 1: 2 }, points: { 1: 5, 2: undefined }, says: ['lacks shard 2'], reason: 'the same, not counted' },
  { shards: { 1: 2 }, points: { 1: 5, 2: 0 }, says: ['lacks shard 2'], reason: 'the same, without points' },
  { shards: { 1: 2, 2: 0 }, points: { 1: 5, 2: 5 }, says: ['no points of shard 2'], reason: 'one is there but empty' },
  { shards: { 1: 2, 2: 0 }, points: { 1: 5, 2: 0 }, says: [], reason: 'one is there, and empty on the server too' },
  { shards: {}, points: {}, says: ['lacks shard 1', 'lacks shard 2'], reason: 'nothing there, nothing counted' },
])('$reason', ({ shards, points, says }) => {
  const missing = missingShards(packed(shards), {
    held: held('1', '2'),
    stillHeld: held('1', '2'),
    before: listed(points),
    after: listed(points),
  });
  expect(missing).toHaveLength(says.length);
  for (const [index, words] of says.entries()) expect(missing[index]).toContain(words);
});

test('a shard that was dropped, made, emptied or filled during the dump is not asked for', () => {
  const changes = {
    held: held('1', 'dropped'),
    stillHeld: held('1', 'made'),
    before: listed({ 1: 0, dropped: 5 }),
    after: listed({ 1: 5, made: 5 }),
  };
  expect(missingShards(packed({ 1: 0 }), changes)).toEqual([]);
});

test('a shard that is only listed is asked for when it gives points', () => {
  const ahead = { held: held('1'), stillHeld: held('1') };
  const empty = listed({ 1: 5, 2: 0 });
  expect(missingShards(packed({ 1: 1 }), { ...ahead, before: empty, after: empty })).toEqual([]);
  const full = listed({ 1: 5, 2: 5 });
  expect(missingShards(packed({ 1: 1 }), { ...ahead, before: full, after: full })).toEqual([
    'its backup has no points of shard 2 of "p"',
  ]);
});
