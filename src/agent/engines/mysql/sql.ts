/** An identifier in backticks. */
export const identifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** The name inside backticks, as SHOW and mariadb-dump print it. */
export const unquoted = (text: string): string => text.replace(/^`([\s\S]*)`$/, '$1').replaceAll('``', '`');

/**
 * A condition that a column of information_schema names this database; takes its name twice. Some of these columns compare without regard
 * to case: where names differ by case alone, the events and triggers of one database would be taken for another's.
 */
export const ownSchema = (column: string): string =>
  `(${column} = ? AND (@@lower_case_table_names <> 0 OR CAST(${column} AS BINARY) = CAST(? AS BINARY)))`;
