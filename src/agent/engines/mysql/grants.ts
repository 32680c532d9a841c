import { isSystemSchema } from './databases.ts';
import { unquoted } from './sql.ts';

/** A privilege and what it is granted on. `*` stands for all. */
interface Grant {
  /** Taken away again from what a global grant gives. */
  readonly revoked: boolean;
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
  /** Whether a privilege is held on every database, with none but system schemas that it is revoked from (MySQL's partial revokes). */
  everywhere(privilege: string): boolean;
}

const line = /^(GRANT|REVOKE) (.+?) ON (?:TABLE )?(\*\.\*|`(?:[^`]|``)*`\.(?:\*|`(?:[^`]|``)*`)) (?:TO|FROM) /;

export const parseGrants = (lines: readonly string[]): Grants => {
  const parsed = lines.map(parseLine).filter((grant) => grant !== undefined);
  const grants = parsed.filter(({ revoked }) => !revoked);
  const revokes = parsed.filter(({ revoked }) => revoked);
  const has = (privilege: string, matches: (grant: Grant) => boolean): boolean =>
    grants.some((grant) => names(grant, privilege) && matches(grant));
  // A revoke takes from the global grant alone, and its database is a plain name.
  const covers = (grant: Grant, privilege: string, database: string): boolean => {
    if (grant.object !== '*') return false;
    if (grant.database !== '*') return likePattern(grant.database).test(database);
    return !revokes.some((revoke) => names(revoke, privilege) && revoke.database === database);
  };
  const globally = (privilege: string): boolean => has(privilege, ({ database }) => database === '*');
  return {
    globally,
    everywhere: (privilege) =>
      globally(privilege) && !revokes.some((revoke) => names(revoke, privilege) && !isSystemSchema(revoke.database)),
    onDatabase: (privilege, database) => has(privilege, (grant) => covers(grant, privilege, database)),
    onTable: (privilege, database, table) =>
      has(
        privilege,
        (grant) => covers(grant, privilege, database) || (grant.database === database && grant.object === table),
      ),
  };
};

const names = ({ privileges }: Grant, privilege: string): boolean =>
  privileges.has(privilege) || privileges.has('ALL PRIVILEGES');

const parseLine = (text: string): Grant | undefined => {
  const match = line.exec(text);
  const [, verb, list, scope] = match ?? [];
  if (list === undefined || scope === undefined) return undefined;
  const revoked = verb === 'REVOKE';
  const privileges = new Set(splitPrivileges(list));
  if (scope === '*.*') return { revoked, privileges, database: '*', object: '*' };
  const [, database = '', object = ''] = /^(`(?:[^`]|``)*`)\.(.*)$/.exec(scope) ?? [];
  return { revoked, privileges, database: unquoted(database), object: object === '*' ? '*' : unquoted(object) };
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
