import type { TableFacts } from './facts.ts';
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

/**
 * The query for the rows of a table and a checksum of their content that does not depend on their order: per row the hash of its columns'
 * hashes, with NULL apart from every value; over the rows the sum of one half and the exclusive-or of the other. `hashed` below `rows` says
 * that the server gave up on a value: then the checksum proves nothing.
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
  const asked = lossy.map((condition, index) => `, ${condition} AS lossy${index}`).join('');
  const answers = lossy
    .map((_, index) => `,\n  CAST(COALESCE(MAX(lossy${index}), 0) AS CHAR) AS lossy${index}`)
    .join('');
  return `SELECT CAST(COUNT(*) AS CHAR) AS \`rows\`, CAST(COUNT(h) AS CHAR) AS hashed,
  CAST(COALESCE(SUM(CAST(CONV(LEFT(h, 16), 16, 10) AS UNSIGNED)), 0) AS CHAR) AS total,
  CAST(BIT_XOR(CAST(CONV(RIGHT(h, 16), 16, 10) AS UNSIGNED)) AS CHAR) AS mixed${answers}
FROM (SELECT ${digest(`CONCAT('', ${row.length === 0 ? "''" : row.join(', ')})`)} AS h${asked} FROM ${from}) AS hashes`;
};

/** What the content query answers, as text. */
export interface ContentAnswer {
  readonly rows: string;
  readonly hashed: string;
  readonly total: string;
  readonly mixed: string;
}

/** The facts in the answer. A row that the server could not hash would be missing from the checksum: then nothing is known. */
export const contentOf = ({ rows, hashed, total, mixed }: ContentAnswer): TableFacts['content'] =>
  hashed === rows
    ? { rows: Number(rows), checksum: `${total}:${mixed}` }
    : { unknown: 'the server could not hash every value' };

const columnHash = ({ name, type }: Column, digest: (value: string) => string): string => {
  const column = identifier(name);
  return `IF(${column} IS NULL, '-', ${digest(valueOf(column, type.toLowerCase()))})`;
};

const valueOf = (column: string, type: string): string => {
  if (byBytes.has(type)) return column;
  if (type === 'bit') return `HEX(${column})`;
  return `CAST(${column} AS BINARY)`;
};
