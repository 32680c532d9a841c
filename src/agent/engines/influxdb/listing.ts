import { z } from 'zod';
import type { RetentionPolicy } from './facts.ts';
import { rowsOf, type InfluxServer } from './server.ts';
import { identifier, showFieldKeys, type FieldKey } from './statements.ts';

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

/** The fields of a retention policy, each with every type that it has in some shard. */
export const listFields = async (
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

const nanoseconds = (a: string, b: string): number => Date.parse(a) - Date.parse(b);

/** Orders texts as every machine does. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
