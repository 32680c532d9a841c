import { linesOf } from '../../../../src/agent/engines/influxdb/run-query.ts';

test.each([
  { reason: 'no rows', tags: {}, values: [], lines: [] },
  {
    reason: 'numbers of 64 bits to the last digit',
    tags: {},
    values: [[0, 9223372036854775807n]],
    lines: ['0\t9223372036854775807'],
  },
  { reason: 'null and nothing', tags: {}, values: [[1, null, undefined, '']], lines: ['1\tNULL\tNULL\t'] },
  {
    reason: 'booleans and fractions',
    tags: {},
    values: [
      [true, 0.1],
      [false, 1e300],
    ],
    lines: ['true\t0.1', 'false\t1e+300'],
  },
  {
    reason: 'tags come first, by their names',
    tags: { region: 'eu', host: 'h1' },
    values: [
      [0, 1],
      [0, 2],
    ],
    lines: ['h1\teu\t0\t1', 'h1\teu\t0\t2'],
  },
])('rows as lines: $reason', ({ tags, values, lines }) => {
  expect(linesOf({ tags, values })).toEqual(lines);
});
