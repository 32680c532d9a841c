import { identifier, unquoted } from '../sql.ts';

/**
 * The definition of a table names a database in two places: where a default draws from a sequence, and where a foreign key leads to another
 * database. Both have to lead to what is loaded beside it, or tables that are loaded aside would hang on the present ones.
 */

const quoted = '`(?:[^`]|``)*`';
/** What is skipped whole, or a reference with its database. Comments do not occur in what SHOW CREATE TABLE gives. */
const token = new RegExp(
  `'(?:[^'\\\\]|''|\\\\[\\s\\S])*'|"(?:[^"\\\\]|""|\\\\[\\s\\S])*"|(\\b(?:nextval|lastval|setval)\\(|\\bREFERENCES )(${quoted})(?=\\.${quoted})|${quoted}`,
  'gi',
);

/** A reference in a definition that names its database. */
export interface Reference {
  readonly kind: 'Sequence' | 'ForeignKey';
  readonly database: string;
}

/** The databases that the definition of a table names. Pure. */
export const referencesIn = (definition: string): Reference[] =>
  [...definition.matchAll(token)].flatMap(([, before, database]) =>
    before === undefined || database === undefined
      ? []
      : [
          {
            kind: /^references/i.test(before) ? ('ForeignKey' as const) : ('Sequence' as const),
            database: unquoted(database),
          },
        ],
  );

/** The definition of a table with other databases in its references, where `names` has them. Pure. */
export const requalified = (definition: string, names: ReadonlyMap<string, string>): string =>
  definition.replaceAll(token, (whole: string, before: string | undefined, database: string | undefined) => {
    const other = before === undefined || database === undefined ? undefined : names.get(unquoted(database));
    return other === undefined ? whole : `${before}${identifier(other)}`;
  });
