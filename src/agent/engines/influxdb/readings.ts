import type { ListedShard } from './listing.ts';
import type { FieldKey } from './statements.ts';
import type { Counted } from './tally.ts';

/**
 * What was read of shards, each by the print of its files (prints.ts): where a shard has the same print, it holds the same values, in whichever
 * database it lies, and need not be read once more. All of this is pure.
 */

/** What was read of a field in a shard. */
export interface FieldReading {
  /** All of its points. */
  readonly all: Counted;
  /** Those before the moment up to which fields were counted; only of a shard that it lies in. */
  readonly settled?: Counted | undefined;
}

export interface ShardReading {
  /** By their names; those that hold points, and of those that have several types in the policy all. */
  readonly fields: ReadonlyMap<string, FieldReading>;
  /** The shard that last gave all of it (see {@link giverOf}). */
  readonly giver?: string | undefined;
}

/** By their keys. */
export type Readings = ReadonlyMap<string, ShardReading>;

export const noReadings: Readings = new Map();

/** The name of a field: the same of every server, and of no other field of the policy. */
export const fieldName = ({ measurement, field, type }: Omit<FieldKey, 'policy'>): string =>
  JSON.stringify([measurement, field, type]);

/** The name without the type. */
const plainName = (name: string): string => JSON.stringify((JSON.parse(name) as unknown[]).slice(0, 2));

/** Whether a moment lies in a shard, so that some of what it holds may be before and some after it. */
export const liesIn = (settled: Date, { start, end }: Pick<ListedShard, 'start' | 'end'>): boolean =>
  settled.getTime() > Date.parse(start) && settled.getTime() < Date.parse(end);

/** A print, and the moment up to which fields were counted, where that lies in the shard: another one tells other points apart. */
export const readingKey = (print: string, shard: Pick<ListedShard, 'start' | 'end'>, settled: Date): string =>
  liesIn(settled, shard) ? `${print} ${settled.toISOString()}` : print;

/**
 * A shard of one life of a server: as long as its print stays the same it gives the same, since what a server finds values by changes only with
 * these, or when it begins anew. A server gives no number to two shards. Undefined when its life is not known.
 */
export const giverOf = (life: string | undefined, { id }: Pick<ListedShard, 'id'>): string | undefined =>
  life === undefined ? undefined : `${life} ${id}`;

/** What a shard holds of a field before a moment; undefined when nothing. */
export const settledPart = (
  { all, settled: part }: FieldReading,
  shard: Pick<ListedShard, 'start' | 'end'>,
  settled: Date,
): Counted | undefined => {
  if (liesIn(settled, shard)) return part;
  return settled.getTime() >= Date.parse(shard.end) ? all : undefined;
};

/**
 * Whether reading the shard once more, in a database with these fields, would tell the very same: each field that holds something is listed, and
 * none is listed by a type that it was not asked by (a server gives whole numbers as floats, where another shard has them so).
 */
export const isUsable = ({ fields }: ShardReading, keys: readonly FieldKey[]): boolean => {
  const listed = new Set(keys.map(fieldName));
  const known = new Set([...fields.keys()].map(plainName));
  return (
    [...fields].every(([name, { all }]) => all.points === 0 || listed.has(name)) &&
    [...listed].every((name) => fields.has(name) || !known.has(plainName(name)))
  );
};

/** The names of fields that have several types. */
export const ofSeveralTypes = (keys: readonly FieldKey[]): ReadonlySet<string> => {
  const names = keys.map(fieldName);
  const groups = Map.groupBy(names, plainName);
  return new Set(names.filter((name) => (groups.get(plainName(name)) ?? []).length > 1));
};
