/** An identifier in backticks. */
export const identifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** The name inside backticks, as SHOW and mariadb-dump print it. */
export const unquoted = (text: string): string => text.replace(/^`([\s\S]*)`$/, '$1').replaceAll('``', '`');
