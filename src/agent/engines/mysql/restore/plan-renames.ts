import { identifier } from '../sql.ts';
import type { ExchangedDatabase } from './journal.ts';

/** A table or view that gets another name or database. */
export interface Rename {
  readonly from: readonly [database: string, name: string];
  readonly to: readonly [database: string, name: string];
}

/** All renames of an exchange: what is there goes away before what was loaded comes. Pure. */
export const exchangeRenames = (databases: readonly ExchangedDatabase[]): Rename[] => [
  ...databases.flatMap(({ name, views }): Rename[] =>
    views.map((view) => ({ from: [name, view.name], to: [name, view.as] })),
  ),
  ...databases.flatMap(({ name, old, tables }): Rename[] =>
    tables.map((table) => ({ from: [name, table], to: [old, table] })),
  ),
  ...databases.flatMap(({ name, aside, newTables }): Rename[] =>
    newTables.map((table) => ({ from: [aside, table], to: [name, table] })),
  ),
];

/** What is where in the middle of an exchange. */
export interface Whereabouts {
  readonly tables: readonly string[];
  readonly views: readonly string[];
  /** In the database of what is set aside. */
  readonly old: readonly string[];
}

/** What undoes an exchange of one database, however far it came. */
export interface Undo {
  readonly dropViews: readonly string[];
  readonly away: readonly Rename[];
  readonly back: readonly Rename[];
}

/** Pure. What is in its old place stays there; what neither was there nor was loaded is somebody else’s, and stays as well. */
export const undoOf = (
  { name, aside, old, tables, views, newTables, newViews }: ExchangedDatabase,
  now: Whereabouts,
): Undo => {
  const moved = (table: string): boolean => now.old.includes(table);
  const renamed = views.filter(({ as }) => now.views.includes(as));
  const unmovedTables = new Set(tables.filter((table) => !moved(table)));
  const unmovedViews = new Set(views.filter((view) => !renamed.includes(view)).map((view) => view.name));
  return {
    dropViews: newViews.filter((view) => now.views.includes(view) && !unmovedViews.has(view)),
    away: newTables
      .filter((table) => now.tables.includes(table) && !unmovedTables.has(table))
      .map((table) => ({ from: [name, table], to: [aside, table] })),
    back: [
      ...renamed.map((view): Rename => ({ from: [name, view.as], to: [name, view.name] })),
      ...tables.filter(moved).map((table): Rename => ({ from: [old, table], to: [name, table] })),
    ],
  };
};

/** One statement, which the server does whole or not at all; undefined for nothing to do. */
export const renameStatement = (renames: readonly Rename[]): string | undefined =>
  renames.length === 0
    ? undefined
    : `RENAME TABLE ${renames.map(({ from, to }) => `${qualified(from)} TO ${qualified(to)}`).join(', ')}`;

const qualified = ([database, name]: readonly [string, string]): string =>
  `${identifier(database)}.${identifier(name)}`;
