import {
  fieldName,
  giverOf,
  isUsable,
  ofSeveralTypes,
  readingKey,
  settledPart,
  type FieldReading,
} from '../../../../src/agent/engines/influxdb/readings.ts';

const shard = { id: '7', start: '2026-11-16T00:00:00Z', end: '2026-11-23T00:00:00Z' };
const key = (field: string, type: string, measurement = 'm') => ({ policy: 'p', measurement, field, type });
const counted = (points: number) => ({ points, series: 1, checksum: `${points}` });
const reading = (fields: Record<string, number>) => ({
  fields: new Map(
    Object.entries(fields).map(([name, points]): [string, FieldReading] => [name, { all: counted(points) }]),
  ),
});
const name = (field: string, type: string, measurement?: string): string => fieldName(key(field, type, measurement));

test.each([
  { reason: 'the same fields', keys: [key('f', 'float')], usable: true },
  { reason: 'another field, which it does not hold', keys: [key('f', 'float'), key('g', 'float')], usable: true },
  {
    reason: 'a field of that name in another measurement',
    keys: [key('f', 'float'), key('f', 'integer', 'other')],
    usable: true,
  },
  { reason: 'what it holds is not listed', keys: [key('g', 'float')], usable: false },
  { reason: 'it is listed by another type', keys: [key('f', 'integer')], usable: false },
  { reason: 'it is listed by another type as well', keys: [key('f', 'float'), key('f', 'integer')], usable: false },
])('what was read is used again, or not: $reason', ({ keys, usable }) => {
  expect(isUsable(reading({ [name('f', 'float')]: 3 }), keys)).toBe(usable);
});

test('a type that was asked for and holds nothing is known as such', () => {
  const both = reading({ [name('f', 'float')]: 3, [name('f', 'integer')]: 0 });
  expect(isUsable(both, [key('f', 'float'), key('f', 'integer')])).toBe(true);
  expect(isUsable(both, [key('f', 'float')])).toBe(true);
  expect(ofSeveralTypes([key('f', 'float'), key('f', 'integer'), key('g', 'float')])).toEqual(
    new Set([name('f', 'float'), name('f', 'integer')]),
  );
});

test.each([
  { settled: '2026-11-15T00:00:00Z', part: undefined, isCut: false, reason: 'the shard is younger' },
  { settled: shard.start, part: undefined, isCut: false, reason: 'it begins then' },
  { settled: '2026-11-17T00:00:00Z', part: counted(2), isCut: true, reason: 'it lies in the shard' },
  { settled: shard.end, part: counted(5), isCut: false, reason: 'the shard ends then' },
  { settled: '2026-11-28T00:00:00Z', part: counted(5), isCut: false, reason: 'the shard is older' },
])('what is counted before a moment: $reason', ({ settled, part, isCut }) => {
  const moment = new Date(settled);
  expect(settledPart({ all: counted(5), settled: counted(2) }, shard, moment)).toEqual(part);
  // Where it is cut, what was counted up to one moment says nothing of another.
  const keys = [0, 1000].map((ms) => readingKey('print', shard, new Date(moment.getTime() + ms * Number(isCut))));
  expect(new Set([...keys, 'print']).size).toBe(isCut ? 3 : 1);
});

test('a shard gives something in one life of its server', () => {
  expect(giverOf('1 monday', shard)).not.toBe(giverOf('2 monday', shard));
  expect(giverOf('1 monday', shard)).not.toBe(giverOf('1 monday', { id: '8' }));
  expect(giverOf(undefined, shard)).toBeUndefined();
});
