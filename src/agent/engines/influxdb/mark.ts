import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../dump/canonical-json.ts';
import { lifeOf } from './life.ts';
import { rowsOf, StatementError, type InfluxServer } from './server.ts';
import { countAll } from './statements.ts';
import { listPolicies, listShards } from './survey.ts';

/** Whatever is written passes these counters of its shard, also what has a time of long ago, and what takes the place of another value. */
const written = /^write/;

const counters = z.record(z.string(), z.number());

/**
 * What is another after every change of a database, for a tenth of what reading it takes: two marks that are equal prove that it was not
 * changed between them, and what was read in between is what was there all the time. Writes are seen by the counters of the shards, which begin
 * anew with the server; what was deleted or dropped by how many values there are. Undefined when that cannot be told.
 * @throws RunError when the server does not answer any more; the signal's reason
 */
export const markOf = async (
  server: InfluxServer,
  database: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  try {
    const life = await lifeOf(server, signal);
    const policies = await listPolicies(server, database, signal);
    const shards = await listShards(server, database, signal);
    const writes = await writesTo(server, database, signal);
    if (life === undefined || shards.some(({ id }) => writes.get(id) === undefined)) return undefined;
    const values = [];
    for (const { name } of policies) values.push(await countsIn(server, countAll(database, name), signal));
    const all = canonicalJson({ life, policies, shards, writes: Object.fromEntries(writes), values });
    return createHash('sha256').update(all).digest('hex');
  } catch (error) {
    if (error instanceof StatementError) return undefined;
    throw error;
  }
};

/** What was written to each shard since the server began, by the number of the shard. */
const writesTo = async (
  server: InfluxServer,
  database: string,
  signal: AbortSignal,
): Promise<Map<string, Record<string, number>>> => {
  const parts = await server.show(`SHOW STATS FOR 'shard'`, signal);
  const own = parts.filter(({ tags }) => tags['database'] === database);
  return new Map(
    own.flatMap((part) => {
      const [row = {}] = rowsOf([part]);
      const found = counters.parse(Object.fromEntries(Object.entries(row).filter(([name]) => written.test(name))));
      return found['writeReq'] === undefined ? [] : [[part.tags['id'] ?? '', found] as const];
    }),
  );
};

/** How many values there are, by measurement and field. */
const countsIn = async (server: InfluxServer, statement: string, signal: AbortSignal): Promise<unknown[]> => {
  const found: unknown[] = [];
  for await (const { name, columns, values } of server.select(statement, signal)) {
    found.push([name, columns, values.map((row) => row.map(String))]);
  }
  return found;
};
