import type { HeldShard } from './backup-service.ts';
import type { PackedShard } from './portable-files.ts';
import type { Surveyed } from './survey.ts';

/** What the server said of its shards, before and after the dump. */
export interface ToldShards {
  readonly held: readonly HeldShard[];
  readonly stillHeld: readonly HeldShard[];
  readonly before: Surveyed['listed'];
  readonly after: Surveyed['listed'];
}

/**
 * What a backup lacks, in words. A shard that the server had before and after must be in it; one that holds points must have a file of
 * points. Whoever only lists a shard (made ahead of its time, without content) is not asked for it.
 */
export const missingShards = (
  packed: readonly PackedShard[],
  { held, stillHeld, before, after }: ToldShards,
): string[] => {
  const there = new Map(packed.map((shard) => [shard.id, shard]));
  const still = new Set(stillHeld.map(({ id }) => id));
  const withPoints = new Set(after.filter(hasPoints).map(({ id }) => id));
  const absent = held.filter(({ id }) => still.has(id) && !there.has(id));
  const named = new Set(absent.map(({ id }) => id));
  const hollow = before.filter(
    (shard) =>
      hasPoints(shard) &&
      withPoints.has(shard.id) &&
      !named.has(shard.id) &&
      (there.get(shard.id)?.tsmFiles ?? 0) === 0,
  );
  return [
    ...absent.map(({ id, policy }) => `its backup lacks shard ${id} of "${policy}"`),
    ...hollow.map(({ id, policy }) => `its backup has no points of shard ${id} of "${policy}"`),
  ];
};

const hasPoints = ({ content }: Surveyed['listed'][number]): boolean => 'points' in content && content.points > 0;
