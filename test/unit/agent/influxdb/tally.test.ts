import * as fc from 'fast-check';
import {
  addPart,
  createSum,
  createTally,
  timesOf,
  type Counted,
} from '../../../../src/agent/engines/influxdb/tally.ts';

type Row = [bigint | number, unknown];

const part = (values: Row[]) => ({ name: 'm', tags: {}, columns: ['time', 'v'], values });

const count = (
  series: readonly { name: string; parts: Row[][] }[],
  type: string,
  from = -(2n ** 63n),
  to = 2n ** 63n,
): Counted => {
  const tally = createTally();
  for (const { name, parts } of series)
    for (const rows of parts) addPart([{ from, to, tally }], name, part(rows), type);
  return tally.counted();
};

const values: Record<string, fc.Arbitrary<unknown>> = {
  float: fc.double({ noNaN: true, noDefaultInfinity: true }),
  integer: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  string: fc.string({ unit: 'grapheme' }),
  boolean: fc.boolean(),
};

const rowsOf = (type: string): fc.Arbitrary<Row[]> =>
  fc
    .uniqueArray(fc.tuple(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), values[type] ?? fc.constant(0)), {
      selector: ([time]) => time,
      minLength: 1,
      maxLength: 30,
    })
    .map((rows) => rows.toSorted(([a], [b]) => (a < b ? -1 : 1)));

describe.each(Object.keys(values))('points of type %s', (type) => {
  test('count the same however the server cuts its answer', () => {
    fc.assert(
      fc.property(rowsOf(type), fc.nat(30), (rows, at) => {
        const whole = count([{ name: 's', parts: [rows] }], type);
        const cut = count([{ name: 's', parts: [rows.slice(0, at), rows.slice(at)] }], type);
        expect(cut).toEqual(whole);
        expect(whole).toMatchObject({ points: rows.length, series: 1 });
      }),
    );
  });

  test('count the same in a span as those points alone', () => {
    fc.assert(
      fc.property(rowsOf(type), fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (rows, border) => {
        const older = rows.filter(([time]) => BigInt(time) < border);
        const newer = rows.filter(([time]) => BigInt(time) >= border);
        expect(count([{ name: 's', parts: [rows] }], type, undefined, border)).toEqual(
          count([{ name: 's', parts: [older] }], type),
        );
        expect(count([{ name: 's', parts: [rows] }], type, border)).toEqual(
          count([{ name: 's', parts: [newer] }], type),
        );
      }),
    );
  });
});

test.each([
  { a: [1n, 1], b: [1n, 2], type: 'float', reason: 'another value' },
  { a: [1n, 1], b: [2n, 1], type: 'float', reason: 'another time' },
  { a: [1n, 0], b: [1n, -0], type: 'float', reason: 'another zero' },
  { a: [1n, 9007199254740993n], b: [1n, 9007199254740992n], type: 'integer', reason: 'beyond what a double holds' },
  { a: [1n, 'õ'], b: [1n, 'o\u0303'], type: 'string', reason: 'the same letter in another form' },
  { a: [1n, ''], b: [1n, '\0'], type: 'string', reason: 'an invisible character' },
  { a: [1n, true], b: [1n, false], type: 'boolean', reason: 'the other one' },
] as { a: Row; b: Row; type: string; reason: string }[])('a checksum differs for $reason', ({ a, b, type }) => {
  const checksums = [a, b].map((row) => count([{ name: 's', parts: [[row]] }], type).checksum);
  expect(checksums[0]).not.toBe(checksums[1]);
});

test('a checksum differs when a point moves to another series', () => {
  const [first, second]: Row[] = [
    [1n, 1],
    [2n, 2],
  ];
  if (first === undefined || second === undefined) throw new Error('no rows');
  const apart = count(
    [
      { name: 'a', parts: [[first]] },
      { name: 'b', parts: [[second]] },
    ],
    'float',
  );
  const together = count([{ name: 'a', parts: [[first, second]] }], 'float');
  expect(apart.checksum).not.toBe(together.checksum);
  expect([apart.series, together.series]).toEqual([2, 1]);
});

test('a series without a point in the span leaves no trace', () => {
  expect(count([{ name: 'a', parts: [[[5n, 1]]] }], 'float', 6n)).toEqual(count([], 'float'));
});

test('the columns of a part count as those points alone, without what is not there', () => {
  const both = {
    name: 'm',
    tags: {},
    columns: ['time', 'v', 'w'],
    values: [
      [1n, 1.5, null],
      [2n, null, 'x'],
      [3n, 2.5, 'y'],
    ],
  };
  const columns = [
    { index: 1, type: 'float' },
    { index: 2, type: 'string' },
  ].map(({ index, type }) => {
    const tally = createTally();
    addPart([{ from: 2n, to: 4n, tally }], 's', both, type, { index, times: timesOf(both) });
    return tally.counted();
  });
  expect(columns).toEqual([
    count([{ name: 's', parts: [[[3n, 2.5]]] }], 'float'),
    count(
      [
        {
          name: 's',
          parts: [
            [
              [2n, 'x'],
              [3n, 'y'],
            ],
          ],
        },
      ],
      'string',
    ),
  ]);
});

test('a value of no known type is refused', () => {
  expect(() => count([{ name: 'a', parts: [[[5n, 1]]] }], 'complex')).toThrow('not known');
  expect(() => count([{ name: 'a', parts: [[[5n, 'x']]] }], 'integer')).toThrow('whole number');
});

describe('what was counted apart', () => {
  const [one, two] = [1, 2].map((value) => count([{ name: 's', parts: [[[1n, value]]] }], 'float'));
  const nothing = count([], 'float');
  const sumOf = (...parts: readonly [name: string, part: Counted | undefined][]): Counted => {
    const sum = createSum();
    for (const [name, part] of parts) if (part !== undefined) sum.add(name, part);
    return sum.counted();
  };

  test('adds up', () => {
    expect(sumOf(['a', one], ['b', two])).toMatchObject({ points: 2, series: 2 });
  });

  test.each([
    { reason: 'another value', other: sumOf(['a', one], ['b', one]) },
    { reason: 'another name', other: sumOf(['a', one], ['c', two]) },
    { reason: 'changed places', other: sumOf(['a', two], ['b', one]) },
    { reason: 'one is missing', other: sumOf(['a', one]) },
  ])('differs: $reason', ({ other }) => {
    expect(other.checksum).not.toBe(sumOf(['a', one], ['b', two]).checksum);
  });

  test('is the same without what holds nothing', () => {
    expect(sumOf(['a', one], ['empty', nothing])).toEqual(sumOf(['a', one]));
  });
});
