import { withoutPassword } from '../../../../src/agent/engines/mysql/accounts.ts';

test.each([
  {
    line: "GRANT RELOAD ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*D821809F681A40A6E379B50D0463EFAE20BDD122'",
    kept: 'GRANT RELOAD ON *.* TO `u`@`%`',
    reason: 'a password',
  },
  {
    line: "GRANT ALL PRIVILEGES ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*D8' REQUIRE X509 WITH GRANT OPTION",
    kept: 'GRANT ALL PRIVILEGES ON *.* TO `u`@`%` REQUIRE X509 WITH GRANT OPTION',
    reason: 'what stands behind it stays',
  },
  {
    line: "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED VIA ed25519 USING 'aB+/c' OR mysql_native_password USING '*D8' REQUIRE SSL",
    kept: 'GRANT USAGE ON *.* TO `u`@`%` REQUIRE SSL',
    reason: 'several ways',
  },
  {
    line: 'GRANT USAGE ON *.* TO `u`@`localhost` IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS 5',
    kept: 'GRANT USAGE ON *.* TO `u`@`localhost` WITH MAX_USER_CONNECTIONS 5',
    reason: 'a way without a secret',
  },
  {
    line: "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED SOMEHOW NEW 'secret' REQUIRE SSL",
    kept: 'GRANT USAGE ON *.* TO `u`@`%`',
    reason: 'a form that is not known',
  },
  {
    line: "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED VIA pam 'secret' REQUIRE SSL",
    kept: 'GRANT USAGE ON *.* TO `u`@`%`',
    reason: 'half of a form that is known',
  },
  {
    line: "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED VIA pam USING 'it''s REQUIRE \\' x' REQUIRE SSL",
    kept: 'GRANT USAGE ON *.* TO `u`@`%` REQUIRE SSL',
    reason: 'quotes inside',
  },
  {
    line: "GRANT USAGE ON *.* TO `x IDENTIFIED BY PASSWORD 'y' `@`%` IDENTIFIED BY PASSWORD '*D8'",
    kept: "GRANT USAGE ON *.* TO `x IDENTIFIED BY PASSWORD 'y' `@`%`",
    reason: 'a name that looks like it',
  },
  {
    line: 'GRANT SELECT ON `a IDENTIFIED b`.* TO `u`@`%`',
    kept: 'GRANT SELECT ON `a IDENTIFIED b`.* TO `u`@`%`',
    reason: 'a database that looks like it',
  },
  { line: 'GRANT `role` TO `u`@`%`', kept: 'GRANT `role` TO `u`@`%`', reason: 'a role' },
  { line: "IDENTIFIED BY PASSWORD '*D8'", kept: '', reason: 'no grant at all' },
])('$reason', ({ line, kept }) => {
  expect(withoutPassword(line).trim()).toBe(kept);
});
