import type { Compared } from '../../../verify/engine.ts';
import { compareFacts } from '../compare-facts.ts';
import type { FieldFacts, InfluxdbFacts, ShardFacts, Survey } from '../facts.ts';

/**
 * A real server, other than a scratch server, removes whole shards that are older than their retention policy keeps: of a backup that is some
 * days old, perhaps before it was compared. And others write to what was restored. All of this is pure.
 */

const units: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 1e-6,
};

/** Milliseconds of a duration as the server prints it: `1440h0m0s`. Zero keeps for ever. */
export const millisecondsOf = (duration: string): number =>
  [...duration.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)/g)].reduce(
    (sum, [, count = '0', unit = 's']) => sum + Number(count) * (units[unit] ?? 0),
    0,
  );

type Shards = Pick<InfluxdbFacts, 'shards' | 'retentionPolicies'>;

/** The shards that a server removes at its next check, if it has not yet. */
export const expiredShards = ({ shards, retentionPolicies }: Shards, now: Date): ShardFacts[] => {
  const kept = new Map(retentionPolicies.map(({ name, duration }) => [name, millisecondsOf(duration)]));
  return shards.filter(({ policy, end }) => {
    const duration = kept.get(policy) ?? 0;
    return duration > 0 && Date.parse(end) + duration < now.getTime();
  });
};

const pointsOf = ({ content }: Pick<ShardFacts, 'content'>): number | undefined =>
  'unknown' in content ? undefined : content.points;

/** A sum, when all of its parts are known. */
const sumOf = (items: readonly Pick<ShardFacts, 'content'>[]): number | undefined =>
  items.reduce<number | undefined>((sum, item) => {
    const points = pointsOf(item);
    return sum === undefined || points === undefined ? undefined : sum + points;
  }, 0);

/** What of a backup goes at the next check of the server, in words; undefined when nothing does. */
export const expiryWords = (facts: Shards, now: Date): string | undefined => {
  const expired = expiredShards(facts, now).filter((shard) => pointsOf(shard) !== 0);
  if (expired.length === 0) return undefined;
  const policies = [...new Set(expired.map(({ policy }) => policy))].join(', ');
  const points = sumOf(expired);
  const what = points === undefined ? 'Points' : points === 1 ? '1 point' : `${points} points`;
  return `${what} of the backup ${points === 1 ? 'is' : 'are'} older than the retention policy (${policies}) keeps: the server removes such at its next check, within half an hour as it is set by default. To look at them, restore into a sandbox, or raise the policy’s duration first.`;
};

const shardKey = ({ policy, start, end }: ShardFacts): string => JSON.stringify([policy, start, end]);
const fieldKey = ({ policy, measurement, field, type }: FieldFacts): string =>
  JSON.stringify([policy, measurement, field, type]);

/**
 * The facts, but for what the server had to remove meanwhile. Fields are counted over all of their points, so what is left of one cannot be
 * compared by itself: it passes when the fields of the policy together lack exactly the points of the shards that went.
 */
const withoutExpired = (facts: InfluxdbFacts, found: Survey, now: Date): InfluxdbFacts => {
  const there = new Map(found.shards.map((shard) => [shardKey(shard), shard]));
  const gone = expiredShards(facts, now).filter((shard) => {
    const points = pointsOf(there.get(shardKey(shard)) ?? { content: noPoints });
    return points === 0;
  });
  const excused = new Set(
    [...Map.groupBy(gone, ({ policy }) => policy)]
      .filter(([policy, shards]) => accounted({ facts, found, policy, shards }))
      .map(([policy]) => policy),
  );
  const excusedShards = new Set(gone.filter(({ policy }) => excused.has(policy)).map(shardKey));
  const later = new Map(found.fields.map((field) => [fieldKey(field), field]));
  return {
    ...facts,
    shards: facts.shards.filter((shard) => !excusedShards.has(shardKey(shard))),
    fields: facts.fields.flatMap((field) => {
      const after = later.get(fieldKey(field));
      if (!excused.has(field.policy) || !lost(field, after)) return [field];
      return after === undefined ? [] : [{ ...field, content: after.content }];
    }),
  };
};

const noPoints = { points: 0, series: 0, checksum: '' };

const lost = (before: FieldFacts, after: FieldFacts | undefined): boolean => {
  const points = pointsOf(before);
  const left = after === undefined ? 0 : pointsOf(after);
  return points !== undefined && left !== undefined && left < points;
};

interface Accounting {
  readonly facts: InfluxdbFacts;
  readonly found: Survey;
  readonly policy: string;
  /** Those of the policy that are gone. */
  readonly shards: readonly ShardFacts[];
}

const accounted = ({ facts, found, policy, shards }: Accounting): boolean => {
  const own = <T extends { readonly policy: string }>(items: readonly T[]): T[] =>
    items.filter((item) => item.policy === policy);
  // Everything of the policy had to go: there is nothing left that could be missing.
  if (shards.length === own(facts.shards).length) return true;
  const [before, after, removed] = [sumOf(own(facts.fields)), sumOf(own(found.fields)), sumOf(shards)];
  return before !== undefined && after !== undefined && removed !== undefined && before - after === removed;
};

/** What is written after the data of the backup is no difference: shards of that time may hold more. What they held is counted by field. */
const withLaterWrites = (
  facts: InfluxdbFacts,
  found: Survey,
): { readonly facts: InfluxdbFacts; readonly found: Survey } => {
  const open = ({ end }: ShardFacts): boolean => Date.parse(end) > Date.parse(facts.settledTime);
  const there = new Map(found.shards.map((shard) => [shardKey(shard), shard]));
  const known = new Set(facts.shards.map(shardKey));
  return {
    facts: {
      ...facts,
      shards: facts.shards.map((shard) => {
        const after = there.get(shardKey(shard));
        const [before, points] = [pointsOf(shard), after && pointsOf(after)];
        const grown = before !== undefined && points !== undefined && points > before;
        return open(shard) && after !== undefined && grown ? { ...shard, content: after.content } : shard;
      }),
    },
    found: { ...found, shards: found.shards.filter((shard) => known.has(shardKey(shard)) || !open(shard)) },
  };
};

export interface ComparedAfter {
  readonly now: Date;
  /** Whether others may write to it: it has the name that they know. */
  readonly inUse: boolean;
}

/** Compares what a real server holds with the facts of the backup that was restored there. */
export const compareRestored = (facts: InfluxdbFacts, found: Survey, { now, inUse }: ComparedAfter): Compared => {
  const plain = compareFacts(facts, found);
  if (plain.mismatches.length === 0 || facts.unknown !== undefined) return plain;
  const kept = withoutExpired(facts, found, now);
  if (!inUse) return compareFacts(kept, found);
  const later = withLaterWrites(kept, found);
  return compareFacts(later.facts, later.found);
};

/** What was lost since a backup, by the shards that a server should still have; in words. */
export const lostShards = (facts: Shards, found: Pick<Survey, 'shards'>, now: Date): string[] => {
  const expired = new Set(expiredShards(facts, now).map(shardKey));
  const there = new Map(found.shards.map((shard) => [shardKey(shard), shard]));
  return facts.shards
    .filter((shard) => !expired.has(shardKey(shard)))
    .flatMap((shard) => {
      const before = pointsOf(shard);
      const after = pointsOf(there.get(shardKey(shard)) ?? { content: noPoints });
      if (before === undefined || after === undefined || after >= before) return [];
      return [`${before - after} of ${before} points of ${shard.policy} from ${shard.start}`];
    });
};

/** How many points a server should still have by the facts of a backup; undefined when that is not known. */
export const pointsLeft = (facts: InfluxdbFacts, now: Date): number | undefined => {
  if (facts.unknown !== undefined) return undefined;
  const [all, expired] = [sumOf(facts.fields), sumOf(expiredShards(facts, now))];
  return all === undefined || expired === undefined ? undefined : Math.max(0, all - expired);
};
