import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { RunError } from '../../../errors/run-error.ts';
import type { RunContext } from '../../run.ts';
import { heldShards } from './backup-service.ts';
import { checkBackup } from './check-backup.ts';
import { runRestore } from './run-restore.ts';
import { rowsOf, StatementError, type InfluxServer } from './server.ts';
import { identifier } from './statements.ts';

export interface LoadOptions {
  readonly host: string;
  /** Port of the backup service. */
  readonly rpcPort: number;
  /** Where the backup lies. */
  readonly directory: string;
  /** The database as the backup names it; the server must not have it, or not `newName`. */
  readonly database: string;
  /** Its new name, when it is loaded under another. */
  readonly newName?: string | undefined;
}

const pauseMs = 200;

/** How the server calls a shard that it is still taking in. */
export const notYetOpen = /shard is disabled|engine is closed/;

/**
 * Loads a portable backup with `influxd restore`, and waits until the server has opened what it was sent. What it then holds is to be compared:
 * a load that ended well proves little.
 * @throws RunError BackupNotLoadable, SandboxUnavailable, SandboxTooSmall; StatementError
 */
export const loadBackup = async (
  context: Pick<RunContext, 'task' | 'signal' | 'log'>,
  server: InfluxServer,
  { host, rpcPort, directory, database, newName }: LoadOptions,
): Promise<void> => {
  const { signal } = context;
  const shards = await checkBackup(directory, database, signal);
  const { made } = await runRestore(context, { host, port: rpcPort, directory, database, newName });
  const loaded = newName ?? database;
  if (!made && shards > 0) {
    throw new RunError('BackupNotLoadable', `influxd restore made no database "${loaded}" out of ${shards} shards.`);
  }
  if (!(await listDatabases(server, signal)).includes(loaded)) {
    throw new RunError(
      'BackupNotLoadable',
      `influxd restore ended well, but there is no database "${loaded}" on the server.`,
    );
  }
  // Through the same door as the shards, and after them: by its answer the server has taken each of their connections.
  await heldShards({ host, port: rpcPort, database: loaded }, signal);
  await opened(server, loaded, signal);
};

/** SHOW MEASUREMENTS asks every shard, and fails for one that is not open; SHOW SERIES and SHOW FIELD KEYS pass it over. */
const opened = async (server: InfluxServer, database: string, signal: AbortSignal): Promise<void> => {
  for (;;) {
    try {
      await server.show(`SHOW MEASUREMENTS ON ${identifier(database)}`, signal);
      return;
    } catch (error) {
      if (!(error instanceof StatementError) || !notYetOpen.test(error.message)) throw error;
      await sleep(pauseMs, undefined, { signal });
    }
  }
};

const databaseRow = z.object({ name: z.string() });

/** The databases of a server, but for its own. */
export const listDatabases = async (server: InfluxServer, signal: AbortSignal): Promise<string[]> =>
  z
    .array(databaseRow)
    .parse(rowsOf(await server.show('SHOW DATABASES', signal)))
    .map(({ name }) => name)
    .filter((name) => name !== '_internal');
