import type { InfluxServer, SeriesPart } from '../../../../src/agent/engines/influxdb/server.ts';
import { survey } from '../../../../src/agent/engines/influxdb/survey.ts';

const part = (name: string, columns: string[], values: unknown[][], tags: Record<string, string> = {}): SeriesPart => ({
  name,
  tags,
  columns,
  values,
});

const weeks = ['2026-11-02T00:00:00Z', '2026-11-09T00:00:00Z', '2026-11-16T00:00:00Z'];
const at = (time: string): bigint => BigInt(Date.parse(time)) * 1_000_000n;
const inWeek = (week: number, hours = 0): bigint => at(weeks[week] ?? '') + BigInt(hours) * 3_600_000_000_000n;

const shown: Readonly<Record<string, SeriesPart[]>> = {
  'SHOW RETENTION POLICIES ON "d"': [
    part('', ['name', 'duration', 'shardGroupDuration', 'replicaN', 'default'], [['p', '0s', '168h0m0s', 1, true]]),
  ],
  'SHOW SHARDS': [
    part(
      'd',
      ['id', 'database', 'retention_policy', 'start_time', 'end_time'],
      weeks.slice(0, 2).map((start, index) => [index + 1, 'd', 'p', start, weeks[index + 1]]),
    ),
  ],
  'SHOW FIELD KEYS ON "d" FROM "p"./.*/': [
    part(
      'm',
      ['fieldKey', 'fieldType'],
      [
        ['f', 'float'],
        ['s', 'string'],
      ],
    ),
  ],
};

/** Series a has both fields in both weeks, series b one of them in one week. */
const series: { tags: Record<string, string>; rows: [bigint, number | null, string | null][] }[] = [
  {
    tags: { host: 'a', region: '' },
    rows: [
      [inWeek(0), 1.5, 'x'],
      [inWeek(1, 1), 2.5, null],
      [inWeek(1, 100), 3.5, 'y'],
    ],
  },
  { tags: { host: 'b', region: 'eu' }, rows: [[inWeek(0, 5), null, 'z']] },
];

/** A server that gives these points, as many columns and as much of the time as it is asked for. */
const fake = (tags: (all: Record<string, string>) => Record<string, string> = (all) => all): InfluxServer => ({
  version: async () => '1.6.7',
  show: async (statement) => shown[statement] ?? [],
  async *select(statement) {
    const asked = ['f', 's'].filter((field) => statement.includes(`"${field}"::`));
    const [from, to] = [...statement.matchAll(/'([^']+)'/g)].map(([, time = '']) => at(time));
    for (const each of series) {
      const values = each.rows
        .filter(([time]) => from === undefined || to === undefined || (time >= from && time < to))
        .map(([time, f, s]): unknown[] => [time, ...asked.map((field) => (field === 'f' ? f : s))])
        .filter(([, ...cells]) => cells.some((cell) => cell !== null));
      if (values.length > 0) yield part('m', ['time', ...asked], values, tags(each.tags));
    }
  },
});

const settled = new Date(Number(inWeek(1, 50) / 1_000_000n));
const surveyed = (server: InfluxServer, version?: 1 | 2 | 3) =>
  survey(server, {
    database: 'd',
    settled,
    atATime: 2,
    signal: new AbortController().signal,
    ...(version && { version }),
  });

const short = (contents: readonly { content: unknown }[]) =>
  contents.map(({ content }) =>
    typeof content === 'object' && content !== null && 'checksum' in content
      ? { ...content, checksum: String(content.checksum).slice(0, 16) }
      : content,
  );

// Facts are kept for months: what was counted then must count the same now.
test.each<{ version: 1 | 2 | 3; fields: unknown[]; shards: unknown[] }>([
  {
    version: 2,
    fields: [
      { points: 2, series: 1, checksum: '32c9d2af649a3204' },
      { points: 2, series: 2, checksum: '808946f03b513826' },
    ],
    shards: [
      { points: 3, series: 3, checksum: '3a12a8bf0e84814a' },
      { points: 3, series: 2, checksum: 'c4fb17fd3cdd2386' },
    ],
  },
  {
    version: 3,
    fields: [
      { points: 2, series: 2, checksum: 'c3db76d360cb5923' },
      { points: 2, series: 2, checksum: 'efe95bfecd345a90' },
    ],
    shards: [
      { points: 3, series: 3, checksum: '5850e06d21525d07' },
      { points: 3, series: 2, checksum: 'e45d10bcca9cc7ef' },
    ],
  },
])('the checksums of version $version stay', async ({ version, fields, shards }) => {
  const found = await surveyed(fake(), version);
  expect(short(found.fields)).toEqual(fields);
  expect(short(found.shards)).toEqual(shards);
});

test('a tag that a series does not have is as if no series had it', async () => {
  const without = fake((tags) => Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== '')));
  const { fields, shards } = await surveyed(fake());
  expect(await surveyed(without)).toMatchObject({ fields, shards });
});
