/** Databases with what breaks dumps, loads and comparisons; every one of them must come back the same. */

export const plainDatabase = 'nasty';
/** No events: mariadb-dump fails on them in a database of such a name. */
export const oddDatabase = 'we`ird \'näme" ☃ db';
export const emptyDatabase = 'no-tables';

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

export interface NastyOptions {
  readonly smallTables: number;
  /** A row of so many megabytes, whose dump has twice as many. */
  readonly largeRowMegabytes: number;
  /** Rows of a kilobyte. */
  readonly kilobyteRows: number;
}

/** Statements for an administrator, one each: they hold what splits scripts. */
export const nastyStatements = ({ smallTables, largeRowMegabytes, kilobyteRows }: NastyOptions): string[] => [
  "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00', foreign_key_checks = 0",
  `CREATE OR REPLACE DATABASE ${plainDatabase} CHARACTER SET latin1 COLLATE latin1_german2_ci COMMENT 'of all kinds'`,
  `CREATE OR REPLACE DATABASE ${quoted(oddDatabase)} CHARACTER SET utf8mb4`,
  `CREATE OR REPLACE DATABASE \`${emptyDatabase}\` CHARACTER SET ucs2`,
  `USE ${plainDatabase}`,
  ...types,
  ...relations,
  ...programs,
  ...times,
  ...odd,
  `USE ${plainDatabase}`,
  ...Array.from(
    { length: smallTables },
    (_, index) => `CREATE TABLE small_${index} (id INT AUTO_INCREMENT PRIMARY KEY, v INT DEFAULT ${index})`,
  ),
  ...Array.from({ length: smallTables }, (_, index) => `INSERT INTO small_${index} () VALUES ()`),
  'CREATE TABLE large_row (id INT PRIMARY KEY, b LONGBLOB, t LONGTEXT CHARACTER SET utf8mb4)',
  `INSERT INTO large_row VALUES (1, REPEAT(CHAR(0, 1, 39, 92, 255 USING binary), ${Math.ceil((largeRowMegabytes << 20) / 5)}),
    REPEAT('🐑', ${largeRowMegabytes * 1024 * 256})), (2, '', '')`,
  'CREATE TABLE many_rows (id INT PRIMARY KEY, v VARCHAR(1100), KEY (v(20)))',
  `INSERT INTO many_rows SELECT seq, RPAD(SHA2(seq, 512), 1024, MD5(seq)) FROM seq_1_to_${kilobyteRows}`,
];

const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join('');

const types = [
  'CREATE TABLE every_byte (id INT PRIMARY KEY, b BLOB, vb VARBINARY(256), fixed BINARY(8), l VARCHAR(256) CHARACTER SET latin1)',
  `INSERT INTO every_byte VALUES (1, x'${bytes}', x'${bytes}', x'00ff', x'${bytes}'), (2, NULL, '', '', '')`,
  `CREATE TABLE numbers (id INT PRIMARY KEY, bits BIT(64), bit1 BIT(1), dec1 DECIMAL(65,30), dec2 DECIMAL(5,0) UNSIGNED ZEROFILL,
    f FLOAT, f2 FLOAT(7,3), d DOUBLE, big BIGINT UNSIGNED, tiny TINYINT, y YEAR)`,
  `INSERT INTO numbers VALUES (1, b'${'10'.repeat(32)}', 1, '12345678901234567890123456789012345.123456789012345678901234567890', 42,
    0.1, 1234.567, 2.2250738585072014e-308, 18446744073709551615, -128, 2155),
    (2, 0, 0, -0.000000000000000000000000000001, 0, -3.4e38, -0.001, -1.7976931348623157e308, 0, 127, 0),
    (3, NULL, NULL, NULL, NULL, 0, 0, -0.0, NULL, NULL, 1901)`,
  `CREATE TABLE words (id INT PRIMARY KEY, e ENUM('a','Ö','it''s','back\\\\slash') CHARACTER SET utf8mb4, s SET('x','y','☃') CHARACTER SET utf8mb4,
    j JSON, c CHAR(9) CHARACTER SET utf8mb4, t TEXT CHARACTER SET utf8mb4, u2 VARCHAR(20) CHARACTER SET utf16, cp VARCHAR(20) CHARACTER SET cp1251)
    COMMENT 'with \\'quotes\\', a ; and a /* comment */ -- in it'`,
  `INSERT INTO words VALUES (1, 'it''s', 'x,☃', '{"a": [1, 2.5, null, "\\\\ud83d\\\\udc11"], "ö": {"é": true}}', ' x ', '🐑\\n\\0\\r\\Z''"\`\\\\%_', 'A🐑', 'Привет'),
    (2, '', '', '[]', '', ${JSON.stringify("-- Dump completed\n'); DROP TABLE x; --\n\\q\nDELIMITER ;;\n")}, '', ''),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
  'CREATE TABLE places (id INT PRIMARY KEY, g GEOMETRY NOT NULL, p POINT, c GEOMETRYCOLLECTION, SPATIAL KEY (g))',
  `INSERT INTO places VALUES (1, ST_GeomFromText('POLYGON((0 0,0 9,9 9,9 0,0 0),(1 1,1 2,2 2,2 1,1 1))', 4326), Point(-1.5, 1e-9),
    ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,3 3))')), (2, ST_GeomFromText('POINT(0 0)'), NULL, NULL)`,
  `CREATE TABLE dates (id INT PRIMARY KEY, d DATE, dt DATETIME(6), ts TIMESTAMP(3) NULL, t TIME(6), never DATETIME NOT NULL)`,
  `INSERT INTO dates VALUES (1, '0000-00-00', '0000-00-00', NULL, '-838:59:59', '0000-00-00'), (2, '2024-00-00', '2024-02-00 10:00:00', '2024-03-31 01:30:00', '00:00:00.000001', '9999-12-31 23:59:59'),
    (3, '2023-02-31', '2023-06-31 12:00:00.5', '2038-01-19 03:14:07.999', NULL, '1000-01-01')`,
  `CREATE TABLE computed (a INT, b VARCHAR(20), v INT AS (a * 2) VIRTUAL, st VARCHAR(40) AS (CONCAT(b, '-', a)) STORED, UNIQUE (st), KEY (v),
    later INT DEFAULT (a + 1), CHECK (a < 1000))`,
  "INSERT INTO computed (a, b) VALUES (1, 'x'), (2, NULL), (NULL, 'é')",
  'SET SESSION check_constraint_checks = 0',
  "INSERT INTO computed (a, b) VALUES (5000, 'against its check')",
  'SET SESSION check_constraint_checks = 1',
  'CREATE TABLE gaps (id INT AUTO_INCREMENT PRIMARY KEY, v INT) AUTO_INCREMENT = 10',
  'INSERT INTO gaps VALUES (0, 1), (500, 2), (NULL, 3)',
  'DELETE FROM gaps WHERE id >= 500',
  "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
  'INSERT INTO gaps VALUES (0, 7)',
  'CREATE TABLE nothing (a INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 77',
  'CREATE TABLE no_key (a INT)',
  'INSERT INTO no_key VALUES (1), (1), (NULL)',
];

const relations = [
  'CREATE TABLE ring_a (id INT PRIMARY KEY, b INT, FOREIGN KEY (b) REFERENCES ring_b (id) ON DELETE SET NULL)',
  'CREATE TABLE ring_b (id INT PRIMARY KEY, a INT, FOREIGN KEY (a) REFERENCES ring_a (id) ON UPDATE CASCADE)',
  'INSERT INTO ring_a VALUES (1, 1), (2, NULL)',
  'INSERT INTO ring_b VALUES (1, 2)',
  'CREATE TABLE itself (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES itself (id))',
  'INSERT INTO itself VALUES (1, 2), (2, 1)',
  "CREATE TABLE by_range (id INT, y INT) PARTITION BY RANGE (y) (PARTITION p0 VALUES LESS THAN (2000), PARTITION `p 1` VALUES LESS THAN MAXVALUE COMMENT 'it''s')",
  'INSERT INTO by_range VALUES (1, 1999), (2, 2000)',
  'CREATE TABLE by_hash (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4',
  'INSERT INTO by_hash SELECT seq FROM seq_1_to_100',
  'CREATE TABLE by_list (id INT, k INT) PARTITION BY LIST (k) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION a VALUES IN (1, NULL), PARTITION rest DEFAULT)',
  'INSERT INTO by_list VALUES (1, 1), (2, NULL), (3, 99)',
  'CREATE SEQUENCE ids START WITH 5 INCREMENT BY 5 MINVALUE -10 MAXVALUE 1000 CACHE 3 CYCLE',
  'CREATE SEQUENCE down START WITH -1 INCREMENT BY -2 NOCACHE',
  'CREATE TABLE by_sequence (id INT DEFAULT NEXTVAL(ids) PRIMARY KEY, v INT)',
  'INSERT INTO by_sequence (v) VALUES (1), (2)',
  'SELECT NEXTVAL(down)',
  'SELECT NEXTVAL(down)',
];

const programs = [
  // What fires while rows are loaded would show in `log`, which comes before `watched`.
  'CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(100) CHARACTER SET utf8mb4)',
  'CREATE TABLE watched (id INT PRIMARY KEY, v INT)',
  'INSERT INTO watched VALUES (1, 1), (2, 2)',
  `CREATE TRIGGER z_first BEFORE INSERT ON watched FOR EACH ROW BEGIN /* a block; comment */ -- and a line ;
    INSERT INTO log (what) VALUES ('fired; // ;; $$ DELIMITER ;;'); # another
    IF NEW.v IS NULL THEN SET NEW.v = 1; END IF; END`,
  "CREATE TRIGGER a_second BEFORE INSERT ON watched FOR EACH ROW FOLLOWS z_first INSERT INTO log (what) VALUES (CONCAT('\\'', NEW.id))",
  "CREATE TRIGGER log_too AFTER INSERT ON log FOR EACH ROW UPDATE watched SET v = -1 WHERE 'x' = '-- Dump completed\n'",
  "INSERT INTO log (what) VALUES ('by hand')",
  `CREATE DEFINER=nobody@nowhere PROCEDURE several(INOUT a INT, OUT b TEXT) SQL SECURITY INVOKER COMMENT 'it''s ; one'
    BEGIN DECLARE EXIT HANDLER FOR NOT FOUND BEGIN END; /*! SELECT 1 */; SET b = 'DELIMITER $$\n;;\n'; SELECT a; END`,
  'CREATE FUNCTION `fn ``é;`(x VARCHAR(20) CHARACTER SET utf8mb4) RETURNS VARCHAR(40) CHARACTER SET utf8mb4 DETERMINISTIC RETURN CONCAT(x, \' -- /* */ \', "q")',
  "SET SESSION sql_mode = 'ANSI_QUOTES,ORACLE'",
  'CREATE PROCEDURE "of oracle" AS BEGIN NULL; END',
  'CREATE PACKAGE pack AS FUNCTION one RETURN INT; END',
  'CREATE PACKAGE BODY pack AS FUNCTION one RETURN INT AS BEGIN RETURN 1; END; END',
  "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
  "CREATE VIEW z_base AS SELECT id, v, 'q''uote' AS `a ``b` FROM watched WHERE v > 0 WITH CASCADED CHECK OPTION",
  'CREATE DEFINER=nobody@nowhere SQL SECURITY INVOKER VIEW m_middle AS SELECT w.id, x.v FROM z_base w JOIN z_base x USING (id)',
  'CREATE ALGORITHM=TEMPTABLE VIEW a_top AS SELECT COUNT(*) AS n, MAX(m.v) AS `maß` FROM m_middle m, numbers',
  `CREATE EVENT daily ON SCHEDULE EVERY 1 DAY STARTS '2020-01-01 00:00:00' COMMENT 'no; /* comment */' DO BEGIN DELETE FROM nothing; END`,
  `CREATE EVENT tomorrow ON SCHEDULE AT '2035-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE DO DELETE FROM nothing`,
  // Over when it is loaded: made when it was not.
  "SET SESSION timestamp = UNIX_TIMESTAMP('2020-01-01')",
  "CREATE EVENT over_once ON SCHEDULE AT '2020-06-01 00:00:00' DO DELETE FROM nothing",
  "CREATE EVENT over_often ON SCHEDULE EVERY 1 HOUR ENDS '2020-06-01 00:00:00' ON COMPLETION PRESERVE DO DELETE FROM nothing",
  'SET SESSION timestamp = DEFAULT',
];

const times = [
  'CREATE TABLE versioned (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING',
  'CREATE TABLE versioned_openly (id INT PRIMARY KEY, v INT, f TIMESTAMP(6) GENERATED ALWAYS AS ROW START, t TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (f, t)) WITH SYSTEM VERSIONING',
  ...['versioned', 'versioned_openly'].flatMap((table) => [
    `INSERT INTO ${table} (id, v) VALUES (1, 1), (2, 1)`,
    `UPDATE ${table} SET v = 2 WHERE id = 1`,
    `DELETE FROM ${table} WHERE id = 2`,
  ]),
  `CREATE TABLE periods (id INT, f DATE, t DATE, PERIOD FOR valid (f, t), UNIQUE (id, valid WITHOUT OVERLAPS))`,
  "INSERT INTO periods VALUES (1, '2024-01-01', '2024-02-01'), (1, '2024-02-01', '9999-12-31')",
];

const odd = [
  `USE ${quoted(oddDatabase)}`,
  "CREATE TABLE `ta``ble 'é\" 🐏` (`co``l \\ %` INT PRIMARY KEY COMMENT 'it''s', `select` TEXT, ` x` INT INVISIBLE DEFAULT 3)".replace(
    '🐏',
    'ß',
  ),
  "INSERT INTO `ta``ble 'é\" ß` VALUES (1, '🐑')",
  `CREATE TRIGGER \`tr'i\`\`gger\` AFTER DELETE ON \`ta\`\`ble 'é" ß\` FOR EACH ROW BEGIN SET @x = 'a;b'; END`,
  "CREATE VIEW `vi'ew` AS SELECT * FROM `ta``ble 'é\" ß`",
  `CREATE FUNCTION \`f'n\`() RETURNS INT RETURN (SELECT COUNT(*) FROM \`vi'ew\`)`,
  `CREATE VIEW across AS SELECT a.id FROM ${plainDatabase}.numbers a`,
];
