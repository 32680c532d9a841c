import type { Compared } from '../../verify/engine.ts';
import type { Content, FieldFacts, InfluxdbFacts, RetentionPolicy, ShardFacts, Survey } from './facts.ts';

/**
 * Compares what a database holds, counted now, with the facts of its backup. What the facts do not know is not compared: that of a field is
 * told as not witnessed; a shard that was written to while it was dumped is no gap, since its settled points are counted by field. Pure.
 */
export const compareFacts = (facts: InfluxdbFacts, found: Survey): Compared => {
  // Without facts there may be no list of retention policies either.
  const policies =
    facts.unknown !== undefined && facts.retentionPolicies.length === 0
      ? nothing
      : comparePolicies(facts.retentionPolicies, found.retentionPolicies);
  if (facts.unknown !== undefined) return { ...policies, rows: 0, notWitnessed: [`the whole: ${facts.unknown}`] };
  const fields = compareFields(facts.fields, found.fields);
  // An earlier version made the checksums of shards otherwise; what is in them is counted by field as well.
  const shards = facts.version === 1 ? nothing : compareShards(facts.shards, found.shards);
  return {
    objects: policies.objects + fields.objects + shards.objects,
    rows: fields.rows,
    mismatches: [...policies.mismatches, ...fields.mismatches, ...shards.mismatches],
    notWitnessed: fields.notWitnessed,
  };
};

type Part = Pick<Compared, 'objects' | 'mismatches'>;

const nothing: Part = { objects: 0, mismatches: [] };

const comparePolicies = (expected: readonly RetentionPolicy[], found: readonly RetentionPolicy[]): Part => {
  const there = new Map(found.map((policy) => [policy.name, policy]));
  const known = new Set(expected.map(({ name }) => name));
  const differing = expected.flatMap((policy) => {
    const now = there.get(policy.name);
    if (now === undefined) return [`retention policy ${policy.name}: missing`];
    const changes = policyKeys
      .filter((key) => now[key] !== policy[key])
      .map((key) => `${key} ${now[key]} instead of ${policy[key]}`);
    return changes.length === 0 ? [] : [`retention policy ${policy.name}: ${changes.join(', ')}`];
  });
  const more = found.filter(({ name }) => !known.has(name)).map(({ name }) => `retention policy ${name}: unexpected`);
  return { objects: expected.length, mismatches: [...differing, ...more] };
};

const policyKeys = ['duration', 'shardGroupDuration', 'replication', 'default'] as const;

type Known = Exclude<Content, { unknown: string }>;

/** What differs of one content, in words; undefined when nothing does. */
const contentDifference = (expected: Known, found: Content | undefined): string | undefined => {
  // What lost its last point is still listed by a server, and does not come with a backup.
  if (found === undefined) return expected.points === 0 ? undefined : `missing, ${points(expected.points)}`;
  if ('unknown' in found) return found.unknown;
  if (found.points !== expected.points) return `${points(found.points)} instead of ${expected.points}`;
  if (found.series !== expected.series) return `${found.series} series instead of ${expected.series}`;
  if (found.checksum === expected.checksum) return undefined;
  return `other values, tags or times in its ${points(found.points)}`;
};

const points = (count: number): string => (count === 1 ? '1 point' : `${count} points`);

const holds = (content: Content): boolean => 'unknown' in content || content.points > 0;

const measurementOf = ({ policy, measurement }: FieldFacts): string => `measurement ${policy}.${measurement}`;
const nameOf = (field: FieldFacts): string => `${measurementOf(field)} ${field.field} (${field.type})`;
const keyOf = ({ policy, measurement, field, type }: FieldFacts): string =>
  JSON.stringify([policy, measurement, field, type]);

const compareFields = (
  expected: readonly FieldFacts[],
  found: readonly FieldFacts[],
): Pick<Compared, 'objects' | 'rows' | 'mismatches' | 'notWitnessed'> => {
  const there = new Map(found.map((field) => [keyOf(field), field.content]));
  const known = new Set(expected.map(keyOf));
  const witnessed = expected.flatMap((field) =>
    'unknown' in field.content ? [] : [{ ...field, content: field.content }],
  );
  const measurements = new Set(found.map(measurementOf));
  const gone = Map.groupBy(
    witnessed.filter((field) => field.content.points > 0 && !measurements.has(measurementOf(field))),
    measurementOf,
  );
  const differing = witnessed
    .filter((field) => !gone.has(measurementOf(field)))
    .flatMap((field) => {
      const difference = contentDifference(field.content, there.get(keyOf(field)));
      return difference === undefined ? [] : [`${nameOf(field)}: ${difference}`];
    });
  const more = found
    .filter((field) => !known.has(keyOf(field)) && holds(field.content))
    .map((field) => `${nameOf(field)}: unexpected${howMany(field.content)}`);
  return {
    objects: witnessed.length,
    rows: witnessed.reduce((sum, { content }) => sum + content.points, 0),
    mismatches: [
      ...[...gone].map(([name, fields]) => `${name}: missing, ${points(sumOf(fields))} in ${fieldsWords(fields)}`),
      ...differing,
      ...more,
    ],
    notWitnessed: expected.flatMap((field) =>
      'unknown' in field.content ? [`${nameOf(field)}: ${field.content.unknown}`] : [],
    ),
  };
};

const sumOf = (fields: readonly { readonly content: Known }[]): number =>
  fields.reduce((sum, { content }) => sum + content.points, 0);
const fieldsWords = ({ length }: readonly unknown[]): string => (length === 1 ? '1 field' : `${length} fields`);
const howMany = (content: Content): string => ('unknown' in content ? '' : `, ${points(content.points)}`);

const shardName = ({ policy, start }: ShardFacts): string => `shard of ${policy} from ${start}`;
const shardKey = ({ policy, start, end }: ShardFacts): string => JSON.stringify([policy, start, end]);

// Servers list shards that hold nothing, made ahead of their time or emptied since: such need not come back.
const compareShards = (expected: readonly ShardFacts[], found: readonly ShardFacts[]): Part => {
  const there = new Map(found.map((shard) => [shardKey(shard), shard.content]));
  const known = new Set(expected.map(shardKey));
  const witnessed = expected.flatMap((shard) =>
    'unknown' in shard.content ? [] : [{ ...shard, content: shard.content }],
  );
  const differing = witnessed.flatMap((shard) => {
    const difference = contentDifference(shard.content, there.get(shardKey(shard)));
    return difference === undefined ? [] : [`${shardName(shard)}: ${difference}`];
  });
  const more = found
    .filter((shard) => !known.has(shardKey(shard)) && holds(shard.content))
    .map((shard) => `${shardName(shard)}: unexpected${howMany(shard.content)}`);
  return { objects: witnessed.length, mismatches: [...differing, ...more] };
};
