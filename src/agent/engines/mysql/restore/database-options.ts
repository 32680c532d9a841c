/** What ALTER DATABASE is told so that a database is as CREATE DATABASE with these options made one: also one that has a comment now, and had none. */
export const alteredTo = (options: string): string =>
  / COMMENT '/i.test(options) ? options : `${options} /*M!100500 COMMENT '' */`.trim();
