import { profileOf, releaseIn, serverName } from '../../../../src/agent/engines/mysql/server.ts';

const mariadb = { flavour: 'MariaDB', hash: 'MD5', dumpsAccounts: true, loadsGenerated: true };
const mysql = {
  flavour: 'MySQL',
  hash: 'SHA2',
  dumpsAccounts: false,
  loadsGenerated: false,
  dumpOptions: ['--no-tablespaces'],
};
const history = ['--dump-history'];

test.each([
  { version: '10.11.19-MariaDB-0+deb12u1', profile: { ...mariadb, dumpOptions: history, castsFloat: true } },
  { version: '11.8.9-MariaDB-0+deb13u1 from Debian', profile: { ...mariadb, dumpOptions: history, castsFloat: true } },
  { version: '11.4.5-MariaDB-log', profile: { ...mariadb, dumpOptions: history, castsFloat: true } },
  { version: '12.1.2-MariaDB', profile: { ...mariadb, dumpOptions: history, castsFloat: true } },
  { version: '5.5.5-10.6.22-MariaDB', profile: { ...mariadb, dumpOptions: history }, comment: 'behind a proxy' },
  { version: '10.4.34-MariaDB', profile: { ...mariadb, dumpOptions: history, castsFloat: false } },
  { version: '10.2.11-MariaDB', profile: { ...mariadb, dumpOptions: [], castsFloat: false } },
  { version: '10.11.8', comment: 'MariaDB Server', profile: mariadb },
  { version: '9.7.4-2', comment: '(Debian)', profile: { ...mysql, castsFloat: true } },
  { version: '8.4.6', comment: 'MySQL Community Server - GPL', profile: { ...mysql, castsFloat: true } },
  { version: '8.0.36-28', comment: 'Percona Server (GPL), Release 28', profile: { ...mysql, castsFloat: true } },
  { version: '8.0.16', profile: { ...mysql, castsFloat: false } },
  { version: '5.7.44-log', profile: { ...mysql, castsFloat: false } },
])('$version $comment is dumped', ({ version, comment = '', profile }) => {
  expect(profileOf(version, comment)).toMatchObject({ version, ...profile });
});

test.each([
  { version: '10.1.23-MariaDB', says: '10.2 and later', reason: 'mariadb-dump asks for generation_expression' },
  { version: '5.5.68-MariaDB', says: '10.2 and later', reason: 'as old as MySQL 5.5' },
  { version: '5.5.9', comment: 'Source distribution', says: '5.7 and later', reason: 'the same, measured' },
  { version: '5.6.51', says: '5.7 and later', reason: 'the same' },
  { version: '8.0.11-TiDB-v7.5.0', says: 'TiDB', reason: 'no global read lock' },
  { version: '8.0.30', comment: 'SingleStoreDB source distribution', says: 'SingleStore', reason: 'not MySQL' },
  { version: '8.0.33', comment: 'Dolt', says: 'Dolt', reason: 'not MySQL' },
  { version: '', says: 'not known', reason: 'no version' },
  { version: 'unknown', says: 'not known', reason: 'no number' },
])('$version $comment is refused: $reason', ({ version, comment = '', says }) => {
  expect(profileOf(version, comment)).toEqual({ refused: expect.stringContaining(says) });
});

test.each([
  { flavour: 'MariaDB', version: '10.11.19-MariaDB-0+deb12u1', name: 'mariadb 10.11.19', release: 'mariadb 10.11' },
  { flavour: 'MariaDB', version: '5.5.5-10.6.22-MariaDB', name: 'mariadb 10.6.22', release: 'mariadb 10.6' },
  { flavour: 'MySQL', version: '8.0.36-28', name: 'mysql 8.0.36', release: 'mysql 8.0' },
  { flavour: 'MySQL', version: '9.7.4', name: 'mysql 9.7.4', release: 'mysql 9.7' },
] as const)('$version is $name', ({ name, release, ...server }) => {
  expect(serverName(server)).toBe(name);
  expect(releaseIn(name)).toBe(release);
});
