import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { sha256OfFile } from '../../../src/agent/disk.ts';
import { projectRoot } from '../../cluster/paths.ts';
import { shellBlocks } from '../../support/markdown.ts';
import { duplicityDirectory } from './duplicity.ts';
import type { Bench, ShipOptions } from './duplicity-bench.ts';
import { makeKeyPair, type BackupHost, type KeyPair } from './ssh.ts';

export const page = join(projectRoot, 'docs/append-only.md');

/** How a command ended, and all that it said. */
export interface Ran {
  readonly exitCode: number | undefined;
  readonly all: string;
}

/** A backup host that was set up as docs/append-only.md says, by its own commands, for one policy. */
export interface AppendOnlyHost {
  /** What the key in the pod may add to: `repository.rsync.path`. */
  readonly root: string;
  readonly key: KeyPair;
  /** What a run of the agent needs to go there with that key. */
  readonly repository: NonNullable<ShipOptions['rsync']>;
  /** Programs of the host, as installed. */
  readonly bin: string;
  /** ssh's options for the key, one by one. */
  readonly sshOptions: readonly string[];
  /** Runs rsync as whoever has the pod's key would; `HOST:` in an argument stands for the address. */
  rsync(...args: string[]): Promise<Ran>;
  /** Sends a command as it is. */
  ssh(...args: string[]): Promise<Ran>;
  duplicity(environment: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran>;
  /** The URL of a directory for duplicity. */
  url(directory: string): string;
  /** Runs one of the host's own commands on the page: the block that holds `part`. */
  pageCommand(part: string): Promise<Ran>;
}

const settingsOfPage = ['BACKUP_USER', 'BACKUP_ROOT', 'POD_PUBLIC_KEY', 'AUTHORIZED_KEYS', 'BIN'] as const;

export const makeAppendOnly = async (host: BackupHost, bench: Bench): Promise<AppendOnlyHost> => {
  const root = dirname(dirname(bench.repository));
  const key = await makeKeyPair(bench.path, 'pod');
  const bin = join(bench.path, 'host-bin');
  await mkdir(bin);
  const settings = {
    BACKUP_USER: host.user,
    BACKUP_ROOT: root,
    POD_PUBLIC_KEY: join(bench.path, 'pod.pub'),
    AUTHORIZED_KEYS: host.authorizedKeys,
    BIN: bin,
  } satisfies Record<(typeof settingsOfPage)[number], string>;
  const [place = '', ...blocks] = shellBlocks(await readFile(page, 'utf8'));
  for (const name of settingsOfPage) {
    if (!place.includes(`export ${name}=`)) throw new Error(`docs/append-only.md does not ask for ${name}`);
  }
  const pageCommand = async (part: string): Promise<Ran> => {
    const block = blocks.find((text) => text.includes(part));
    if (block === undefined) throw new Error(`docs/append-only.md has no command with ${part}`);
    const ended = await execa('bash', ['-euo', 'pipefail', '-c', block], {
      cwd: projectRoot,
      env: settings,
      reject: false,
      all: true,
    });
    return { exitCode: ended.exitCode, all: ended.all };
  };
  const set = await pageCommand('install ');
  if (set.exitCode !== 0) throw new Error(`docs/append-only.md does not work:\n${set.all}`);

  const knownHosts = join(bench.path, 'known_hosts');
  await writeFile(knownHosts, `${host.knownHosts()}\n`);
  const sshOptions = [
    `-oIdentityFile=${join(bench.path, 'pod')}`,
    '-oIdentitiesOnly=yes',
    `-oUserKnownHostsFile=${knownHosts}`,
    '-oGlobalKnownHostsFile=/dev/null',
    '-oStrictHostKeyChecking=yes',
    '-oBatchMode=yes',
  ];
  const address = `${host.user}@${host.host}`;
  const addressed = (arg: string): string => arg.replace(/^HOST:/, `${address}:`);
  const run = async (file: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran> => {
    const ended = await execa(file, [...args], {
      cwd: bench.path,
      reject: false,
      all: true,
      stdin: 'ignore',
      timeout: 60_000,
      ...(env && { env, extendEnv: false }),
    });
    return { exitCode: ended.exitCode, all: ended.all };
  };
  return {
    root,
    key,
    bin,
    sshOptions,
    pageCommand,
    repository: { key: await bench.secret('pod-key', { 'ssh-privatekey': key.privateKey }) },
    rsync: (...args) => run('rsync', ['-e', ['ssh', '-p', host.port, ...sshOptions].join(' '), ...args.map(addressed)]),
    ssh: (...args) => run('ssh', ['-p', String(host.port), ...sshOptions, address, ...args]),
    url: (directory) => `rsync://${host.user}@${host.host}:${host.port}/${directory}`,
    async duplicity(environment, ...args) {
      const own = join(bench.path, `duplicity-${process.hrtime.bigint()}`);
      await mkdir(own);
      const [action = '', ...rest] = args;
      return run(
        'duplicity',
        [
          action,
          `--archive-dir=${own}`,
          `--tempdir=${own}`,
          '--num-retries=1',
          `--ssh-options=${sshOptions.join(' ')}`,
          ...rest,
        ],
        {
          PATH: `${await duplicityDirectory()}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
          HOME: own,
          LANG: 'C.UTF-8',
          PASSPHRASE: '',
          ...environment,
        },
      );
    },
  };
};

/** All that lies below a directory: names, kinds, modes, owners, times, content. What uploads use while they run is left out. */
export const snapshot = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const lines = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const { mode, uid, size, mtimeMs } = await lstat(path);
      const name = path.slice(directory.length + 1);
      if (entry.isFile()) return `${name} ${mode.toString(8)} ${uid} ${size} ${mtimeMs} ${await sha256OfFile(path)}`;
      return `${name} ${mode.toString(8)} ${uid}`;
    }),
  );
  return lines.filter((line) => !line.startsWith('.holdfast-incoming ')).toSorted();
};
