import { sideBySide } from '../../../../base/side-by-side.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import type { Compared } from '../../../verify/engine.ts';
import { collectFacts, type FactsScope } from '../collect-facts.ts';
import { compareFacts } from '../compare-facts.ts';
import { withConnection, type NetworkAccount } from '../connect.ts';
import { countersOf, withCounters } from '../counters.ts';
import type { DatabaseFacts, MysqlFacts } from '../facts.ts';
import type { KnownContent } from './compared-before.ts';
import type { Names } from './compose.ts';
import { requalified } from './requalify.ts';

/** How many databases are read at a time. */
const atATime = 3;

/**
 * The facts of databases as they are now, each under the name that the backup has for it.
 * @param names by the name in the backup, the one on the server
 * @param options `known`: what of the tables need not be read, by the names in the backup
 */
export const factsOf = async (
  { signal, log }: Pick<RestoreContext, 'signal' | 'log'>,
  account: NetworkAccount,
  names: Names,
  {
    definitionsOnly = false,
    known,
  }: Pick<FactsScope, 'definitionsOnly'> & { readonly known?: KnownContent | undefined } = {},
): Promise<DatabaseFacts[]> => {
  const recordedAs = new Map([...names].map(([source, name]) => [name, source]));
  const scope = {
    signal,
    log,
    still: true,
    definitionsOnly,
    asRecorded: (definition: string) => requalified(definition, recordedAs),
  };
  const found = await sideBySide([...names], atATime, ([source, name]) =>
    withConnection(account, signal, async (connection) => {
      const { databases } = await collectFacts(connection, [name], {
        ...scope,
        ...(known && { known: (_, table) => known(source, table) }),
      });
      const counters = await countersOf(connection, [name]);
      return withCounters(databases, counters, counters).map((each) => ({ ...each, name: source }));
    }),
  );
  return found.flat().toSorted((a, b) => (a.name < b.name ? -1 : 1));
};

/** Of the facts what is loaded aside: tables and sequences. Pure. */
export const tablesOf = ({ accounts: _accounts, ...facts }: MysqlFacts): MysqlFacts => ({
  ...facts,
  databases: facts.databases.map((database) => ({ ...database, views: [], triggers: [], routines: [], events: [] })),
});

/** What differs in the definitions alone: of rows nothing is known, and nothing is said. Pure. */
export const definitionsDiffer = (
  { accounts: _accounts, ...recorded }: Pick<MysqlFacts, 'databases' | 'unknown' | 'accounts'>,
  found: readonly DatabaseFacts[],
): readonly string[] => compareFacts(recorded, { databases: found }).mismatches;

/** Compares what is on the server with what was recorded of databases, accounts aside. Pure. */
export const compareDatabases = (
  { accounts: _accounts, ...recorded }: MysqlFacts,
  found: readonly DatabaseFacts[],
): Compared => compareFacts(recorded, { databases: found });
