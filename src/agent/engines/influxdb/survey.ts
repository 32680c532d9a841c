import type { Content, FieldFacts, ShardFacts, Survey } from './facts.ts';
import { listFields, listPolicies, listShards, type ListedShard } from './listing.ts';
import type { BackupService } from './backup-service.ts';
import { printsOf, type PrintedBy } from './prints.ts';
import { readShards, readWhole, type ReadOptions } from './read-fields.ts';
import { fieldName, giverOf, isUsable, readingKey, settledPart, type Readings, type ShardReading } from './readings.ts';
import { lifeOf } from './life.ts';
import { givesAll } from './served.ts';
import { unlessRefused, type InfluxServer } from './server.ts';
import type { FieldKey } from './statements.ts';
import { createSum } from './tally.ts';

/** What was read before, and how it is known to be still the same. */
export interface Recall {
  /** By it a shard tells its print. */
  readonly service: BackupService;
  readonly readings: Readings;
  /**
   * Whether it is to be known what the files hold, as of a copy of them. Otherwise it is what the server gives, which finds the values by an
   * index: it is asked whether it gives all of those that it did not give before.
   */
  readonly ofFiles: boolean;
}

export interface SurveyOptions extends ReadOptions {
  /** Of the facts that it is compared with: they count in different ways. The newest one when left out. */
  readonly version?: 1 | 2 | 3;
  /** Nothing is left out of reading without it; nor for facts of an earlier version. */
  readonly recall?: Recall | undefined;
}

/** What a survey tells beside the facts. */
export interface Surveyed extends Survey {
  /** The numbers of the shards, to be looked for in the dump. */
  readonly listed: readonly (ListedShard & { readonly content: Content })[];
  /** What is known of the shards, by their prints; nothing without a recall. */
  readonly readings: Readings;
}

/** How many statements read at a time where nobody else waits for the server. */
export const alone = 3;

/**
 * Reads a database from end to end and counts it, field by field, in little memory. A field that the server does not give is unknown, and with
 * it the shards of its policy. A shard that has the print of one that was read before is not read again: it holds the same.
 * @throws RunError when the server does not answer any more; the signal's reason
 */
export const survey = async (server: InfluxServer, options: SurveyOptions): Promise<Surveyed> => {
  const { database, signal, version = 3 } = options;
  const retentionPolicies = await listPolicies(server, database, signal);
  const shards = await listShards(server, database, signal);
  const life = options.recall?.ofFiles === false ? await unlessRefused(lifeOf(server, signal), undefined) : undefined;
  const parts: SurveyedPolicy[] = [];
  for (const { name: policy } of retentionPolicies) {
    const own = shards.filter((shard) => shard.policy === policy);
    const keys = await listFields(server, database, policy, signal);
    const surveyed = version === 3 ? surveyByShard : surveyWhole;
    parts.push(await surveyed(server, { keys, shards: own, life }, options));
  }
  const listed = parts.flatMap((part) => part.shards);
  return {
    retentionPolicies,
    fields: parts.flatMap(({ fields }) => fields),
    shards: listed.map(factsOf),
    listed,
    readings: new Map(parts.flatMap(({ readings }) => [...readings])),
  };
};

const factsOf = ({ policy, start, end, content }: Surveyed['listed'][number]): ShardFacts => ({
  policy,
  start,
  end,
  content,
});

/** The fields and shards of a retention policy. */
interface PolicyParts {
  readonly keys: readonly FieldKey[];
  readonly shards: readonly ListedShard[];
  /** Of the server, where it matters. */
  readonly life: string | undefined;
}

interface SurveyedPolicy {
  readonly fields: readonly FieldFacts[];
  readonly shards: Surveyed['listed'];
  readonly readings: Readings;
}

/** A shard with what is known of it. */
interface ReadShard {
  readonly shard: ListedShard;
  readonly reading: ShardReading;
  /** Before it was read; it is known by it when it has the same afterwards. */
  readonly print: string | undefined;
  readonly recalled: boolean;
}

const surveyByShard = async (
  server: InfluxServer,
  { keys, shards, life }: PolicyParts,
  options: SurveyOptions,
): Promise<SurveyedPolicy> => {
  const { settled, recall, signal } = options;
  const before = recall === undefined ? [] : await printsOf({ server, service: recall.service }, shards, signal);
  const recalled = await recalledOf(server, { keys, shards, life }, { ...options, prints: before });
  const toRead = shards.filter((_shard, index) => recalled[index] === undefined);
  const read = await readShards(server, { keys, shards: toRead }, options);
  const fresh = new Map(toRead.map((shard, index) => [shard, read.shards[index] ?? new Map()]));
  const known = shards.map((shard, index): ReadShard => {
    const old = recalled[index];
    const { fields } = old ?? { fields: fresh.get(shard) ?? new Map() };
    const reading = { fields, giver: giverOf(life, shard) };
    return { shard, reading, print: before[index], recalled: old !== undefined };
  });
  const [unread] = read.unread;
  const fields = keys.map((key) => {
    const unknown = read.unread.get(fieldName(key));
    return { ...key, content: unknown === undefined ? fieldContent(known, key, settled) : { unknown } };
  });
  const contentOf = ({ reading, recalled: isKnown }: ReadShard): Content =>
    isKnown || unread === undefined ? shardContent(reading, keys) : notRead(keys, unread[0]);
  return {
    fields,
    shards: known.map((each) => ({ ...each.shard, content: contentOf(each) })),
    readings:
      recall === undefined || unread !== undefined
        ? new Map()
        : await keptOf(known, { server, service: recall.service, settled, signal }),
  };
};

/** What is known of shards by their prints; all of it or nothing, since where it is not given it is not known which. */
const recalledOf = async (
  server: InfluxServer,
  { keys, shards, life }: PolicyParts,
  { prints, ...options }: SurveyOptions & { readonly prints: readonly (string | undefined)[] },
): Promise<readonly (ShardReading | undefined)[]> => {
  const { recall, settled } = options;
  const found = shards.map((shard, index) => {
    const print = prints[index];
    const reading = print === undefined ? undefined : recall?.readings.get(readingKey(print, shard, settled));
    return reading !== undefined && isUsable(reading, keys) ? reading : undefined;
  });
  if (recall === undefined || recall.ofFiles) return found;
  const asked = shards.map((shard, index) => {
    const reading = found[index];
    const giver = giverOf(life, shard);
    return reading === undefined || (giver !== undefined && giver === reading.giver) ? { shard } : { shard, reading };
  });
  return (await givesAll(server, { keys, shards: asked }, options)) ? found : [];
};

/** What is known of shards that did not change while they were read. */
const keptOf = async (
  known: readonly ReadShard[],
  { settled, signal, ...printedBy }: PrintedBy & Pick<ReadOptions, 'settled' | 'signal'>,
): Promise<Readings> => {
  const kept = known.filter(({ recalled }) => recalled);
  const read = known.filter(({ recalled, print }) => !recalled && print !== undefined);
  const after = await printsOf(
    printedBy,
    read.map(({ shard }) => shard),
    signal,
  );
  const same = read.filter(({ print }, index) => print === after[index]);
  return new Map(
    [...kept, ...same].flatMap(({ shard, print, reading }) =>
      print === undefined ? [] : [[readingKey(print, shard, settled), reading] as const],
    ),
  );
};

/** A field of all shards, a shard after the other. */
const fieldContent = (known: readonly ReadShard[], key: FieldKey, settled: Date): Content => {
  const sum = createSum();
  for (const { shard, reading } of known) {
    const found = reading.fields.get(fieldName(key));
    const part = found && settledPart(found, shard, settled);
    if (part !== undefined) sum.add(JSON.stringify([shard.start, shard.end]), part);
  }
  return sum.counted();
};

/** All fields of a shard. */
const shardContent = ({ fields }: ShardReading, keys: readonly FieldKey[]): Content => {
  const sum = createSum();
  for (const key of keys) {
    const found = fields.get(fieldName(key));
    if (found !== undefined) sum.add(fieldName(key), found.all);
  }
  return sum.counted();
};

const notRead = (keys: readonly FieldKey[], name: string): Content => {
  const key = keys.find((each) => fieldName(each) === name);
  return { unknown: `not every field could be read: ${key?.measurement} ${key?.field}` };
};

/** As facts of the versions before have it: a field over all of its time at once. */
const surveyWhole = async (
  server: InfluxServer,
  { keys, shards }: PolicyParts,
  options: SurveyOptions,
): Promise<SurveyedPolicy> => {
  const read = await readWhole(server, { keys, shards }, options);
  const unread = read.find(({ unknown }) => unknown !== undefined);
  const contentOf = (index: number): Content => {
    if (unread !== undefined) return notRead(keys, fieldName(unread.key));
    const sum = createSum();
    for (const { key, shards: counted } of read) {
      const part = counted[index];
      if (part !== undefined) sum.add(fieldName(key), part);
    }
    return sum.counted();
  };
  return {
    fields: read.map(({ key, unknown, settled }) => ({
      ...key,
      content: unknown === undefined ? settled : { unknown },
    })),
    shards: shards.map((shard, index) => ({ ...shard, content: contentOf(index) })),
    readings: new Map(),
  };
};
