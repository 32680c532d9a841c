import { shorten } from '../../text.ts';
import type { RunContext } from '../../run.ts';
import type { Connection } from './connect.ts';
import { gapKinds, gapWords, type Gap } from './gap.ts';
import { lossyDefinitions } from './lossy-definitions.ts';
import type { ServerProfile } from './server.ts';
import { ownSchema } from './sql.ts';

/** Engines whose rows mariadb-dump leaves out (--no-data-med, its default). */
const elsewhere = new Set(['MRG_MYISAM', 'CONNECT', 'OQGRAPH', 'SPIDER', 'VP', 'FEDERATED', 'BLACKHOLE']);

/** The gaps that definitions show, without a look at a row. */
export const definedGaps = async (
  connection: Connection,
  databases: readonly string[],
  { flavour, castsFloat }: Pick<ServerProfile, 'flavour' | 'castsFloat'>,
): Promise<Gap[]> => {
  const gaps: Gap[] = [];
  for (const database of databases) {
    const tables: Record<'name' | 'engine', string>[] = await connection.query(
      `SELECT t.TABLE_NAME AS name, t.ENGINE AS engine
       FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
       WHERE t.TABLE_SCHEMA = ? AND t.TABLE_TYPE NOT IN ('VIEW', 'SEQUENCE') AND t.ENGINE IS NOT NULL
         AND COALESCE(e.TRANSACTIONS, 'NO') <> 'YES' ORDER BY t.TABLE_NAME`,
      [database],
    );
    for (const { name, engine } of tables) {
      const kind = elsewhere.has(engine.toUpperCase()) ? 'NotDumped' : 'NoSnapshot';
      gaps.push({ kind, what: `${database}.${name} (${engine})` });
    }
    const events: { name: string }[] = await connection.query(
      `SELECT EVENT_NAME AS name FROM information_schema.EVENTS WHERE ${ownSchema('EVENT_SCHEMA')}
         AND COALESCE(CONVERT_TZ(COALESCE(EXECUTE_AT, ENDS), IF(TIME_ZONE = 'SYSTEM', @@GLOBAL.time_zone, TIME_ZONE), '+00:00'),
           EXECUTE_AT, ENDS) < UTC_TIMESTAMP() ORDER BY EVENT_NAME`,
      [database, database],
    );
    for (const { name } of events) gaps.push({ kind: 'PastEvents', what: `${database}.${name}` });
    if (flavour === 'MariaDB') gaps.push(...(await lossyDefinitions(connection, database)));
    if (castsFloat) continue;
    const floats: { name: string; column: string }[] = await connection.query(
      `SELECT TABLE_NAME AS name, COLUMN_NAME AS \`column\` FROM information_schema.COLUMNS
       WHERE TABLE_SCHEMA = ? AND DATA_TYPE = 'float' ORDER BY TABLE_NAME, ORDINAL_POSITION`,
      [database],
    );
    for (const { name, column } of floats) {
      gaps.push({ kind: 'MaybeRoundedFloats', what: `${database}.${name}.${column}` });
    }
  }
  return gaps;
};

/** What every server has, or names by itself. */
const everywhere = new Set([
  'root@localhost',
  'mariadb.sys@localhost',
  'mysql.sys@localhost',
  'mysql.infoschema@localhost',
]);

/** The accounts that the objects of the databases run as, but for those that every server has. */
export const definersOf = async (connection: Connection, databases: readonly string[]): Promise<string[]> => {
  const definers = new Set<string>();
  for (const database of databases) {
    const rows: { definer: string }[] = await connection.query(
      `SELECT DEFINER AS definer FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ?
       UNION SELECT DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?
       UNION SELECT DEFINER FROM information_schema.TRIGGERS WHERE ${ownSchema('TRIGGER_SCHEMA')}
       UNION SELECT DEFINER FROM information_schema.EVENTS WHERE ${ownSchema('EVENT_SCHEMA')}`,
      Array.from({ length: 6 }, () => database),
    );
    for (const { definer } of rows) definers.add(definer);
  }
  return [...definers].filter((definer) => !everywhere.has(definer)).toSorted();
};

/** How many things of one kind are named in the log and in facts.json. */
const maxNamed = 100;
/** What one line of status holds. */
const maxLine = 160;

/** The gaps by kind, the weightiest first: each as a line that status can show, and as one for log and facts. */
export const describeGaps = (gaps: readonly Gap[]): { line: string; full: string }[] =>
  gapKinds.flatMap((kind) => {
    const found = [...new Set(gaps.filter((gap) => gap.kind === kind).map(({ what }) => what))];
    if (found.length === 0) return [];
    const full = `${gapWords[kind]}: ${listed(found, maxNamed)}`;
    let shown = Math.min(found.length, 8);
    while (shown > 1 && `${gapWords[kind]}: ${listed(found, shown)}`.length > maxLine) shown -= 1;
    return [{ line: shorten(`${gapWords[kind]}: ${listed(found, shown)}`, maxLine), full }];
  });

const listed = (all: readonly string[], shown: number): string =>
  all.length > shown ? `${all.slice(0, shown).join(', ')} and ${all.length - shown} more` : all.join(', ');

/** Says the gaps in the log, whole, and gives back what status shows. */
export const reportGaps = ({ log }: Pick<RunContext, 'log'>, gaps: readonly Gap[]): string[] =>
  describeGaps(gaps).map(({ line, full }) => {
    log.warn(`not covered: ${full}`);
    return line;
  });
