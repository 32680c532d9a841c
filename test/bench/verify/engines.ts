import { join } from 'node:path';
import type { DumpSource, Sandbox } from '../../../src/api/v1alpha1/task.ts';
import { startInfluxdb } from '../../agent/support/influxdb.ts';
import { startMariadb } from '../../agent/support/mariadb.ts';
import { createAccount } from '../data/account.ts';
import { database, fill, shapeFor } from '../data/database.ts';
import type { MakeSecret } from '../data/secrets.ts';
import { memoryOf } from '../operator/process.ts';
import { fillInfluxdb, fillRepository, influxDatabase } from './sources.ts';

/** One engine with a source that is filled, and an empty scratch server. */
export interface EngineStage {
  readonly source: DumpSource;
  readonly sandbox: Sandbox;
  /** Where the scratch server keeps its data, when there is one. */
  readonly serverDirectory: string | undefined;
  serverPeakRssMiB(): Promise<number>;
  stop(): Promise<void>;
}

export interface EngineOptions {
  readonly megabytes: number;
  readonly secret: MakeSecret;
  /** A directory of its own. */
  readonly path: string;
}

/** Starts a source with about so many megabytes of dump, and a scratch server. */
export type StartEngine = (options: EngineOptions) => Promise<EngineStage>;

const startMysql: StartEngine = async ({ megabytes, secret }) => {
  const large = ['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=256M'];
  const source = await startMariadb(large);
  const scratch = await startMariadb(large);
  await fill(source, shapeFor(megabytes));
  const account = await createAccount(source);
  return {
    source: {
      mysql: {
        host: source.host,
        port: source.port,
        databases: [database],
        credentials: await secret('account', account),
        credentialsSecret: 'account',
      },
    },
    sandbox: { mysql: { socket: scratch.socket } },
    serverDirectory: join(scratch.socket, '..', 'data'),
    serverPeakRssMiB: async () => (await memoryOf(scratch.pid)).peakRssMiB,
    async stop() {
      await source.stop();
      await scratch.stop();
    },
  };
};

const startInflux: StartEngine = async ({ megabytes }) => {
  const source = await startInfluxdb();
  const scratch = await startInfluxdb();
  await fillInfluxdb(source, megabytes);
  return {
    source: {
      influxdb: {
        host: source.host,
        rpcPort: source.rpcPort,
        httpPort: source.httpPort,
        database: influxDatabase,
      },
    },
    sandbox: { influxdb: { httpPort: scratch.httpPort, rpcPort: scratch.rpcPort } },
    serverDirectory: scratch.directory,
    serverPeakRssMiB: async () => (await memoryOf(scratch.pid())).peakRssMiB,
    async stop() {
      await source.stop();
      await scratch.stop();
    },
  };
};

const startGit: StartEngine = async ({ megabytes, path }) => {
  await fillRepository(path, join(path, 'ansible.git'), megabytes);
  return {
    source: { git: { url: '/ansible.git', access: { by: 'path', root: path } } },
    sandbox: { git: {} },
    serverDirectory: undefined,
    serverPeakRssMiB: async () => 0,
    stop: async () => {},
  };
};

/** One line an engine. */
export const engines: Readonly<Record<string, StartEngine>> = {
  mysql: startMysql,
  influxdb: startInflux,
  git: startGit,
};
