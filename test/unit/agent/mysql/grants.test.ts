import { parseGrants } from '../../../../src/agent/engines/mysql/grants.ts';

test.each([
  { grant: 'GRANT SELECT ON *.* TO `u`@`%`', database: 'agama', may: true, reason: 'global' },
  {
    grant: "GRANT ALL PRIVILEGES ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*AB' WITH GRANT OPTION",
    database: 'a',
    may: true,
    reason: 'all',
  },
  { grant: 'GRANT SELECT, TRIGGER ON `agama`.* TO `u`@`%`', database: 'agama', may: true, reason: 'of the database' },
  {
    grant: 'GRANT SELECT, TRIGGER ON `agama`.* TO `u`@`%`',
    database: 'agama2',
    may: false,
    reason: 'of another database',
  },
  { grant: 'GRANT SELECT ON `ag_ma`.* TO `u`@`%`', database: 'agxma', may: true, reason: 'a pattern' },
  { grant: 'GRANT SELECT ON `ag\\_ma`.* TO `u`@`%`', database: 'agxma', may: false, reason: 'an escaped pattern' },
  {
    grant: 'GRANT SELECT ON `ag\\_ma`.* TO `u`@`%`',
    database: 'ag_ma',
    may: true,
    reason: 'an escaped pattern that matches',
  },
  { grant: 'GRANT SELECT ON `a%`.* TO `role`', database: 'agama', may: true, reason: 'of a role' },
  { grant: 'GRANT SELECT ON `a.b`.* TO `u`@`%`', database: 'axb', may: false, reason: 'signs of patterns are plain' },
  { grant: 'GRANT SELECT ON `o``dd`.* TO `u`@`%`', database: 'o`dd', may: true, reason: 'a quoted name' },
  {
    grant: 'GRANT SELECT ON `agama`.`t` TO `u`@`%`',
    database: 'agama',
    may: false,
    reason: 'one table is not the database',
  },
  {
    grant: 'GRANT SELECT (`a`, `b`), INSERT ON `agama`.* TO `u`@`%`',
    database: 'agama',
    may: false,
    reason: 'columns',
  },
  { grant: 'GRANT USAGE ON *.* TO `u`@`%`', database: 'agama', may: false, reason: 'nothing' },
  { grant: 'GRANT `role` TO `u`@`%`', database: 'agama', may: false, reason: 'a role that is not enabled' },
  {
    grant: 'GRANT EXECUTE ON FUNCTION `agama`.`SELECT` TO `u`@`%`',
    database: 'agama',
    may: false,
    reason: 'a routine',
  },
  {
    grant: "GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION",
    database: 'a',
    may: false,
    reason: 'a proxy',
  },
])('SELECT on $database: $reason', ({ grant, database, may }) => {
  expect(parseGrants([grant]).onDatabase('SELECT', database)).toBe(may);
});

test('a table is covered by its own grant, its database or all', () => {
  const table = (grant: string): boolean => parseGrants([grant]).onTable('SELECT', 'mysql', 'proc');
  expect(table('GRANT SELECT ON `mysql`.`proc` TO `u`@`%`')).toBe(true);
  expect(table('GRANT SELECT ON `mysql`.* TO `u`@`%`')).toBe(true);
  expect(table('GRANT SELECT ON *.* TO `u`@`%`')).toBe(true);
  expect(table('GRANT SELECT ON `mysql`.`event` TO `u`@`%`')).toBe(false);
});

const everyDatabase = 'GRANT SELECT, RELOAD ON *.* TO `u`@`%`';
test.each([
  { lines: [everyDatabase], everywhere: true, agama: true, reason: 'a global grant' },
  { lines: ['GRANT SELECT ON `%`.* TO `u`@`%`'], everywhere: false, agama: true, reason: 'a pattern shows no others' },
  {
    lines: [everyDatabase, 'REVOKE SELECT ON `agama`.* FROM `u`@`%`'],
    everywhere: false,
    agama: false,
    reason: 'taken away again from one database',
  },
  {
    lines: [everyDatabase, 'REVOKE SELECT ON `mysql`.* FROM `u`@`%`'],
    everywhere: true,
    agama: true,
    reason: 'taken away from a system schema',
  },
  {
    lines: [everyDatabase, 'REVOKE INSERT ON `agama`.* FROM `u`@`%`'],
    everywhere: true,
    agama: true,
    reason: 'another privilege',
  },
])('SELECT everywhere: $reason', ({ lines, everywhere, agama }) => {
  const grants = parseGrants(lines);
  expect(grants.everywhere('SELECT')).toBe(everywhere);
  expect(grants.onDatabase('SELECT', 'agama')).toBe(agama);
});

test('RELOAD counts globally only', () => {
  expect(parseGrants(['GRANT SELECT, RELOAD ON *.* TO `u`@`%`']).globally('RELOAD')).toBe(true);
  expect(parseGrants(['GRANT ALL PRIVILEGES ON `a`.* TO `u`@`%`']).globally('RELOAD')).toBe(false);
});
