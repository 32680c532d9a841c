import { z } from 'zod';
import type { InfluxdbTask } from '../../../api/v1alpha1/sources/influxdb.ts';
import { RunError } from '../../../errors/run-error.ts';
import { heldShards, type HeldShard } from './backup-service.ts';
import { listNotCovered } from './not-covered.ts';
import { rowsOf, StatementError, type InfluxServer } from './server.ts';
import { listShards } from './listing.ts';

/** What is known about the server once everything needed is there. */
export interface Preflight {
  readonly version: string;
  /** The shards that the backup service has. */
  readonly held: readonly HeldShard[];
  readonly notCovered: readonly string[];
}

/**
 * Checks within seconds what `influxd backup` would find out after minutes, or not at all.
 * @throws RunError SourceUnreachable, AccessDenied, DatabaseNotFound, PrivilegeMissing
 */
export const preflight = async (
  server: InfluxServer,
  source: InfluxdbTask,
  signal: AbortSignal,
): Promise<Preflight> => {
  const { host, rpcPort, httpPort, database } = source;
  try {
    const version = await server.version(signal);
    await findDatabase(server, source, signal);
    const listed = new Set((await listShards(server, database, signal)).map(({ id }) => id));
    const notCovered = await listNotCovered(server, database, signal);
    const held = await heldShards({ host, port: rpcPort, database }, signal);
    const foreign = held.find(({ id }) => !listed.has(id));
    if (foreign !== undefined && !(await isListed(server, database, foreign, signal))) {
      throw new RunError(
        'SourceUnreachable',
        `The backup service at ${host}:${rpcPort} has shard ${foreign.id} of "${database}", which the HTTP API at port ${httpPort} does not know: they belong to different servers.`,
      );
    }
    return { version, held, notCovered };
  } catch (error) {
    if (!(error instanceof StatementError)) throw error;
    throw new RunError('DumpFailed', `The server ${host}:${httpPort} did not answer a question: ${error.message}.`, {
      cause: error,
    });
  }
};

const databaseRow = z.object({ name: z.string() });

const findDatabase = async (
  server: InfluxServer,
  { database, credentials }: InfluxdbTask,
  signal: AbortSignal,
): Promise<void> => {
  const rows = z.array(databaseRow).parse(rowsOf(await server.show('SHOW DATABASES', signal)));
  if (rows.some(({ name }) => name === database)) return;
  const hidden = credentials === undefined ? '' : ', or its account may not see it';
  throw new RunError('DatabaseNotFound', `There is no database "${database}" on the server${hidden}.`);
};

// A shard may have been made between the two questions.
const isListed = async (
  server: InfluxServer,
  database: string,
  { id }: HeldShard,
  signal: AbortSignal,
): Promise<boolean> => (await listShards(server, database, signal)).some((shard) => shard.id === id);
