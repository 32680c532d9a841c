import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DumpSource } from '../../../src/api/v1alpha1/task.ts';
import { git } from '../../agent/support/git-repository.ts';
import { startInfluxdb } from '../../agent/support/influxdb.ts';
import { startMariadb, type MariadbServer } from '../../agent/support/mariadb.ts';
import { createAccount, createRestorer } from '../data/account.ts';
import { dumpByHand } from '../data/by-hand.ts';
import { database, fill, shapeFor } from '../data/database.ts';
import type { MeasuredCommand } from '../data/measured.ts';
import type { Place } from '../data/place.ts';
import type { MakeSecret } from '../data/secrets.ts';
import { fillInfluxdb, fillRepository, influxDatabase } from '../verify/sources.ts';

/** A command that is used by hand, with what it needs of its environment. */
export interface HandCommand {
  readonly command: MeasuredCommand['command'];
  readonly environment?: Readonly<Record<string, string>>;
}

/** One engine with a source that is filled, which is backed up, damaged and restored in place. */
export interface RestoreStage {
  readonly databases: number;
  readonly source: DumpSource;
  /** The same, with the account that restores. */
  readonly target: DumpSource;
  /** Where the server keeps its data. */
  readonly serverDirectory: string;
  /** Dumps into a directory as it is done by hand. */
  dumpByHand(directory: string): Promise<void>;
  /** What loads such a dump, one command after another. */
  loadByHand(directory: string): readonly HandCommand[];
  /** Loses or changes something. */
  damage(): Promise<void>;
  /** What is there, for two of them to be compared. */
  content(): Promise<string>;
  /** Waits until the server has nothing left to do. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

export interface StageOptions {
  readonly place: Place;
  readonly megabytes: number;
  /** Of engines whose policies hold several. */
  readonly databases: number;
  readonly secret: MakeSecret;
  /** A directory of its own. */
  readonly path: string;
}

/** Starts a source with about so many megabytes of dump. */
export type StartStage = (options: StageOptions) => Promise<RestoreStage>;

// Pages that one way left to be written are not the other's to wait for.
const flushed = async ({ admin }: MariadbServer): Promise<void> =>
  admin(async (connection) => {
    await connection.query('SET GLOBAL innodb_max_dirty_pages_pct = 0');
    for (let left = 600; left > 0; left -= 1) {
      const [row]: { Value: string }[] = await connection.query(
        `SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'`,
      );
      if (Number(row?.Value) < 10) break;
      await sleep(200);
    }
    await connection.query('SET GLOBAL innodb_max_dirty_pages_pct = DEFAULT');
  });

const startMysql: StartStage = async ({ place, megabytes, databases: count, secret, path }) => {
  const server = await startMariadb(['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=256M']);
  const databases = Array.from({ length: count }, (_, index) => (index === 0 ? database : `${database}_${index}`));
  for (const name of databases) await fill(server, shapeFor(megabytes / count), name);
  const block = async (name: string, keys: Readonly<Record<string, string>>): Promise<DumpSource> => ({
    mysql: {
      host: server.host,
      port: server.port,
      databases,
      credentials: await secret(name, keys),
      credentialsSecret: name,
    },
  });
  return {
    databases: count,
    source: await block('account', await createAccount(server, databases)),
    target: await block('restorer', await createRestorer(server, databases)),
    serverDirectory: join(server.socket, '..', 'data'),
    async dumpByHand(directory) {
      for (const name of databases)
        await dumpByHand(place, server, { home: join(path, 'd'), name, output: join(directory, `${name}.sql`) });
    },
    loadByHand: (directory) =>
      databases.map((name) => ({
        command: [
          'bash',
          '-c',
          'exec mariadb --no-defaults --socket="$1" --user=root "$2" < "$3"',
          'bash',
          server.socket,
          name,
          join(directory, `${name}.sql`),
        ],
      })),
    damage: () =>
      server.admin(async (connection) => {
        for (const name of databases) await connection.query(`DROP TABLE ${name}.orders`);
      }),
    content: () =>
      server.admin(async (connection) => {
        const tables = databases.flatMap((name) => [`${name}.customers`, `${name}.orders`]);
        const rows: unknown = await connection.query(`CHECKSUM TABLE ${tables.join(', ')}`);
        return JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
      }),
    settle: () => flushed(server),
    stop: server.stop,
  };
};

const startInflux: StartStage = async ({ place, megabytes, path }) => {
  const server = await startInfluxdb();
  await fillInfluxdb(server, megabytes);
  const { host, httpPort, rpcPort } = server;
  const block: DumpSource = { influxdb: { host, httpPort, rpcPort, database: influxDatabase } };
  return {
    databases: 1,
    source: block,
    target: block,
    serverDirectory: server.directory,
    async dumpByHand(directory) {
      const at = ['-host', `${host}:${rpcPort}`, '-database', influxDatabase];
      await place.run(join(path, 'd'), ['influxd', 'backup', '-portable', ...at, directory]);
    },
    loadByHand: (directory) => [
      {
        command: [
          'curl',
          '--silent',
          '--fail',
          '--data-urlencode',
          `q=DROP DATABASE ${influxDatabase}`,
          `http://${host}:${httpPort}/query`,
        ],
      },
      {
        command: [
          'influxd',
          'restore',
          '-portable',
          '-host',
          `${host}:${rpcPort}`,
          '-database',
          influxDatabase,
          directory,
        ],
      },
    ],
    damage: () => server.write(influxDatabase, ['cpu,host=h0 usage=17,count=17i 1790812800000000000']),
    async content() {
      await server.enabled(influxDatabase);
      return server.text(`SELECT COUNT(*), SUM(*) FROM ${influxDatabase}.autogen.cpu`);
    },
    settle: () => sleep(2000),
    stop: server.stop,
  };
};

const startGit: StartStage = async ({ place, megabytes, secret, path }) => {
  const served = place.onHost('ansible.git');
  await fillRepository(path, served, megabytes);
  const url = `ssh://${place.user}@${place.host}:${place.port}${served}`;
  const block: DumpSource = {
    git: {
      url,
      access: {
        by: 'ssh',
        knownHosts: place.knownHosts,
        key: { directory: await secret('git', { 'ssh-privatekey': place.privateKey }), secret: 'git' },
      },
    },
  };
  return {
    databases: 1,
    source: block,
    target: block,
    serverDirectory: served,
    async dumpByHand(directory) {
      await git(served, ['bundle', 'create', '--quiet', join(directory, 'repository.bundle'), '--all']);
    },
    loadByHand(directory) {
      const clone = join(directory, 'repository.git');
      return [
        { command: ['git', 'clone', '--quiet', '--mirror', join(directory, 'repository.bundle'), clone] },
        {
          command: ['git', '-C', clone, 'push', '--quiet', '--mirror', url],
          environment: { GIT_SSH_COMMAND: `ssh ${place.sshOptions}` },
        },
      ];
    },
    async damage() {
      await git(served, ['update-ref', 'refs/heads/main', 'refs/heads/main~1']);
      await git(served, ['update-ref', '-d', 'refs/tags/v1']);
      // What nothing leads to any more would not have to be sent again.
      await git(served, ['-c', 'gc.reflogExpire=now', 'gc', '--quiet', '--prune=now']);
    },
    async content() {
      const refs = await git(served, ['for-each-ref', '--format=%(refname) %(objectname)']);
      return refs
        .split('\n')
        .filter((line) => !line.startsWith('refs/holdfast/'))
        .join('\n');
    },
    settle: async () => {},
    stop: async () => {},
  };
};

/** One line an engine. */
export const stages: Readonly<Record<string, StartStage>> = {
  mysql: startMysql,
  influxdb: startInflux,
  git: startGit,
};
