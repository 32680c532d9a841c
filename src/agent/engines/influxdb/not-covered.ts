import { z } from 'zod';
import { rowsOf, type InfluxServer } from './server.ts';
import { identifier } from './statements.ts';

const queryRow = z.object({ name: z.string() });
const userRow = z.object({ user: z.string(), admin: z.boolean() });
const grantRow = z.object({ database: z.string() });

/** What the server keeps for a database and its backup does not bring back, as sentences for status; nothing of what is not there. */
export const listNotCovered = async (
  server: InfluxServer,
  database: string,
  signal: AbortSignal,
): Promise<string[]> => {
  const queries = await continuousQueries(server, database, signal);
  const users = await usersOf(server, database, signal);
  return [
    ...(queries.length === 0 ? [] : [`Continuous queries are not restored: ${queries.join(', ')}`]),
    ...(users.length === 0 ? [] : [`Users and grants are not restored: ${users.join(', ')}`]),
  ];
};

const continuousQueries = async (server: InfluxServer, database: string, signal: AbortSignal): Promise<string[]> => {
  // Those of all databases, a series each.
  const parts = await server.show('SHOW CONTINUOUS QUERIES', signal);
  const own = rowsOf(parts.filter(({ name }) => name === database));
  return z
    .array(queryRow)
    .parse(own)
    .map(({ name }) => name)
    .toSorted();
};

const usersOf = async (server: InfluxServer, database: string, signal: AbortSignal): Promise<string[]> => {
  const users = z.array(userRow).parse(rowsOf(await server.show('SHOW USERS', signal)));
  const found: string[] = [];
  for (const { user, admin } of users) {
    if (admin || (await hasGrant(server, user, database, signal))) found.push(user);
  }
  return found.toSorted();
};

const hasGrant = async (
  server: InfluxServer,
  user: string,
  database: string,
  signal: AbortSignal,
): Promise<boolean> => {
  const rows = rowsOf(await server.show(`SHOW GRANTS FOR ${identifier(user)}`, signal));
  return z
    .array(grantRow)
    .parse(rows)
    .some((grant) => grant.database === database);
};
