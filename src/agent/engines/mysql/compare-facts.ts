import type { Compared } from '../../verify/engine.ts';
import type { AccountFacts, ContentFacts, CounterFacts, DatabaseFacts, MysqlFacts, TableFacts } from './facts.ts';

/** What a server holds now, taken while nobody else used it. */
export interface FoundFacts {
  readonly databases: readonly DatabaseFacts[];
  /** Missing when the backup holds no accounts. */
  readonly accounts?: readonly AccountFacts[];
}

export interface CompareOptions {
  /** Under which name a database was loaded, where that is another one. */
  readonly loadedAs?: ReadonlyMap<string, string>;
}

/**
 * Compares what a backup was recorded to hold with what was found after it was loaded. What is missing, what differs and what is there beside
 * it are differences; what was never known proves nothing, and is said. Pure.
 */
export const compareFacts = (
  recorded: Pick<MysqlFacts, 'databases' | 'accounts' | 'unknown'>,
  found: FoundFacts,
  { loadedAs = new Map() }: CompareOptions = {},
): Compared => {
  if (recorded.unknown !== undefined) {
    return { objects: 0, rows: 0, mismatches: [], notWitnessed: [`everything: ${recorded.unknown}`] };
  }
  const expected = recorded.databases.map((database) => ({
    ...database,
    name: loadedAs.get(database.name) ?? database.name,
  }));
  return sum([
    ...pairs('database', expected, found.databases, ({ name }) => name).map(compareDatabases),
    compareAccounts(recorded.accounts, found.accounts ?? []),
  ]);
};

/** The same thing on both sides, where it is on both. */
interface Pair<T> {
  readonly what: string;
  readonly recorded: T | undefined;
  readonly found: T | undefined;
}

const pairs = <T>(
  kind: string,
  recorded: readonly T[],
  found: readonly T[],
  nameOf: (each: T) => string,
): Pair<T>[] => {
  const [before, now] = [byName(recorded, nameOf), byName(found, nameOf)];
  return [...new Set([...before.keys(), ...now.keys()])].map((name) => ({
    what: `${kind} ${name}`,
    recorded: before.get(name),
    found: now.get(name),
  }));
};

const byName = <T>(all: readonly T[], nameOf: (each: T) => string): Map<string, T> =>
  new Map(all.map((each) => [nameOf(each), each]));

const nothing: Compared = { objects: 0, rows: 0, mismatches: [], notWitnessed: [] };

const sum = (all: readonly Compared[]): Compared => ({
  objects: all.reduce((total, { objects }) => total + objects, 0),
  rows: all.reduce((total, { rows }) => total + rows, 0),
  mismatches: all.flatMap(({ mismatches }) => mismatches),
  notWitnessed: all.flatMap(({ notWitnessed }) => notWitnessed),
});

/** Looks at what is on both sides; what is on one alone differs. */
const compared = <T>(
  { what, recorded, found }: Pair<T>,
  look: (recorded: T, found: T) => Partial<Compared>,
): Compared => {
  if (recorded === undefined) return { ...nothing, objects: 1, mismatches: [`${what}: not in the source`] };
  if (found === undefined) return { ...nothing, objects: 1, mismatches: [`${what}: missing`] };
  return { ...nothing, objects: 1, ...look(recorded, found) };
};

const absent = (name: string): DatabaseFacts => ({
  name,
  characterSet: '',
  collation: '',
  tables: [],
  views: [],
  triggers: [],
  routines: [],
  events: [],
});

const compareDatabases = (pair: Pair<DatabaseFacts>): Compared => {
  const name = pair.recorded?.name ?? pair.found?.name ?? '';
  const itself = compared(pair, (recorded, found) => ({
    mismatches: differences(pair.what, [
      [recorded.characterSet !== found.characterSet, `${found.characterSet} instead of ${recorded.characterSet}`],
      [recorded.collation !== found.collation, `${found.collation} instead of ${recorded.collation}`],
    ]),
  }));
  const [recorded, found] = [pair.recorded ?? absent(name), pair.found ?? absent(name)];
  const within = ({ name: own }: { readonly name: string }): string => `${name}.${own}`;
  const defined = <T extends { readonly name: string; readonly digest: string }>(
    kind: string,
    before: readonly T[],
    now: readonly T[],
    nameOf: (each: T) => string = within,
  ): Compared[] => pairs(kind, before, now, nameOf).map(compareDefinitions);
  return sum([
    itself,
    ...pairs('table', recorded.tables, found.tables, within).map(compareTables),
    ...defined('view', recorded.views, found.views),
    ...defined('trigger', recorded.triggers, found.triggers),
    ...defined('routine', recorded.routines, found.routines, (each) => `${within(each)} (${each.type.toLowerCase()})`),
    ...defined('event', recorded.events, found.events),
  ]);
};

const compareDefinitions = (pair: Pair<{ readonly digest: string }>): Compared =>
  compared(pair, (recorded, found) => ({
    mismatches: differences(pair.what, [[recorded.digest !== found.digest, 'another definition']]),
  }));

const compareTables = (pair: Pair<TableFacts>): Compared =>
  compared(pair, (recorded, found) => {
    const { what } = pair;
    const content = compareContent(recorded.content, found.content);
    const counter =
      recorded.autoIncrement === undefined && found.autoIncrement === undefined
        ? {}
        : compareCounters(recorded.autoIncrement, found.autoIncrement);
    return {
      rows: 'rows' in recorded.content && 'rows' in found.content ? recorded.content.rows : 0,
      mismatches: differences(what, [
        [recorded.kind !== found.kind, `${found.kind} instead of ${recorded.kind}`],
        [recorded.engine !== found.engine, `engine ${found.engine} instead of ${recorded.engine}`],
        [recorded.schema !== found.schema, 'another definition'],
        [content.differs !== undefined, content.differs ?? ''],
        [counter.differs !== undefined, `AUTO_INCREMENT ${counter.differs ?? ''}`],
      ]),
      notWitnessed: [
        ...(content.unknown === undefined ? [] : [`${what}: ${content.unknown}`]),
        ...(counter.unknown === undefined ? [] : [`AUTO_INCREMENT of ${what}: ${counter.unknown}`]),
      ],
    };
  });

/** What differs, or why that is not known; neither for what is equal. */
interface Verdict {
  readonly differs?: string;
  readonly unknown?: string;
}

const compareContent = (recorded: ContentFacts, found: ContentFacts): Verdict => {
  if ('unknown' in recorded) return { unknown: recorded.unknown };
  if ('unknown' in found) return { unknown: `once loaded, ${found.unknown}` };
  if ('next' in recorded) return 'next' in found ? compareCounters(recorded, found) : { differs: 'no sequence' };
  if ('next' in found) return { differs: 'a sequence' };
  if (recorded.rows !== found.rows) return { differs: `${rowsIn(found.rows)} instead of ${recorded.rows}` };
  return recorded.checksum === found.checksum ? {} : { differs: `${rowsIn(found.rows)}, with other content` };
};

const rowsIn = (count: number): string => (count === 1 ? '1 row' : `${count} rows`);

const compareCounters = (recorded: CounterFacts | undefined, found: CounterFacts | undefined): Verdict => {
  if (recorded === undefined) return { differs: 'that the source had not' };
  if (found === undefined) return { differs: 'missing' };
  if ('unknown' in recorded) return { unknown: recorded.unknown };
  if ('unknown' in found) return { unknown: `once loaded, ${found.unknown}` };
  const [from, to] = [BigInt(recorded.next.from), BigInt(recorded.next.to)];
  if (from <= BigInt(found.next.from) && BigInt(found.next.to) <= to) return {};
  return { differs: `next ${found.next.from} instead of ${from === to ? from : `${from} to ${to}`}` };
};

const compareAccounts = (recorded: MysqlFacts['accounts'], found: readonly AccountFacts[]): Compared => {
  if (recorded === undefined) return nothing;
  if ('unknown' in recorded) return { ...nothing, notWitnessed: [`accounts: ${recorded.unknown}`] };
  return sum(
    pairs('account', recorded, found, ({ user, host, role }) => (role ? `${user} (role)` : `${user}@${host}`)).map(
      (pair) =>
        compared(pair, (before, now) => ({
          mismatches: differences(pair.what, [[before.grants !== now.grants, 'other grants']]),
        })),
    ),
  );
};

const differences = (what: string, all: readonly (readonly [differs: boolean, how: string])[]): string[] => {
  const found = all.filter(([differs]) => differs).map(([, how]) => how);
  return found.length === 0 ? [] : [`${what}: ${found.join(', ')}`];
};
