import { judgeFound, type FoundInput } from '../../../../src/agent/restore/judge-found.ts';
import type { Found } from '../../../../src/agent/restore/engine.ts';

const whole: Found = {
  server: 'mariadb 10.11.6',
  present: true,
  objects: 12,
  rows: 4000,
  missing: [],
  missingCount: 0,
  expectedRows: 4000,
};
const input = (change: Partial<Found>, extra: Partial<FoundInput> = {}): FoundInput => ({
  found: { ...whole, ...change },
  into: 'InPlace',
  expectedTime: '2026-11-22T01:00:03Z',
  ...extra,
});
const without = (...names: ('rows' | 'expectedRows')[]): Found =>
  Object.fromEntries(
    Object.entries(whole).filter(([name]) => !names.some((each) => each === name)),
  ) as unknown as Found;

test.each<{ reason: string; given: FoundInput; healthy: boolean; says: RegExp }>([
  {
    reason: 'all is there',
    given: input({}),
    healthy: true,
    says: /^Nothing of what the local copy of 2026-11-22T01:00:03Z holds is missing\. There are 12 objects, 4000 rows as then\.$/,
  },
  { reason: 'more rows than then', given: input({ rows: 5000 }), healthy: true, says: /5000 rows instead of 4000/ },
  { reason: 'half of the rows', given: input({ rows: 2000 }), healthy: true, says: /2000 rows/ },
  {
    reason: 'less than half',
    given: input({ rows: 1999 }),
    healthy: false,
    says: /much of what the local copy .* is gone.* 1999 rows instead of 4000/,
  },
  { reason: 'no row is left', given: input({ rows: 0 }), healthy: false, says: /0 rows instead of 4000/ },
  {
    reason: 'one object is missing, whatever the rows',
    given: input({ objects: 11, missing: ['orders'], missingCount: 1 }),
    healthy: false,
    says: /^1 of what .* holds is missing \(orders\)\. There are 11 objects/,
  },
  {
    reason: 'a single object is left',
    given: input({ objects: 1, missing: ['orders'], missingCount: 1 }),
    healthy: false,
    says: /\. There is 1 object, 4000 rows/,
  },
  {
    reason: 'more are missing than are named',
    given: input({ missing: ['a', 'b'], missingCount: 7 }),
    healthy: false,
    says: /^7 of what .* are missing \(a, b, …\)/,
  },
  {
    reason: 'nothing is there',
    given: input({ present: false, objects: 0, rows: 0 }),
    healthy: false,
    says: /^Nothing is there by the names/,
  },
  {
    reason: 'rows are not known, nothing is missing',
    given: { ...input({}), found: without('rows') },
    healthy: true,
    says: /how many rows there are is not known/,
  },
  {
    reason: 'rows are not known, something is missing',
    given: { ...input({}), found: { ...without('rows'), missing: ['a'], missingCount: 1 } },
    healthy: false,
    says: /missing/,
  },
  {
    reason: 'the copy did not count',
    given: { ...input({}), found: without('expectedRows') },
    healthy: true,
    says: /12 objects, 4000 rows\.$/,
  },
  {
    reason: 'the copy held nothing',
    given: input({ rows: 0, expectedRows: 0, objects: 1 }),
    healthy: true,
    says: /1 object, 0 rows as then/,
  },
  {
    reason: 'nothing to compare with',
    given: input({}, { expectedTime: undefined }),
    healthy: true,
    says: /no local copy to compare that with, so no loss can be seen/,
  },
  {
    reason: 'a new database, whose name is free',
    given: input({ present: false }, { into: 'Name' }),
    healthy: false,
    says: /as it should be/,
  },
])('$reason', ({ given, healthy, says }) => {
  const judged = judgeFound(given);
  expect(judged.healthy).toBe(healthy);
  expect(judged.summary).toMatch(says);
});
