import type { InfluxdbApi } from './influxdb-api.ts';

/** A time in nanoseconds, some seconds ago. */
export const ago = (seconds: number): string => `${BigInt(Math.floor(Date.now() / 1000) - seconds) * 1_000_000_000n}`;

const day = 86_400;

/** Points of a host's processor, a minute apart, ending some days ago. */
export const cpuLines = (count: number, { host = 'h1', endedDaysAgo = 1 } = {}): string[] =>
  Array.from(
    { length: count },
    (_unused, index) =>
      `cpu,host=${host},region=eu usage=${index / 7},busy=${index}i,on=${index % 2 === 0},note="minute ${index}" ${ago(endedDaysAgo * day + index * 60)}`,
  );

/** Points that nothing compresses much, the same each time: a sum of primes modulo a large one. */
export const noiseLines = (count: number): string[] =>
  Array.from(
    { length: count },
    (_unused, index) =>
      `noise,host=h1 v=${((index * 7919 + 104_729) ** 2 % 1_000_003) / 1_000_003} ${ago(3 * day + index * 10)}`,
  );

/** What line protocol, InfluxQL and tar find hard. */
const oddLines = (): string[] => [
  String.raw`odd\ name\,with"all,tag\ key\=x=a\,b\=c\ d"e,õ=ü🐑 v=1i ${ago(100 * day)}`,
  String.raw`odd\ name\,with"all,tag\ key\=x=back\slash v=-9223372036854775808i ${ago(100 * day)}`,
  String.raw`odd\ name\,with"all,tag\ key\=x=other v=9223372036854775807i ${ago(99 * day)}`,
  String.raw`text,a=b s="with \"quotes\", commas, = and \\ and ' and õ🐑" ${ago(3 * day)}`,
  `text,a=b s="" ${ago(4 * day)}`,
  `text,a=b s="${'x'.repeat(40_000)}" ${ago(5 * day)}`,
  `text s="no tag
and a line break" ${ago(3 * day)}`,
  `floats f=0.1,field\\ two=1e300,n=-0 ${ago(2 * day)}`,
  `floats f=1.7976931348623157e308 ${ago(day)}`,
  `flags b=true,c=false ${ago(day)}`,
  // A tag and a field of the same name.
  `same,host=tag host="field" ${ago(day)}`,
  // Of one type in one shard, of another in another.
  `mixed v=1i ${ago(30 * day)}`,
  `mixed v=2.5 ${ago(20 * day)}`,
  `mixed v="three" ${ago(10 * day)}`,
  // Nanoseconds apart, before 1970, and to come.
  `times v=1i 1600000000000000001`,
  `times v=2i 1600000000000000002`,
  `times v=3i -1000000000000000001`,
  `times v=4i ${ago(-5 * day)}`,
];

export const samplePolicies = ['autogen', 'a week or two', 'õhtu-"q"'] as const;

/** Makes the database with everything that must come back: all types of fields, odd names, several retention policies, many shards. */
export const prepareSample = async (
  { query, write }: Pick<InfluxdbApi, 'query' | 'write'>,
  database: string,
): Promise<void> => {
  await query(`CREATE DATABASE "${database}"`);
  await query(
    `CREATE RETENTION POLICY "a week or two" ON "${database}" DURATION 60d REPLICATION 1 SHARD DURATION 1d; ` +
      `CREATE RETENTION POLICY "õhtu-\\"q\\"" ON "${database}" DURATION INF REPLICATION 1 DEFAULT`,
  );
  await write(database, oddLines(), 'autogen');
  await write(database, [...cpuLines(3000), ...cpuLines(3000, { host: 'h2', endedDaysAgo: 8 })], 'autogen');
  await write(database, cpuLines(3000, { host: 'only\\ here' }), 'a week or two');
  await write(database, ['kept here=1i'], 'õhtu-"q"');
};

/** Everything that InfluxQL gives of a database, as the server writes it; without the code that takes facts. */
export const everythingIn = async (
  { query, text }: Pick<InfluxdbApi, 'query' | 'text'>,
  database: string,
): Promise<Record<string, string>> => {
  const quoted = (name: string): string => `"${name.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  const values = async (statement: string): Promise<string[]> =>
    (await query(statement)).flatMap((series) => (series.values ?? []).map(([value]) => String(value)));
  const found: Record<string, string> = {
    policies: await text(`SHOW RETENTION POLICIES ON ${quoted(database)}`),
  };
  for (const policy of await values(`SHOW RETENTION POLICIES ON ${quoted(database)}`)) {
    for (const measurement of await values(`SHOW MEASUREMENTS ON ${quoted(database)}`)) {
      const from = `${quoted(database)}.${quoted(policy)}.${quoted(measurement)}`;
      found[`${policy} ${measurement}`] = await text(`SELECT * FROM ${from} GROUP BY *`);
    }
  }
  return found;
};
