import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { makeDirectory } from './directories.ts';
import { ensurePrograms } from './packages.ts';
import { freePort } from './ports.ts';

/** A key pair of OpenSSH. */
export interface KeyPair {
  /** The private key as a file's text. */
  readonly privateKey: string;
  readonly publicKey: string;
}

/** A backup host of a test's own: a real sshd on loopback, which takes one key. */
export interface BackupHost {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** What may be written to: the parent of repositories. */
  readonly directory: string;
  readonly key: KeyPair;
  /** A line of known_hosts for a port that leads to this host. */
  knownHosts(port?: number): string;
  /** The file of the keys that it lets in. */
  readonly authorizedKeys: string;
  /** Lets a further key in; `command` is forced on it. */
  authorize(publicKey: string, command?: string): Promise<void>;
  /** What sshd wrote to its log. */
  log(): string;
  stop(): Promise<void>;
}

export const makeKeyPair = async (directory: string, name: string, type = 'ed25519'): Promise<KeyPair> => {
  const file = join(directory, name);
  await execa('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', name, '-f', file]);
  return { privateKey: await readFile(file, 'utf8'), publicKey: (await readFile(`${file}.pub`, 'utf8')).trim() };
};

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Starts a backup host. It needs root, since sshd changes users. */
export const startBackupHost = async (): Promise<BackupHost> => {
  await ensurePrograms();
  if (process.getuid?.() !== 0) throw new Error('this test needs to run as root: it starts an sshd');
  const made = await makeDirectory();
  const directory = join(made.path, 'srv');
  const authorized = join(made.path, 'authorized_keys');
  await mkdir(directory);
  await chmod(made.path, 0o755);
  // The directory that sshd changes its root to before authentication; Debian's service makes it.
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const hostKey = await makeKeyPair(made.path, 'host');
  const key = await makeKeyPair(made.path, 'client');
  await writeFile(authorized, `${key.publicKey}\n`, { mode: 0o600 });
  const port = await freePort();
  const config = join(made.path, 'sshd_config');
  // By SHLVL bash takes itself for a shell in a shell: it reads no ~/.bashrc of whoever runs the tests, which may take a second.
  await writeFile(
    config,
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${join(made.path, 'host')}
AuthorizedKeysFile ${authorized}
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PidFile none
MaxStartups 100
SetEnv SHLVL=1
`,
  );
  const logFile = join(made.path, 'sshd.log');
  const output = openSync(logFile, 'w');
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', config], { stdio: ['ignore', output, output] });
  const exited = once(server, 'exit');
  for (let attempt = 0; !(await listens(port)); attempt += 1) {
    if (server.exitCode !== null || attempt > 200)
      throw new Error(`sshd did not start: ${readFileSync(logFile, 'utf8')}`);
    await sleep(25);
  }
  return {
    host: '127.0.0.1',
    port,
    user: 'root',
    directory,
    key,
    authorizedKeys: authorized,
    knownHosts: (other = port) => `[127.0.0.1]:${other} ${hostKey.publicKey.split(' ').slice(0, 2).join(' ')}`,
    async authorize(publicKey, command) {
      const options = command === undefined ? '' : `command="${command.replaceAll('"', '\\"')}" `;
      await writeFile(authorized, `${options}${publicKey}\n`, { flag: 'a' });
    },
    log: () => readFileSync(logFile, 'utf8'),
    async stop() {
      server.kill('SIGTERM');
      await exited;
      await made.remove();
    },
  };
};
