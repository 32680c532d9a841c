import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { createConnection, type Connection } from 'mariadb';
import { makeDirectory } from './directories.ts';
import { ensurePrograms } from './packages.ts';
import { freePort } from './ports.ts';
import { sampleSql, type SampleOptions } from './sample-database.ts';

/** A MariaDB server of a test's own, on loopback, with an empty data directory. */
export interface MariadbServer {
  readonly host: string;
  readonly port: number;
  readonly socket: string;
  readonly pid: number;
  /** Runs statements as the server's administrator. */
  admin<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** Makes the sample database and its account. */
  prepare(options: SampleOptions): Promise<void>;
  /** Loads a dump as a restore does. */
  load(dump: string): Promise<void>;
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const serverArguments = (directory: string, port: number): string[] => [
  '--no-defaults',
  '--user=root',
  `--datadir=${join(directory, 'data')}`,
  `--socket=${join(directory, 's')}`,
  `--pid-file=${join(directory, 'pid')}`,
  `--port=${port}`,
  '--bind-address=127.0.0.1',
  '--skip-name-resolve',
  '--skip-log-bin',
  '--innodb-buffer-pool-size=32M',
  '--innodb-log-file-size=16M',
  '--innodb-flush-log-at-trx-commit=0',
  '--max-allowed-packet=64M',
  '--character-set-server=utf8mb4',
];

const loadArguments = [
  '--no-defaults',
  '--user=root',
  '--comments',
  '--binary-mode',
  '--skip-print-query-on-error',
  '--init-command=SET SESSION check_constraint_checks=0, innodb_strict_mode=0',
];

/**
 * @param extra further options of mariadbd
 * @param below where its directory is made
 */
export const startMariadb = async (extra: readonly string[] = [], below?: string): Promise<MariadbServer> => {
  await ensurePrograms();
  const directory = await makeDirectory(below);
  await mkdir(join(directory.path, 'data'));
  await mkdir(join(directory.path, 'tmp'));
  // A starting server clears the temporary tables in its directory, those of others too: each server has a directory of its own.
  const env = { TMPDIR: join(directory.path, 'tmp') };
  await execa(
    'mariadb-install-db',
    [
      '--no-defaults',
      '--user=root',
      `--datadir=${join(directory.path, 'data')}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
    ],
    { env },
  );
  const port = await freePort();
  const log = join(directory.path, 'log');
  const output = openSync(log, 'w');
  const server = spawn('mariadbd', [...serverArguments(directory.path, port), ...extra], {
    stdio: ['ignore', output, output],
    env: { ...process.env, ...env },
  });
  // Ours would keep its disk busy.
  closeSync(output);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  };
  const socket = join(directory.path, 's');
  const admin = async <T>(work: (connection: Connection) => Promise<T>): Promise<T> => {
    const connection = await createConnection({ socketPath: socket, user: 'root', multipleStatements: true });
    try {
      return await work(connection);
    } finally {
      await connection.end();
    }
  };
  try {
    await waitUntilUp(server, () => admin((connection) => connection.query('SELECT 1')), log);
  } catch (error) {
    await end('SIGKILL');
    await directory.remove();
    throw error;
  }
  return {
    host: '127.0.0.1',
    port,
    socket,
    pid: server.pid ?? 0,
    admin,
    prepare: (options) => admin(async (connection) => void (await connection.query(sampleSql(options)))),
    async load(dump) {
      await execa('mariadb', [...loadArguments, `--socket=${socket}`], { inputFile: dump });
    },
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGKILL');
      await directory.remove();
    },
  };
};

const waitUntilUp = async (server: ChildProcess, probe: () => Promise<unknown>, log: string): Promise<void> => {
  const giveUp = Date.now() + 30_000;
  for (;;) {
    try {
      await probe();
      return;
    } catch (error) {
      if (server.exitCode !== null || Date.now() > giveUp) {
        throw new Error(`mariadbd does not come up:\n${readFileSync(log, 'utf8')}`, { cause: error });
      }
      await sleep(100);
    }
  }
};
