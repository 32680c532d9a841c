import { z } from 'zod';
import { sha256, time } from '../../../api/v1alpha1/primitives.ts';

/**
 * facts.json: what the database held. InfluxDB has no snapshot, so everything is counted before the dump, and after it what has changed: what is
 * equal in both is a witness, the rest is unknown with the reason. Verification and restore count the restored database the same way and compare.
 */

const content = z.union([
  z.object({
    points: z.int().min(0),
    series: z
      .int()
      .min(0)
      .describe(
        'Series with points in it: combinations of tags, counted for each field, from version 3 on in each shard.',
      ),
    checksum: sha256.describe('SHA-256 over tags, times and values in the order of InfluxQL; see tally.ts.'),
  }),
  z.object({ unknown: z.string().describe('Why the content is not known.') }),
]);
export type Content = z.output<typeof content>;

const retentionPolicy = z.object({
  name: z.string(),
  duration: z.string(),
  shardGroupDuration: z.string(),
  replication: z.int(),
  default: z.boolean(),
});
export type RetentionPolicy = z.output<typeof retentionPolicy>;

const field = z.object({
  policy: z.string(),
  measurement: z.string(),
  field: z.string(),
  type: z.string(),
  content: content.describe('Of the points before settledTime.'),
});
export type FieldFacts = z.output<typeof field>;

const shard = z.object({
  policy: z.string(),
  start: time,
  end: time,
  content: content.describe('Of all points, whatever their time, from those of each field in it.'),
});
export type ShardFacts = z.output<typeof shard>;

export const influxdbFacts = z.object({
  version: z
    .literal([1, 2, 3])
    .describe(
      '2: the checksum of a shard is made of those of its fields. 3: that of a field is made of those in each shard, so that a shard can be counted by itself.',
    ),
  engine: z.literal('influxdb'),
  dataTime: time.describe('When the dump began.'),
  settledTime: time.describe(
    'Fields are counted up to here: who writes all the time sends points of the last moments while the dump runs.',
  ),
  server: z.object({ version: z.string().describe('As the server calls itself.') }),
  database: z.string(),
  retentionPolicies: z.array(retentionPolicy),
  fields: z.array(field),
  shards: z.array(shard).describe('By their spans of time, since a restore gives them other numbers.'),
  unknown: z.string().describe('Why nothing was counted: the facts are no witness.').optional(),
});
export type InfluxdbFacts = z.output<typeof influxdbFacts>;

/** What was counted at one time. */
export interface Survey {
  readonly retentionPolicies: readonly RetentionPolicy[];
  readonly fields: readonly FieldFacts[];
  readonly shards: readonly ShardFacts[];
}

/** What two surveys agree about; where they do not, why not. */
export const agreed = (before: Survey, after: Survey): Survey => ({
  // They come back with the dump, whose metadata are read at its beginning.
  retentionPolicies: before.retentionPolicies,
  fields: both(before.fields, after.fields, ({ policy, measurement, field, type }) =>
    JSON.stringify([policy, measurement, field, type]),
  ),
  shards: both(before.shards, after.shards, ({ policy, start, end }) => JSON.stringify([policy, start, end])),
});

const both = <T extends { content: Content }>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (item: T) => string,
): T[] => {
  const later = new Map(after.map((item) => [keyOf(item), item]));
  const gone = before.map((item) => ({ ...item, content: same(item.content, later.get(keyOf(item))?.content) }));
  const known = new Set(before.map(keyOf));
  const come = after
    .filter((item) => !known.has(keyOf(item)))
    .map((item) => ({ ...item, content: { unknown: 'it came during the dump' } }));
  return [...gone, ...come].toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
};

const same = (before: Content, after: Content | undefined): Content => {
  if (after === undefined) return { unknown: 'it went away during the dump' };
  if ('unknown' in before) return before;
  if ('unknown' in after) return after;
  const equal = before.points === after.points && before.checksum === after.checksum;
  return equal ? before : { unknown: 'written to during the dump' };
};

/** How many values there are in the fields, and which measurements hold some; nothing where that is not known. */
export const holdingOf = ({
  fields,
  unknown,
}: Pick<Survey, 'fields'> & Pick<InfluxdbFacts, 'unknown'>): { rows?: number; holding?: string[] } => {
  if (unknown !== undefined) return {};
  const counted = fields.map(({ policy, measurement, content }) => ({
    name: `${policy}.${measurement}`,
    points: 'points' in content ? content.points : undefined,
  }));
  const holding = [...new Set(counted.filter(({ points }) => points !== 0).map(({ name }) => name))];
  if (counted.some(({ points }) => points === undefined)) return { holding };
  return { rows: counted.reduce((sum, { points }) => sum + (points ?? 0), 0), holding };
};
