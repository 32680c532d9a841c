import { z } from 'zod';
import type { RunContext } from '../../../run.ts';
import { rowsOf, StatementError, type InfluxServer } from '../server.ts';
import { identifier } from '../statements.ts';

/**
 * What a server keeps for a database and no backup has: DROP DATABASE takes it away, so it is read before and made again after. Users belong
 * to the server and stay.
 */

const continuousQuery = z.object({ name: z.string(), query: z.string().regex(/^CREATE CONTINUOUS QUERY /) });
const privilege = z.enum(['READ', 'WRITE', 'ALL PRIVILEGES']);
const subscription = z.object({ policy: z.string(), name: z.string(), destinations: z.string() });

export const databaseExtras = z.object({
  continuousQueries: z.array(continuousQuery),
  grants: z.array(z.object({ user: z.string(), privilege })),
  subscriptions: z.array(subscription).describe('They come with a backup, as they were then.'),
});
export type DatabaseExtras = z.output<typeof databaseExtras>;

export const noExtras: DatabaseExtras = { continuousQueries: [], grants: [], subscriptions: [] };

const grantRow = z.object({ database: z.string(), privilege: z.string() });
const userRow = z.object({ user: z.string(), admin: z.boolean() });
const subscriptionRow = z
  .object({ retention_policy: z.string(), name: z.string(), mode: z.string(), destinations: z.array(z.string()) })
  .transform(({ retention_policy: policy, name, mode, destinations }) => ({
    policy,
    name,
    destinations: `${mode} ${destinations.join(', ')}`,
  }));

export const readExtras = async (
  server: InfluxServer,
  database: string,
  signal: AbortSignal,
): Promise<DatabaseExtras> => ({
  continuousQueries: await ofDatabase(server, 'SHOW CONTINUOUS QUERIES', database, continuousQuery, signal),
  grants: await grantsOn(server, database, signal),
  subscriptions: await ofDatabase(server, 'SHOW SUBSCRIPTIONS', database, subscriptionRow, signal),
});

// Both tell of all databases, a series each.
const ofDatabase = async <T>(
  server: InfluxServer,
  statement: string,
  database: string,
  row: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T[]> => {
  const parts = await server.show(statement, signal);
  return z.array(row).parse(rowsOf(parts.filter(({ name }) => name === database)));
};

const grantsOn = async (
  server: InfluxServer,
  database: string,
  signal: AbortSignal,
): Promise<DatabaseExtras['grants']> => {
  const users = z.array(userRow).parse(rowsOf(await server.show('SHOW USERS', signal)));
  const grants: DatabaseExtras['grants'] = [];
  for (const { user } of users.filter(({ admin }) => !admin)) {
    const rows = rowsOf(await server.show(`SHOW GRANTS FOR ${identifier(user)}`, signal));
    for (const grant of z.array(grantRow).parse(rows)) {
      const known = privilege.safeParse(grant.privilege);
      if (grant.database === database && known.success) grants.push({ user, privilege: known.data });
    }
  }
  return grants;
};

/** Makes queries and grants again, which may be there already. Gives what the server refused, in words. */
export const recreateExtras = async (
  { signal }: Pick<RunContext, 'signal'>,
  server: InfluxServer,
  database: string,
  { continuousQueries, grants }: DatabaseExtras,
): Promise<string[]> => {
  const statements = [
    ...continuousQueries.map(({ name, query }) => ({ what: `continuous query ${name}`, statement: query })),
    ...grants.map(({ user, privilege: right }) => ({
      what: `grant of ${right} to ${user}`,
      statement: `GRANT ${right === 'ALL PRIVILEGES' ? 'ALL' : right} ON ${identifier(database)} TO ${identifier(user)}`,
    })),
  ];
  const refused: string[] = [];
  for (const { what, statement } of statements) {
    try {
      await server.show(statement, signal);
    } catch (error) {
      if (!(error instanceof StatementError)) throw error;
      refused.push(`the ${what} could not be made again (${error.message})`);
    }
  }
  return refused;
};

const subscriptionKey = ({ policy, name, destinations }: DatabaseExtras['subscriptions'][number]): string =>
  `${policy}.${name} to ${destinations}`;

/** How the subscriptions after a restore differ from those before, in words. Pure. */
export const subscriptionWords = (
  before: Pick<DatabaseExtras, 'subscriptions'>,
  after: Pick<DatabaseExtras, 'subscriptions'>,
): string[] => {
  const [had, has] = [before, after].map(({ subscriptions }) => subscriptions.map(subscriptionKey));
  const gone = (had ?? []).filter((key) => !has?.includes(key));
  const come = (has ?? []).filter((key) => !had?.includes(key));
  return [
    ...(gone.length === 0 ? [] : [`the backup does not have the subscription ${gone.join('; ')}`]),
    ...(come.length === 0 ? [] : [`the backup has a subscription, which sends from now on: ${come.join('; ')}`]),
  ];
};
