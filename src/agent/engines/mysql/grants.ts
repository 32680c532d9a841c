import { unquoted } from './sql.ts';

/** A privilege and what it is granted on. `*` stands for all. */
interface Grant {
  readonly privileges: ReadonlySet<string>;
  /** The pattern of the database (`%`, `_`, `\_`), `*` for all. */
  readonly database: string;
  readonly object: string;
}

/** What an account may do, read from SHOW GRANTS, roles included. */
export interface Grants {
  /** Whether a privilege covers a whole database. A grant on single tables does not: tables it leaves out are invisible. */
  onDatabase(privilege: string, database: string): boolean;
  onTable(privilege: string, database: string, table: string): boolean;
  globally(privilege: string): boolean;
}

const line = /^GRANT (.+?) ON (?:TABLE )?(\*\.\*|`(?:[^`]|``)*`\.(?:\*|`(?:[^`]|``)*`)) TO /;

export const parseGrants = (lines: readonly string[]): Grants => {
  const grants = lines.map(parseLine).filter((grant) => grant !== undefined);
  const has = (privilege: string, matches: (grant: Grant) => boolean): boolean =>
    grants.some(
      ({ privileges, ...rest }) =>
        (privileges.has(privilege) || privileges.has('ALL PRIVILEGES')) && matches({ privileges, ...rest }),
    );
  return {
    globally: (privilege) => has(privilege, ({ database }) => database === '*'),
    onDatabase: (privilege, database) => has(privilege, (grant) => covers(grant, database)),
    onTable: (privilege, database, table) =>
      has(privilege, (grant) => covers(grant, database) || (grant.database === database && grant.object === table)),
  };
};

const covers = (grant: Grant, database: string): boolean =>
  grant.object === '*' && (grant.database === '*' || likePattern(grant.database).test(database));

const parseLine = (text: string): Grant | undefined => {
  const match = line.exec(text);
  const [, list, scope] = match ?? [];
  if (list === undefined || scope === undefined) return undefined;
  const privileges = new Set(splitPrivileges(list));
  if (scope === '*.*') return { privileges, database: '*', object: '*' };
  const [, database = '', object = ''] = /^(`(?:[^`]|``)*`)\.(.*)$/.exec(scope) ?? [];
  return { privileges, database: unquoted(database), object: object === '*' ? '*' : unquoted(object) };
};

// A privilege on some columns, `SELECT (a, b)`, is not the privilege.
const splitPrivileges = (list: string): string[] =>
  list
    .split(/,\s*(?![^(]*\))/)
    .map((privilege) => privilege.trim().toUpperCase())
    .filter((privilege) => !privilege.includes('('));

/** A database name in a grant is a LIKE pattern. */
const likePattern = (pattern: string): RegExp => {
  const source = pattern.replaceAll(/\\[\s\S]|[\s\S]/g, (part) => {
    if (part === '%') return '[\\s\\S]*';
    if (part === '_') return '[\\s\\S]';
    return (part.length === 2 ? part.slice(1) : part).replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  });
  return new RegExp(`^${source}$`);
};
