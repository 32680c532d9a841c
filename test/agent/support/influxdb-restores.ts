import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { outcomeOf } from './agent.ts';
import { makeDirectory } from './directories.ts';
import { makeRestoreBench, type RestoreBench, type RestoreOptions } from './engine-restore-bench.ts';
import { dropDatabases, startInfluxdb, type InfluxdbServer } from './influxdb.ts';
import { benchDatabase, makeInfluxdbBench } from './influxdb-bench.ts';
import { everythingIn } from './sample-influxdb.ts';
import { there } from '../../support/there.ts';

/** A server with a backup of its database, and restores of that. Each test begins with an empty server, and has a bench of its own. */
export interface InfluxdbRestores {
  readonly server: InfluxdbServer;
  /** The backup as it was dumped, and as a set that was fetched. */
  readonly backup: string;
  readonly directory: string;
  /** All that the database held when it was backed up. */
  readonly expected: Record<string, string>;
  readonly bench: RestoreBench;
  readonly target: Extract<RestoreOptions['target'], { influxdb: unknown }>;
}

interface Shared {
  readonly server: InfluxdbServer;
  readonly place: Awaited<ReturnType<typeof makeDirectory>>;
  readonly expected: Record<string, string>;
}

const backupIn = (place: string): string => join(place, 'backup');

const start = async (fill: (server: InfluxdbServer) => Promise<void>): Promise<Shared> => {
  const server = await startInfluxdb();
  const place = await makeDirectory();
  await fill(server);
  const dumps = await makeInfluxdbBench(server);
  const end = await dumps.dump();
  if (outcomeOf(end) !== 'Succeeded') throw new Error(end.log);
  await cp(await dumps.newest(), backupIn(place.path), { recursive: true });
  await dumps.remove();
  return { server, place, expected: await everythingIn(server, benchDatabase) };
};

/** One server and one backup of what `fill` puts into it, for all tests where it is called. */
export const influxdbRestoresForEach = (fill: (server: InfluxdbServer) => Promise<void>): InfluxdbRestores => {
  let shared: Shared | undefined;
  let bench: RestoreBench | undefined;
  let directory: string | undefined;
  const self: InfluxdbRestores = {
    get server() {
      return there(shared).server;
    },
    get backup() {
      return backupIn(there(shared).place.path);
    },
    get directory() {
      return there(directory);
    },
    get expected() {
      return there(shared).expected;
    },
    get bench() {
      return there(bench);
    },
    get target() {
      const { host, httpPort, rpcPort } = self.server;
      return { influxdb: { host, httpPort, rpcPort, database: benchDatabase } };
    },
  };
  beforeAll(async () => {
    shared = await start(fill);
  }, 240_000);
  afterAll(async () => {
    await shared?.server.stop();
    await shared?.place.remove();
  });
  beforeEach(async () => {
    bench = await makeRestoreBench();
    directory = await bench.lay(self.backup);
    await dropDatabases(self.server);
  }, 60_000);
  afterEach(() => bench?.remove());
  return self;
};
