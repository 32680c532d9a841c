import { execa } from 'execa';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DumpSource, Sandbox } from '../../../src/api/v1alpha1/task.ts';
import { git, makeRepository, noise } from '../../agent/support/git-repository.ts';
import { startInfluxdb } from '../../agent/support/influxdb.ts';
import { startMariadb } from '../../agent/support/mariadb.ts';
import { createAccount } from '../data/account.ts';
import { database, fill, shapeFor } from '../data/database.ts';
import type { MakeSecret } from '../data/secrets.ts';
import { memoryOf } from '../operator/process.ts';

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

/** A point takes about so many bytes in a backup: measured, and only the size of the database hangs on it. */
const bytesAPoint = 8;
const pointsAtOnce = 20_000;
const hosts = 50;
const start = Date.UTC(2026, 9, 1) / 1000;

// Values that do not compress well, as those of real machines do not; computed, so that every run has the same.
const lineOf = (index: number): string => {
  const value = (index * 2_654_435_761) % 4_294_967_296;
  return `cpu,host=h${index % hosts} usage=${value / 42_949_672.96},count=${value}i ${(start + Math.floor(index / hosts) * 10) * 1e9 + (index % hosts)}`;
};

const startInflux: StartEngine = async ({ megabytes }) => {
  const source = await startInfluxdb();
  const scratch = await startInfluxdb();
  await source.query('CREATE DATABASE telegraf');
  const points = Math.round((megabytes * 1e6) / bytesAPoint / 2);
  for (let from = 0; from < points; from += pointsAtOnce) {
    const count = Math.min(pointsAtOnce, points - from);
    await source.write(
      'telegraf',
      Array.from({ length: count }, (_, index) => lineOf(from + index)),
    );
  }
  return {
    source: {
      influxdb: {
        host: source.host,
        rpcPort: source.rpcPort,
        httpPort: source.httpPort,
        database: 'telegraf',
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
  const tree = join(path, 'tree');
  await makeRepository(tree, { commits: 50 });
  const files = join(tree, 'files');
  await mkdir(files);
  for (let index = 0; index < megabytes; index += 1)
    await writeFile(join(files, `${index}.bin`), noise(`file ${index}`, 1e6));
  await git(tree, ['add', '--all']);
  await git(tree, ['commit', '--quiet', '--message', 'Files']);
  await execa('git', ['clone', '--quiet', '--mirror', tree, join(path, 'ansible.git')]);
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
