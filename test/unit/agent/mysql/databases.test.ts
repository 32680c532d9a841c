import { ownDatabases } from '../../../../src/agent/engines/mysql/databases.ts';

test.each([
  { given: ['mysql', 'sys', 'information_schema', 'performance_schema'], own: [], reason: 'system schemas' },
  { given: ['ndbinfo', '#mysql50#lost+found', '#mysql50#.rocksdb'], own: [], reason: 'no databases' },
  { given: ['b', 'a', 'B'], own: ['B', 'a', 'b'], reason: 'a stable order' },
  { given: ['SYS', 'mysql2', 'sys_', '--help', ''], own: ['', '--help', 'SYS', 'mysql2', 'sys_'], reason: 'any name' },
])('$reason', ({ given, own }) => {
  expect(ownDatabases(given)).toEqual(own);
});
