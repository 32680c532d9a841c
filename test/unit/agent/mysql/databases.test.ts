import { ownDatabases } from '../../../../src/agent/engines/mysql/databases.ts';

test.each([
  { given: ['mysql', 'sys', 'information_schema', 'performance_schema'], own: [], reason: 'system schemas' },
  { given: ['ndbinfo', '#mysql50#lost+found', '#mysql50#.rocksdb'], own: [], reason: 'no databases' },
  {
    given: ['holdfast_0123abcd_new_agama', 'holdfast_0123abcd_old_agama', 'agama'],
    own: ['agama'],
    reason: 'what a restore loads beside, and what it set aside',
  },
  {
    given: [
      'holdfast',
      'holdfast_0123abcd_agama',
      'holdfast_0123ABCD_new_a',
      'holdfast_0123abc_old_a',
      'x_holdfast_0123abcd_new_a',
    ],
    own: [
      'holdfast',
      'holdfast_0123ABCD_new_a',
      'holdfast_0123abc_old_a',
      'holdfast_0123abcd_agama',
      'x_holdfast_0123abcd_new_a',
    ],
    reason: 'names that only look like those',
  },
  { given: ['b', 'a', 'B'], own: ['B', 'a', 'b'], reason: 'a stable order' },
  { given: ['SYS', 'mysql2', 'sys_', '--help', ''], own: ['', '--help', 'SYS', 'mysql2', 'sys_'], reason: 'any name' },
])('$reason', ({ given, own }) => {
  expect(ownDatabases(given)).toEqual(own);
});
