/** A database with something of everything that a dump can lose, and the account that dumps it. */
export interface SampleOptions {
  readonly database: string;
  readonly username: string;
  readonly password: string;
  /** Rows in the table `customers`; 500 by default. */
  readonly rows?: number;
  /** Privileges on the database; all that a dump needs by default. */
  readonly privileges?: readonly string[];
  /** Whether the account may take the global read lock, so that facts are known; true by default. */
  readonly reload?: boolean;
  /** Whether the account may read routines; true by default. */
  readonly routines?: boolean;
}

export const neededPrivileges = ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT', 'EXECUTE'] as const;

const text = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/**
 * The SQL that makes it, to be run by an administrator with several statements at once. No statement holds a semicolon of its own, so it
 * goes through the mariadb client as well. It makes the database anew when it was there.
 */
export const sampleSql = (options: SampleOptions): string =>
  [...contentSql(options.database, options.rows ?? 500), ...accountSql(options)].map((line) => `${line};\n`).join('');

const contentSql = (database: string, rows: number): string[] => [
  `DROP DATABASE IF EXISTS \`${database}\``,
  `CREATE DATABASE \`${database}\` CHARACTER SET utf8mb4`,
  `USE \`${database}\``,
  `CREATE TABLE customers (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100) NOT NULL, note TEXT, balance DECIMAL(20,5),
    changed TIMESTAMP(3) NULL, INDEX (name))`,
  `INSERT INTO customers (name, note, balance, changed)
    SELECT CONCAT('Õun ', seq, ' 🐑'), REPEAT(MD5(seq), 1 + seq % 30), seq * 1.00001,
      TIMESTAMP '2024-01-01 00:00:00' + INTERVAL seq MINUTE FROM seq_1_to_${rows}`,
  // Dates around the end of summer time, NULL beside the empty string, text that looks like SQL or like an end mark.
  `CREATE TABLE oddities (id INT PRIMARY KEY, f FLOAT, d DOUBLE, b BLOB, bits BIT(13), j JSON, e ENUM('a','Ö'), s SET('x','y'),
    u UUID, i6 INET6, g GEOMETRY, y YEAR, t TIME(6), dt DATETIME(6), ts TIMESTAMP NULL, c CHAR(5), vb VARBINARY(20),
    l1 VARCHAR(40) CHARACTER SET latin1, doubled INT AS (id * 2) VIRTUAL, hidden INT INVISIBLE DEFAULT 7)`,
  `INSERT INTO oddities (id, f, d, b, bits, j, e, s, u, i6, g, y, t, dt, ts, c, vb, l1) VALUES
    (1, 0.1234567, 1e-300, 0x00ff0a0d1a27225c, b'1000000000001', '{"k": [1, null, "ö"]}', 'Ö', 'x,y',
     '123e4567-e89b-12d3-a456-426655440000', '::ffff:192.0.2.1', ST_GeomFromText('POINT(1.5 -2)'), 2024, '-12:34:56.123456',
     '2024-10-27 03:30:00.000001', '2024-10-27 01:30:00', 'ab', 0x2d2d00, 'é'),
    (2, NULL, NULL, '', NULL, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '', '', ''),
    (3, 3.4e38, -0.1, ${text('-- Dump completed\n')}, 0, '[]', 'a', 'y', UUID(), '::1', ST_GeomFromText('LINESTRING(0 0,1 1)'),
     1901, '838:59:59', '9999-12-31 23:59:59', '1970-01-01 00:00:01', '  x', 'y', ${text(`'; DROP TABLE x; -- "\\`)})`,
  'CREATE TABLE history (id INT PRIMARY KEY, state INT) WITH SYSTEM VERSIONING',
  'INSERT INTO history VALUES (1, 1), (2, 1)',
  'UPDATE history SET state = 2 WHERE id = 1',
  'DELETE FROM history WHERE id = 2',
  'CREATE TABLE `odd ``name` (`a b` INT PRIMARY KEY, `select` VARCHAR(10))',
  "INSERT INTO `odd ``name` VALUES (1, 'x')",
  'CREATE TABLE no_key (a INT, b INT)',
  'INSERT INTO no_key VALUES (1, 2), (1, 2), (NULL, 2)',
  'CREATE TABLE nothing (a INT PRIMARY KEY)',
  'CREATE SEQUENCE numbers START WITH 100',
  `CREATE FUNCTION doubled(x INT) RETURNS INT DETERMINISTIC COMMENT 'a comment' RETURN /* kept */ x * 2`,
  'CREATE PROCEDURE wipe() DELETE FROM nothing',
  'CREATE VIEW rich AS SELECT id, doubled(id) AS twice FROM customers WHERE balance > 100',
  'CREATE TRIGGER stamp BEFORE UPDATE ON customers FOR EACH ROW SET NEW.changed = NOW(3)',
  `CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' DO DELETE FROM nothing`,
];

const accountSql = (options: SampleOptions): string[] => {
  const { database, username, password, privileges = neededPrivileges, reload = true, routines = true } = options;
  const account = `${text(username)}@'%'`;
  return [
    `DROP USER IF EXISTS ${account}`,
    `CREATE USER ${account} IDENTIFIED BY ${text(password)}`,
    ...(privileges.length > 0 ? [`GRANT ${privileges.join(', ')} ON \`${database}\`.* TO ${account}`] : []),
    ...(reload ? [`GRANT RELOAD ON *.* TO ${account}`] : []),
    ...(routines ? [`GRANT SELECT ON mysql.proc TO ${account}`] : []),
  ];
};
