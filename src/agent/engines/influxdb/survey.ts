import { z } from 'zod';
import { inOrder } from '../../../base/in-order.ts';
import { sideBySide } from '../../../base/side-by-side.ts';
import type { Content, FieldFacts, RetentionPolicy, ShardFacts, Survey } from './facts.ts';
import { rowsOf, StatementError, type InfluxServer } from './server.ts';
import { identifier, selectField, showFieldKeys, type FieldKey } from './statements.ts';
import { addPart, createSum, createTally, type Counted, type Span, type Sum } from './tally.ts';

const policyRow = z
  .object({
    name: z.string(),
    duration: z.string(),
    shardGroupDuration: z.string(),
    replicaN: z.number(),
    default: z.boolean(),
  })
  .transform(({ replicaN, ...rest }): RetentionPolicy => ({ ...rest, replication: replicaN }));

const shardRow = z
  .object({
    id: z.number(),
    database: z.string(),
    retention_policy: z.string(),
    start_time: z.string(),
    end_time: z.string(),
  })
  .transform((row) => ({
    id: String(row.id),
    database: row.database,
    policy: row.retention_policy,
    start: row.start_time,
    end: row.end_time,
  }));

/** A shard as the server lists it. */
export type ListedShard = z.output<typeof shardRow>;

const fieldKeyRow = z.object({ fieldKey: z.string(), fieldType: z.string() });

/** The retention policies of a database, by name. */
export const listPolicies = async (
  server: InfluxServer,
  database: string,
  signal: AbortSignal,
): Promise<RetentionPolicy[]> => {
  const rows = rowsOf(await server.show(`SHOW RETENTION POLICIES ON ${identifier(database)}`, signal));
  return z
    .array(policyRow)
    .parse(rows)
    .toSorted((a, b) => byText(a.name, b.name));
};

/** The shards of a database, by policy and time. The server lists those of all databases, to administrators only. */
export const listShards = async (
  server: InfluxServer,
  database: string,
  signal: AbortSignal,
): Promise<ListedShard[]> => {
  const shards = z.array(shardRow).parse(rowsOf(await server.show('SHOW SHARDS', signal)));
  return shards
    .filter((shard) => shard.database === database)
    .toSorted((a, b) => byText(a.policy, b.policy) || nanoseconds(a.start, b.start));
};

const listFields = async (
  server: InfluxServer,
  database: string,
  policy: string,
  signal: AbortSignal,
): Promise<FieldKey[]> => {
  const parts = await server.show(showFieldKeys(database, policy), signal);
  return parts
    .flatMap((part) =>
      z
        .array(fieldKeyRow)
        .parse(rowsOf([part]))
        .map(({ fieldKey, fieldType }) => ({ policy, measurement: part.name, field: fieldKey, type: fieldType })),
    )
    .toSorted((a, b) => byText(a.measurement, b.measurement) || byText(a.field, b.field) || byText(a.type, b.type));
};

export interface SurveyOptions {
  readonly database: string;
  /** Fields are counted up to here. */
  readonly settled: Date;
  /** How many fields are read at a time, each by one core of the server: one, where others are to be served meanwhile. */
  readonly atATime: number;
  readonly signal: AbortSignal;
}

/** What a survey tells beside the facts: the numbers of the shards, to be looked for in the dump. */
export interface Surveyed extends Survey {
  readonly listed: readonly (ListedShard & { readonly content: Content })[];
}

/** How many fields are read at a time where nobody else waits for the server. */
export const alone = 3;

/**
 * Reads a database from end to end and counts it, field by field, in little memory. A field that the server does not give is
 * unknown, and with it the shards of its policy.
 * @throws RunError when the server does not answer any more; the signal's reason
 */
export const survey = async (server: InfluxServer, options: SurveyOptions): Promise<Surveyed> => {
  const { database, signal, atATime } = options;
  const retentionPolicies = await listPolicies(server, database, signal);
  const shards = await listShards(server, database, signal);
  const fields: FieldFacts[] = [];
  const listed: Surveyed['listed'][number][] = [];
  for (const { name: policy } of retentionPolicies) {
    const own = shards.filter((shard) => shard.policy === policy);
    const sums = own.map((shard) => ({ shard, sum: createSum() }));
    const addUp = inOrder<ReadField>(({ name, shards: counted }) => {
      for (const [index, part] of counted.entries()) sums[index]?.sum.add(name, part);
    });
    const keys = await listFields(server, database, policy, signal);
    const read = await sideBySide(keys, atATime, async (key, index) => {
      const found = await readField(server, key, options, own);
      addUp(index, found);
      return { ...key, content: found.content };
    });
    fields.push(...read);
    const unread = read.find(({ content }) => 'unknown' in content);
    const contentOf = (sum: Sum): Content =>
      unread === undefined
        ? sum.counted()
        : { unknown: `not every field could be read: ${unread.measurement} ${unread.field}` };
    listed.push(...sums.map(({ shard, sum }) => ({ ...shard, content: contentOf(sum) })));
  }
  return { retentionPolicies, fields, shards: listed.map(factsOf), listed };
};

const factsOf = ({ policy, start, end, content }: Surveyed['listed'][number]): ShardFacts => ({
  policy,
  start,
  end,
  content,
});

/** What was read of a field. */
interface ReadField {
  /** The same of every server, and of no other field of the policy. */
  readonly name: string;
  readonly content: Content;
  /** All points of it in each of the shards. */
  readonly shards: readonly Counted[];
}

const readField = async (
  server: InfluxServer,
  key: FieldKey,
  { database, settled, signal }: SurveyOptions,
  shards: readonly ListedShard[],
): Promise<ReadField> => {
  const { measurement, field, type } = key;
  const inShards = shards.map(({ start, end }) => span(nanosecondsOf(start), nanosecondsOf(end)));
  const whole = span(earliest, BigInt(settled.getTime()) * 1_000_000n);
  const spans = [...inShards, whole];
  const read = (content: Content): ReadField => ({
    name: JSON.stringify([measurement, field, type]),
    content,
    shards: inShards.map(({ tally }) => tally.counted()),
  });
  try {
    for await (const part of server.select(selectField(database, key), signal)) {
      const tags = Object.entries(part.tags).toSorted(([a], [b]) => byText(a, b));
      addPart(spans, JSON.stringify([measurement, field, type, tags]), part, type);
    }
    return read(whole.tally.counted());
  } catch (error) {
    if (!(error instanceof StatementError)) throw error;
    return read({ unknown: `it cannot be read: ${error.message}` });
  }
};

const span = (from: bigint, to: bigint): Span => ({ from, to, tally: createTally() });

const earliest = -(2n ** 63n);

const nanosecondsOf = (time: string): bigint => BigInt(Date.parse(time)) * 1_000_000n;

const nanoseconds = (a: string, b: string): number => Date.parse(a) - Date.parse(b);

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
