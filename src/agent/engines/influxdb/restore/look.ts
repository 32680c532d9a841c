import type { InfluxdbTask } from '../../../../api/v1alpha1/sources/influxdb.ts';
import { RunError } from '../../../../errors/run-error.ts';
import type { Found, RestoreContext } from '../../../restore/engine.ts';
import { plainText, shorten } from '../../../text.ts';
import { readFacts } from '../../../verify/read-facts.ts';
import { heldShards, reachBackupService, serviceOf } from '../backup-service.ts';
import { holdingOf, influxdbFacts, type InfluxdbFacts, type Survey } from '../facts.ts';
import { listDatabases } from '../load.ts';
import { serverName, type InfluxServer } from '../server.ts';
import { settledBefore } from '../settled.ts';
import { listShards } from '../listing.ts';
import { surveyInTime } from '../survey-in-time.ts';
import { lostShards, pointsLeft } from './expiry.ts';

/** What a container's result has room for. */
const maxNames = 5;
const maxName = 80;

/** Asks both doors of the server; of the account, whether it is an administrator's, which all that a restore does needs. */
const reach = async (
  server: InfluxServer,
  target: InfluxdbTask,
  signal: AbortSignal,
): Promise<{ readonly version: string; readonly databases: readonly string[] }> => {
  const { database } = target;
  const version = await server.version(signal);
  await listShards(server, database, signal);
  const databases = await listDatabases(server, signal);
  const service = { ...serviceOf(target), database };
  if (databases.includes(database)) await heldShards(service, signal);
  else await reachBackupService(service, signal);
  return { version, databases };
};

/** Looks at a database in the place of which a backup is to come. */
export const lookInPlace = async (
  context: RestoreContext,
  server: InfluxServer,
  target: InfluxdbTask,
  newest: string | undefined,
): Promise<Found> => {
  const { signal } = context;
  const { version, databases } = await reach(server, target, signal);
  const facts = newest === undefined ? undefined : await readFacts(influxdbFacts, newest);
  const present = databases.includes(target.database);
  const found = present ? await countedNow(context, server, target.database) : nothing;
  const lost = facts === undefined || found === undefined ? [] : lostSince(facts, found, context.now());
  const expectedRows = facts && pointsLeft(facts, context.now());
  return {
    server: serverName(version),
    present,
    objects: found === undefined ? 0 : (holdingOf(found).holding ?? []).length,
    ...(found !== undefined && rowsOf(found)),
    missing: lost.slice(0, maxNames).map((name) => shorten(plainText(name), maxName)),
    missingCount: lost.length,
    ...(expectedRows !== undefined && { expectedRows }),
  };
};

const nothing: Survey = { retentionPolicies: [], fields: [], shards: [] };

const rowsOf = (found: Survey): { readonly rows?: number } => {
  const { rows } = holdingOf(found);
  return rows === undefined ? {} : { rows };
};

/** What a backup holds and the database does not: measurements, then points by the time of their shards. */
const lostSince = (facts: InfluxdbFacts, found: Survey, now: Date): string[] => {
  const there = new Set(holdingOf(found).holding ?? []);
  const gone = (holdingOf(facts).holding ?? []).filter((name) => !there.has(name));
  return [...gone.map((name) => `measurement ${name}`), ...lostShards(facts, found, now)];
};

/** A database that cannot be counted has no number. */
const countedNow = async (
  context: RestoreContext,
  server: InfluxServer,
  database: string,
): Promise<Survey | undefined> => {
  const found = await surveyInTime(context, server, { database, settled: settledBefore(context.now()), atATime: 1 });
  if (!('unknown' in found)) return found;
  context.log.warn('the database could not be counted', { database, why: found.unknown });
  return undefined;
};

/** Makes sure that a name is free, for what is loaded under it to stay. @throws RunError DestinationNotEmpty */
export const lookForRoom = async (
  context: RestoreContext,
  server: InfluxServer,
  target: InfluxdbTask,
  name: string,
): Promise<Found> => {
  const { version, databases } = await reach(server, target, context.signal);
  if (databases.includes(name)) throw occupied(name);
  return { server: serverName(version), present: false, objects: 0, missing: [], missingCount: 0 };
};

export const occupied = (name: string): RunError =>
  new RunError('DestinationNotEmpty', `The server has a database "${name}".`);
