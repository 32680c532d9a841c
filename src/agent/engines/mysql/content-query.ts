import type { ContentFacts } from './facts.ts';
import { identifier } from './sql.ts';

/** A column as the content query needs it. */
export interface Column {
  readonly name: string;
  /** DATA_TYPE of information_schema. */
  readonly type: string;
  /** Computed from other columns: not dumped, its definition is in the schema. */
  readonly generated: boolean;
}

export interface ContentQueryInput {
  readonly database: string;
  readonly table: string;
  readonly columns: readonly Column[];
  /** Past rows count as well: they are dumped. */
  readonly history: boolean;
  /** What the server hashes with; MD5 by default. */
  readonly hash?: 'MD5' | 'SHA2';
  /** Further conditions: the answer has for each whether a row fulfils it, as `lossy0`, `lossy1` and so on. */
  readonly lossy?: readonly string[];
}

// Hashed by their bytes as they are stored. Others go through their text, which is what the dump holds: a FLOAT by its 6 digits.
const byBytes = new Set([
  'char',
  'varchar',
  'tinytext',
  'text',
  'mediumtext',
  'longtext',
  'json',
  'enum',
  'set',
  'binary',
  'varbinary',
  'tinyblob',
  'blob',
  'mediumblob',
  'longblob',
  // Their stored bytes hold the coordinate system as well; as text they would pass max_allowed_packet and become NULL.
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geometrycollection',
  'geomcollection',
]);

// Text without `|` or `!`: cheaper as it is than hashed.
const plain = new Set([
  'tinyint',
  'smallint',
  'mediumint',
  'int',
  'bigint',
  'decimal',
  'float',
  'double',
  'date',
  'time',
  'datetime',
  'timestamp',
  'year',
]);

// All columns of these types together have less than 64 KiB in a row, so they are put together as they are.
const short = new Set(['char', 'varchar', 'enum', 'set', 'binary', 'varbinary']);

/** Stands for a row that the server could not hash: more than the sums of any table. */
const gaveUp = `1${'0'.repeat(40)}`;

/**
 * The query for the rows of a table and a checksum of their content that does not depend on their order: per row the hash of its columns
 * (large ones by their own hash), with NULL apart from every value; over the rows the sum of the first half. `hashed` below `rows` says
 * that the server gave up on a value: then the checksum proves nothing. The hash is named once: a server computes it once for each time.
 */
export const contentQuery = ({
  database,
  table,
  columns,
  history,
  hash = 'MD5',
  lossy = [],
}: ContentQueryInput): string => {
  const digest = hash === 'MD5' ? (value: string) => `MD5(${value})` : (value: string) => `SHA2(${value}, 256)`;
  const row = columns.filter(({ generated }) => !generated).map((column) => columnHash(column, digest));
  const from = `${identifier(database)}.${identifier(table)}${history ? ' FOR SYSTEM_TIME ALL' : ''}`;
  const hashed = digest(`CONCAT('', ${row.length === 0 ? "''" : row.join(', ')})`);
  const asked = lossy.map((condition, index) => `, MAX(${condition}) AS lossy${index}`).join('');
  const answers = lossy.map((_, index) => `, CAST(COALESCE(lossy${index}, 0) AS CHAR) AS lossy${index}`).join('');
  return `SELECT CAST(found AS CHAR) AS \`rows\`, CAST(IF(total < ${gaveUp}, found, 0) AS CHAR) AS hashed, CAST(total AS CHAR) AS total${answers}
FROM (SELECT COUNT(*) AS found, COALESCE(SUM(COALESCE(CAST(CONV(LEFT(${hashed}, 16), 16, 10) AS UNSIGNED), ${gaveUp})), 0) AS total${asked}
  FROM ${from}) AS sums`;
};

/** What the content query answers, as text. */
export interface ContentAnswer {
  readonly rows: string;
  readonly hashed: string;
  readonly total: string;
}

/** The facts in the answer. A row that the server could not hash would be missing from the checksum: then nothing is known. */
export const contentOf = ({ rows, hashed, total }: ContentAnswer): ContentFacts =>
  hashed === rows ? { rows: Number(rows), checksum: total } : { unknown: 'the server could not hash every value' };

/** What of a column goes into the hash of its row; what stands for it never runs into what stands for the next one. */
const columnHash = ({ name, type }: Column, digest: (value: string) => string): string => {
  const column = identifier(name);
  const kind = type.toLowerCase();
  if (plain.has(kind)) return `COALESCE(CONCAT(CAST(${column} AS BINARY), '|'), '!')`;
  if (short.has(kind)) return `COALESCE(CONCAT(LENGTH(${column}), ':', CAST(${column} AS BINARY)), '!')`;
  return `IF(${column} IS NULL, '-', ${digest(valueOf(column, kind))})`;
};

const valueOf = (column: string, type: string): string => {
  if (byBytes.has(type)) return column;
  if (type === 'bit') return `HEX(${column})`;
  return `CAST(${column} AS BINARY)`;
};
