import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { timestamp } from '../../../base/times.ts';
import { canonicalJson } from '../../dump/canonical-json.ts';
import { factsFile } from '../../layout.ts';
import type { RunContext } from '../../run.ts';
import { collectFacts, type CollectedFacts } from './collect-facts.ts';
import { withConnection, type Account } from './connect.ts';
import { countersOf, withCounters } from './counters.ts';
import { mysqlFacts, type AccountsFacts, type MysqlFacts } from './facts.ts';
import type { Gap } from './gap.ts';
import { describeGaps } from './gaps.ts';
import type { Seen } from './look-around.ts';

/** The facts of the dump's snapshot, or why there are none. */
export type Collected = CollectedFacts | { readonly unknown: string; readonly gaps: readonly Gap[] };

export interface FactsInput {
  readonly account: Account;
  readonly directory: string;
  readonly dataTime: Date;
  readonly facts: Collected;
  readonly accounts: AccountsFacts | undefined;
  /** What was counted before the dump. */
  readonly seen: Pick<Seen, 'counters'>;
  readonly gaps: readonly Gap[];
}

/** Writes facts.json. To be called when the dump has ended: counters are read again. */
export const writeFacts = async (
  context: RunContext,
  { account, directory, dataTime, facts, accounts, seen, gaps }: FactsInput,
): Promise<MysqlFacts> => {
  const { server, databases } = await withConnection(account, context.signal, async (connection) => {
    // The version of the server is known in any case: a verification needs it for its scratch server.
    if ('unknown' in facts) return collectFacts(connection, [], context);
    const names = facts.databases.map(({ name }) => name);
    const after = await countersOf(connection, names);
    return { ...facts, databases: withCounters(facts.databases, seen.counters, after) };
  });
  const notCovered = describeGaps(gaps).map(({ full }) => full);
  const written = mysqlFacts.parse({
    version: 1,
    engine: 'mysql',
    dataTime: timestamp(dataTime),
    server,
    databases,
    ...('unknown' in facts && { unknown: facts.unknown }),
    ...(accounts !== undefined && { accounts }),
    ...(notCovered.length > 0 && { notCovered }),
  });
  await writeFile(join(directory, factsFile), canonicalJson(written), { mode: 0o640 });
  return written;
};
