import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { notYetOpen } from '../../../src/agent/engines/influxdb/load.ts';
import { influxdbConfiguration } from '../../../src/agent/engines/influxdb/sandbox-config.ts';
import { makeDirectory } from './directories.ts';
import { influxdbApi, type InfluxdbApi } from './influxdb-api.ts';
import { ensurePrograms } from './packages.ts';
import { freePort } from './ports.ts';

/** An InfluxDB server of a test's own, on loopback, with empty directories. */
export interface InfluxdbServer extends InfluxdbApi {
  readonly host: string;
  readonly httpPort: number;
  readonly rpcPort: number;
  /** Where its data lie; for tests that damage them. */
  readonly directory: string;
  pid(): number;
  /** Restores a portable backup with the stock tool. */
  restore(directory: string, database: string, newName?: string): Promise<void>;
  /** Waits until every shard of a restored database is open: the tool ends a moment before. */
  enabled(database: string): Promise<void>;
  /** Ends the server and starts it again with the same data; `between` runs while it is down. */
  restart(between?: () => Promise<void>): Promise<void>;
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface InfluxdbOptions {
  /** Whether the HTTP API asks for accounts. */
  readonly auth?: boolean;
  /** Further lines of the configuration's section `data`. */
  readonly data?: readonly string[];
  /** `inmem` by default, as the server's own. */
  readonly index?: 'inmem' | 'tsi1';
  /** Whether it is a scratch server, configured as that of a verification. */
  readonly scratch?: boolean;
  /** Where its data lie; a directory of its own by default. */
  readonly root?: string;
}

const configuration = (directory: string, httpPort: number, rpcPort: number, options: InfluxdbOptions): string => `
reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
dir = "${join(directory, 'meta')}"
[data]
dir = "${join(directory, 'data')}"
wal-dir = "${join(directory, 'wal')}"
index-version = "${options.index ?? 'inmem'}"
${(options.data ?? []).join('\n')}
[http]
bind-address = "127.0.0.1:${httpPort}"
auth-enabled = ${options.auth === true}
log-enabled = false
[monitor]
store-enabled = false
[retention]
enabled = false
`;

export const startInfluxdb = async (options: InfluxdbOptions = {}): Promise<InfluxdbServer> => {
  await ensurePrograms();
  const directory =
    options.root === undefined ? await makeDirectory() : { path: options.root, remove: async () => undefined };
  const httpPort = await freePort();
  const rpcPort = await freePort();
  const config = join(directory.path, 'influxdb.conf');
  const log = join(directory.path, 'log');
  await mkdir(join(directory.path, 'tmp'));
  await writeFile(
    config,
    options.scratch === true
      ? influxdbConfiguration(directory.path, { http: httpPort, rpc: rpcPort })
      : configuration(directory.path, httpPort, rpcPort, options),
  );
  const start = async () => {
    const output = openSync(log, 'a');
    const server = spawn('influxd', ['run', '-config', config], {
      stdio: ['ignore', output, output],
      env: { PATH: process.env['PATH'], HOME: directory.path, TMPDIR: join(directory.path, 'tmp') },
    });
    closeSync(output);
    const giveUp = Date.now() + 30_000;
    for (;;) {
      const up = await fetch(`http://127.0.0.1:${httpPort}/ping`).then(
        ({ status }) => status === 204,
        () => false,
      );
      if (up) return server;
      if (server.exitCode !== null || Date.now() > giveUp) {
        server.kill('SIGKILL');
        throw new Error(`influxd does not come up:\n${readFileSync(log, 'utf8')}`);
      }
      await sleep(50);
    }
  };
  let server = await start().catch(async (error: unknown) => {
    await directory.remove();
    throw error;
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  };
  const api = influxdbApi(httpPort);
  const { query } = api;
  const enabled = (database: string): Promise<void> => untilEnabled(() => query(`SHOW MEASUREMENTS ON "${database}"`));
  return {
    ...api,
    host: '127.0.0.1',
    httpPort,
    rpcPort,
    enabled,
    directory: directory.path,
    pid: () => server.pid ?? 0,
    async restore(from, database, newName) {
      await execa('influxd', [
        'restore',
        '-portable',
        '-host',
        `127.0.0.1:${rpcPort}`,
        '-database',
        database,
        ...(newName === undefined ? [] : ['-newdb', newName]),
        from,
      ]);
      await enabled(newName ?? database);
    },
    async restart(between) {
      await end('SIGTERM');
      await between?.();
      server = await start();
    },
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGKILL');
      await directory.remove();
    },
  };
};

const untilEnabled = async (ask: () => Promise<unknown>): Promise<void> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await ask();
      return;
    } catch (error) {
      if (attempt > 100 || !notYetOpen.test(String(error))) throw error;
      await sleep(50);
    }
  }
};

/** Runs a statement that names no database, such as DELETE, in one. */
export const change = async (
  { httpPort }: Pick<InfluxdbServer, 'httpPort'>,
  database: string,
  statement: string,
): Promise<void> => {
  const body = new URLSearchParams({ q: statement, db: database });
  const answer = await (await fetch(`http://127.0.0.1:${httpPort}/query`, { method: 'POST', body })).text();
  if (answer.includes('"error"')) throw new Error(`influxd refused: ${answer}`);
};

/** Removes everything a server holds, but for the server. */
export const dropDatabases = async ({ query }: Pick<InfluxdbServer, 'query'>): Promise<void> => {
  const names = (await query('SHOW DATABASES')).flatMap(({ values = [] }) => values.map(([name]) => String(name)));
  for (const name of names.filter((name) => name !== '_internal')) await query(`DROP DATABASE "${name}"`);
};

/** Names below a server's directory of data: shards as they lie on disk. */
export const shardsOnDisk = async (
  { directory }: Pick<InfluxdbServer, 'directory'>,
  database: string,
): Promise<string[]> => {
  const root = join(directory, 'data', database);
  return (await readdir(root, { recursive: true })).filter((name) => /\/\d+$/.test(name)).toSorted();
};

/** Takes a shard off the disk of a server that is down. */
export const removeShard = async (
  { directory }: Pick<InfluxdbServer, 'directory'>,
  database: string,
  shard: string,
): Promise<void> => {
  for (const part of ['data', 'wal'])
    await rm(join(directory, part, database, shard), { recursive: true, force: true });
};
