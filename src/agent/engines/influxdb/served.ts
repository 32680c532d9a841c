import { sideBySide } from '../../../base/side-by-side.ts';
import type { ListedShard } from './listing.ts';
import { fieldName, type ShardReading } from './readings.ts';
import { inGroups, type ReadOptions } from './read-fields.ts';
import { unlessRefused, type InfluxServer, type SeriesPart } from './server.ts';
import { countFields, type Between, type FieldKey, type FieldsOfOne } from './statements.ts';

/** A shard, with what is known of the values in its files. */
export interface RecalledShard {
  readonly shard: ListedShard;
  readonly reading: ShardReading;
}

/**
 * Whether the server gives all values that lie in the files of shards of one retention policy: it finds them by an index, which is none of those
 * files. It is asked how many values each field has, which it tells by looking at each: as it has no others, as many are the same. Neighbours
 * are asked for together. False also when that cannot be told.
 * @throws RunError when the server does not answer any more; the signal's reason
 */
export const givesAll = async (
  server: InfluxServer,
  {
    keys,
    shards,
  }: {
    readonly keys: readonly FieldKey[];
    readonly shards: readonly (RecalledShard | { readonly shard: ListedShard })[];
  },
  { database, atATime, signal }: Omit<ReadOptions, 'settled'>,
): Promise<boolean> => {
  const jobs = neighbours(shards).flatMap((run) => inGroups(keys).map((group) => ({ run, group })));
  const counted = await sideBySide(jobs, atATime, async ({ run, group }) => {
    const found = await countsOf(server, countFields(database, group, betweenOf(run)), group, signal);
    return group.every((key, index) => found?.[index] === expected(run, key));
  });
  return counted.every((isEqual) => isEqual);
};

/** Runs of shards that are known. */
const neighbours = (shards: readonly (RecalledShard | { readonly shard: ListedShard })[]): RecalledShard[][] =>
  shards.reduce<{ readonly runs: RecalledShard[][]; readonly open: boolean }>(
    ({ runs, open }, each) => {
      if (!('reading' in each)) return { runs, open: false };
      const last = open ? runs.at(-1) : undefined;
      if (last === undefined) return { runs: [...runs, [each]], open: true };
      last.push(each);
      return { runs, open: true };
    },
    { runs: [], open: false },
  ).runs;

const betweenOf = (run: readonly RecalledShard[]): Between => ({
  start: run[0]?.shard.start ?? '',
  end: run.at(-1)?.shard.end ?? '',
});

const expected = (run: readonly RecalledShard[], key: FieldKey): number =>
  run.reduce((sum, { reading }) => sum + (reading.fields.get(fieldName(key))?.all.points ?? 0), 0);

/** How many values each field has; undefined when the server does not tell. */
const countsOf = async (
  server: InfluxServer,
  statement: string,
  { length }: FieldsOfOne,
  signal: AbortSignal,
): Promise<number[] | undefined> => {
  const parts = await unlessRefused(collected(server.select(statement, signal)), undefined);
  const rows = parts?.flatMap(({ values }) => values);
  if (rows === undefined || rows.length > 1) return undefined;
  // Where there is nothing at all there is no row.
  return Array.from({ length }, (_unused, index) => Number(rows[0]?.[index + 1] ?? 0));
};

const collected = async (parts: AsyncIterable<SeriesPart>): Promise<SeriesPart[]> => {
  const all: SeriesPart[] = [];
  for await (const part of parts) all.push(part);
  return all;
};
