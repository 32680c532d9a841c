import type { InfluxdbTask } from '../../../../api/v1alpha1/sources/influxdb.ts';
import { RunError } from '../../../../errors/run-error.ts';
import type { RunContext } from '../../../run.ts';
import type { InfluxdbFacts } from '../facts.ts';
import { listDatabases, loadBackup } from '../load.ts';
import type { InfluxServer } from '../server.ts';
import { identifier } from '../statements.ts';
import { tryAgain } from '../try-again.ts';

/** Before what is tried again: who writes to the database may have made it anew between the drop and the restore. */
const waitsMs = [200, 500, 1000, 2000, 4000];

type Context = Pick<RunContext, 'task' | 'signal' | 'log'>;

/** Drops a database, which need not be there. A large one takes its time. */
export const dropDatabase = async (server: InfluxServer, database: string, signal: AbortSignal): Promise<void> => {
  const answer = server.select(`DROP DATABASE ${identifier(database)}`, signal);
  while ((await answer.next()).done !== true);
  if (!(await listDatabases(server, signal)).includes(database)) return;
  throw new RunError('ExchangeFailed', `The database "${database}" is there again just after it was dropped.`);
};

/** Drops the database of a task and loads a backup of it under its name: as often as it takes, within bounds. */
export const replaceDatabase = async (
  context: Context,
  server: InfluxServer,
  { host, rpcPort, database }: InfluxdbTask,
  { directory, facts }: { readonly directory: string; readonly facts: InfluxdbFacts },
): Promise<void> => {
  const { signal } = context;
  await tryAgain(
    context,
    { waitsMs, words: `the database ${database} could not be replaced: it is tried again` },
    async () => {
      await dropDatabase(server, database, signal);
      const newName = facts.database === database ? undefined : database;
      await loadBackup(context, server, { host, rpcPort, directory, database: facts.database, newName });
    },
  );
};
