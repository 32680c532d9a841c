import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfFile } from '../../../src/agent/disk.ts';
import { makeDirectory } from '../../agent/support/directories.ts';
import { duplicityDirectory } from '../../agent/support/duplicity.ts';
import { startBackupHost } from '../../agent/support/ssh.ts';
import { startCountingProxy } from './counting-proxy.ts';
import type { BackupCost, Cost, WayFigures } from './figures.ts';
import { measured, type MeasuredCommand } from './measured.ts';

/** Where the ways to back up work, side by side: one directory of this machine each, and one of the one backup host. */
export interface Place {
  readonly path: string;
  readonly user: string;
  readonly host: string;
  /** The port of a proxy that counts: all go through it. */
  readonly port: number;
  readonly knownHosts: string;
  readonly privateKey: string;
  /** Options of ssh as duplicity's `--ssh-options` and rsync's `-e` take them. */
  readonly sshOptions: string;
  /** Directory of the backup host for one way, as this machine sees it. */
  onHost(name: string): string;
  /** Runs a command with a home of its own below `home`, and watches that as its scratch space, beside `watch`. */
  run(home: string, command: MeasuredCommand['command'], options?: RunOptions): Promise<Cost>;
  /** Bytes sent by `work`. */
  counted<T>(work: () => Promise<T>): Promise<{ result: T; sentBytes: number }>;
  stop(): Promise<void>;
}

export interface RunOptions extends Partial<Pick<MeasuredCommand, 'cwd' | 'output'>> {
  readonly environment?: MeasuredCommand['environment'];
  readonly watch?: readonly string[];
}

/** One way to back up. */
export interface Way {
  backup(day: number): Promise<BackupCost>;
  /** Brings the files of a day into an empty directory, with nothing of what the backups kept on this machine. */
  restore(day: number, target: string, home: string): Promise<Cost>;
  /** The directory whose files of today a restore must give back. */
  source(): string;
  /** Where it keeps what it stored. */
  readonly stored: string;
}

export const makePlace = async (): Promise<Place> => {
  const host = await startBackupHost();
  const made = await makeDirectory();
  const proxy = await startCountingProxy(host.port);
  const { path } = made;
  const identity = join(path, 'key');
  const knownHostsFile = join(path, 'known_hosts');
  const knownHosts = host.knownHosts(proxy.port);
  await writeFile(identity, host.key.privateKey, { mode: 0o600 });
  await writeFile(knownHostsFile, `${knownHosts}\n`);
  await mkdir(join(path, 'notes'));
  const bin = await duplicityDirectory();
  return {
    path,
    user: host.user,
    host: host.host,
    port: proxy.port,
    knownHosts,
    privateKey: host.key.privateKey,
    sshOptions: `-oIdentityFile=${identity} -oIdentitiesOnly=yes -oUserKnownHostsFile=${knownHostsFile} -oGlobalKnownHostsFile=/dev/null -oStrictHostKeyChecking=yes`,
    onHost: (name) => join(host.directory, name),
    async run(home, command, { cwd, output, environment = {}, watch = [] } = {}) {
      await mkdir(join(home, 'tmp'), { recursive: true, mode: 0o700 });
      return measured({
        command,
        environment: {
          PATH: `${bin}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
          HOME: home,
          TMPDIR: join(home, 'tmp'),
          LANG: 'C.UTF-8',
          ...environment,
        },
        ...(cwd !== undefined && { cwd }),
        ...(output !== undefined && { output }),
        scratch: [home, ...watch],
        notes: join(path, 'notes'),
      });
    },
    async counted(work) {
      const before = proxy.sent();
      const result = await work();
      return { result, sentBytes: proxy.sent() - before };
    },
    async stop() {
      await proxy.stop();
      await host.stop();
      await made.remove();
    },
  };
};

/** SHA-256 of every file in and below a directory, by name. */
export const digestsBelow = async (directory: string): Promise<Record<string, string>> => {
  const digests: Record<string, string> = {};
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    digests[file.slice(directory.length + 1)] = await sha256OfFile(file);
  }
  return digests;
};

export type WayName = keyof Record<'byHand' | 'holdfast' | 'restic', WayFigures>;
