import { sideBySide } from '../../../base/side-by-side.ts';
import { byText, type ListedShard } from './listing.ts';
import { fieldName, liesIn, ofSeveralTypes, type FieldReading } from './readings.ts';
import { StatementError, type InfluxServer, type SeriesPart } from './server.ts';
import { selectFields, type Between, type FieldKey, type FieldsOfOne } from './statements.ts';
import { addPart, createTally, timesOf, type Counted, type Span } from './tally.ts';

/**
 * How many fields of a measurement are asked for in one statement: what a server takes for a row it takes once for all of them, and where one
 * has no value another has it costs little.
 */
const together = 16;

/** Fields in groups of one measurement each, as many as are asked for in one statement. */
export const inGroups = (keys: readonly FieldKey[]): FieldsOfOne[] =>
  [...Map.groupBy(keys, ({ measurement }) => measurement).values()]
    .flatMap((fields) =>
      Array.from({ length: Math.ceil(fields.length / together) }, (_unused, index): readonly FieldKey[] =>
        fields.slice(index * together, (index + 1) * together),
      ),
    )
    .filter(isFilled);

const isFilled = (keys: readonly FieldKey[]): keys is FieldsOfOne => keys.length > 0;

export interface ReadOptions {
  readonly database: string;
  /** Fields are counted up to here. */
  readonly settled: Date;
  /** How many statements run at a time. */
  readonly atATime: number;
  readonly signal: AbortSignal;
}

/** Why a field is not known, by its name. */
export type Unread = ReadonlyMap<string, string>;

/** What was read of shards, in their order. */
export interface ReadShards {
  readonly shards: readonly ReadonlyMap<string, FieldReading>[];
  readonly unread: Unread;
}

/** Reads shards of one retention policy from end to end, in little memory. */
export const readShards = async (
  server: InfluxServer,
  { keys, shards }: { readonly keys: readonly FieldKey[]; readonly shards: readonly ListedShard[] },
  options: ReadOptions,
): Promise<ReadShards> => {
  const severalTypes = ofSeveralTypes(keys);
  const unread = new Map<string, string>();
  const found = shards.map(() => new Map<string, FieldReading>());
  const jobs = shards.flatMap((shard, index) => inGroups(keys).map((group) => ({ shard, index, group })));
  await sideBySide(jobs, options.atATime, async ({ shard, index, group }) => {
    const isCut = liesIn(options.settled, shard);
    const [from, to] = [nanosecondsOf(shard.start), nanosecondsOf(shard.end)];
    const spansOf = () => [span(from, to), ...(isCut ? [span(from, nanoseconds(options.settled))] : [])];
    for (const { key, spans, unknown } of await readGroup(server, group, { ...options, shard, spansOf, plain: true })) {
      const name = fieldName(key);
      if (unknown !== undefined) unread.set(name, unknown);
      const [all = nothing, settled] = spans.map(({ tally }) => tally.counted());
      if (all.points > 0 || severalTypes.has(name)) found[index]?.set(name, { all, settled });
    }
  });
  return { shards: found, unread };
};

/** What was read of a field over all of its time, as facts of an earlier version have it. */
export interface ReadField {
  readonly key: FieldKey;
  readonly unknown?: string | undefined;
  /** Its points before the moment up to which fields are counted. */
  readonly settled: Counted;
  /** All points of it in each of the shards. */
  readonly shards: readonly Counted[];
}

/** Reads fields of one retention policy over all shards at once: the order of their points, and so the checksum, is another. */
export const readWhole = async (
  server: InfluxServer,
  { keys, shards }: { readonly keys: readonly FieldKey[]; readonly shards: readonly ListedShard[] },
  options: ReadOptions,
): Promise<ReadField[]> => {
  const spansOf = () => [
    span(earliest, nanoseconds(options.settled)),
    ...shards.map(({ start, end }) => span(nanosecondsOf(start), nanosecondsOf(end))),
  ];
  const read = await sideBySide(inGroups(keys), options.atATime, (group) =>
    readGroup(server, group, { ...options, spansOf, plain: false }),
  );
  return read.flat().map(({ key, spans, unknown }) => {
    const [settled = nothing, ...rest] = spans.map(({ tally }) => tally.counted());
    return { key, unknown, settled, shards: rest };
  });
};

interface GroupOptions extends ReadOptions {
  /** All of them, when there is none. */
  readonly shard?: Between;
  /** The spans of time that a field is counted in. */
  spansOf(): Span[];
  /** Whether a tag that a series does not have is left out of its name: which tags others have is not for it to say. */
  readonly plain: boolean;
}

interface ReadOne {
  readonly key: FieldKey;
  readonly spans: readonly Span[];
  readonly unknown?: string;
}

/** Reads fields together, and each by itself when the server refuses that: then the others are known all the same. */
const readGroup = async (server: InfluxServer, keys: FieldsOfOne, options: GroupOptions): Promise<ReadOne[]> => {
  const read = keys.map((key) => ({ key, spans: options.spansOf() }));
  try {
    for await (const part of server.select(selectFields(options.database, keys, options.shard), options.signal)) {
      add(read, part, options);
    }
    return read;
  } catch (error) {
    if (!(error instanceof StatementError)) throw error;
    const [first, ...others] = keys;
    if (others.length === 0) {
      return [{ key: first, spans: options.spansOf(), unknown: `it cannot be read: ${error.message}` }];
    }
    const each: ReadOne[] = [];
    for (const key of keys) each.push(...(await readGroup(server, [key], options)));
    return each;
  }
};

const add = (
  read: readonly { readonly key: FieldKey; readonly spans: readonly Span[] }[],
  part: SeriesPart,
  { plain }: Pick<GroupOptions, 'plain'>,
): void => {
  const tags = Object.entries(part.tags)
    .filter(([, value]) => !plain || value !== '')
    .toSorted(([a], [b]) => byText(a, b));
  const times = timesOf(part);
  for (const [index, { key, spans }] of read.entries()) {
    const { measurement, field, type } = key;
    addPart(spans, JSON.stringify([measurement, field, type, tags]), part, type, { index: index + 1, times });
  }
};

const nothing: Counted = createTally().counted();

const span = (from: bigint, to: bigint): Span => ({ from, to, tally: createTally() });

const earliest = -(2n ** 63n);

const nanoseconds = (time: Date): bigint => BigInt(time.getTime()) * 1_000_000n;

const nanosecondsOf = (time: string): bigint => nanoseconds(new Date(time));
