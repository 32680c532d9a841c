import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { collectFacts } from '../../../src/agent/engines/mysql/collect-facts.ts';
import { connect, type Account } from '../../../src/agent/engines/mysql/connect.ts';
import { countersOf, withCounters } from '../../../src/agent/engines/mysql/counters.ts';
import { mysqlFacts, type MysqlFacts } from '../../../src/agent/engines/mysql/facts.ts';
import type { MariadbServer } from './mariadb.ts';

const scope = {
  signal: new AbortController().signal,
  log: { debug() {}, info() {}, warn() {}, error() {} },
};

/** The facts of databases as they are now, taken as verification and restore take them. */
export const factsBy = async (account: Account, ...databases: readonly string[]): Promise<MysqlFacts['databases']> => {
  const connection = await connect(account, scope.signal);
  try {
    const collected = await collectFacts(connection, databases, scope);
    const counters = await countersOf(connection, databases);
    return withCounters(collected.databases, counters, counters);
  } finally {
    connection.destroy();
  }
};

/** The same of a test's own server. */
export const factsNow = async (
  { host, port, admin }: Pick<MariadbServer, 'host' | 'port' | 'admin'>,
  ...databases: readonly string[]
): Promise<MysqlFacts['databases']> => {
  await admin((connection) =>
    connection.query("CREATE USER IF NOT EXISTS checker@'%' IDENTIFIED BY 'x'; GRANT ALL ON *.* TO checker@'%'"),
  );
  return factsBy({ host, port, username: 'checker', password: 'x' }, ...databases);
};

/** The facts in a local copy. */
export const factsIn = async (directory: string): Promise<MysqlFacts> =>
  mysqlFacts.parse(JSON.parse(await readFile(join(directory, 'facts.json'), 'utf8')));
