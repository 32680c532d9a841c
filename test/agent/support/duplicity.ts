import { access, mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { requireBinaries } from './packages.ts';

const version = '3.2.1';

const cache = (): string => {
  const given = process.env['XDG_CACHE_HOME'];
  return join(given?.startsWith('/') ? given : join(homedir(), '.cache'), 'holdfast');
};

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
};

/**
 * The directory with the very duplicity that the image has, in a virtual environment of the user's cache; made when it is not there.
 * Test files that run at the same time wait for each other.
 */
export const duplicityDirectory = async (): Promise<string> => {
  requireBinaries({ python3: 'python3', gpg: 'gnupg', 'gpg-agent': 'gpg-agent', rsync: 'rsync', flock: 'util-linux' });
  const home = join(cache(), `duplicity-${version}`);
  const done = join(home, 'done');
  if (await exists(done)) return join(home, 'bin');
  await mkdir(cache(), { recursive: true });
  const locked = async (file: string, ...args: string[]): Promise<void> => {
    await execa('flock', [`${home}.lock`, file, ...args]);
  };
  try {
    await locked('python3', '-m', 'venv', home);
    await locked(join(home, 'bin/pip'), 'install', '--quiet', 'fasteners==0.20');
    await locked(join(home, 'bin/pip'), 'install', '--quiet', '--no-deps', `duplicity==${version}`);
    await locked('touch', done);
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw new Error(`duplicity ${version} cannot be installed: it needs python3-venv and a Python package index`, {
      cause: error,
    });
  }
  return join(home, 'bin');
};

export interface RestoreOptions {
  /** The directory of the chain on this machine. */
  readonly chain: string;
  readonly target: string;
  /** A directory for caches: never that of the run that made the backup. */
  readonly scratch: string;
  /** The time of the set; the newest when left out. */
  readonly time?: string;
  readonly encrypted: boolean;
  readonly gpgHome?: string;
  readonly passphrase?: string;
}

/** Restores as a user without Holdfast would: plain duplicity, no cache, the private key or the passphrase. */
export const plainRestore = async (options: RestoreOptions): Promise<void> => {
  const { chain, target, scratch, time, encrypted, gpgHome, passphrase } = options;
  const bin = await duplicityDirectory();
  const archive = join(scratch, `restore-${process.hrtime.bigint()}`);
  await mkdir(archive, { recursive: true });
  await execa(
    join(bin, 'duplicity'),
    [
      'restore',
      `--archive-dir=${archive}`,
      `--tempdir=${archive}`,
      ...(encrypted ? [] : ['--no-encryption']),
      ...(time === undefined ? [] : [`--time=${time}`]),
      `file://${chain}`,
      target,
    ],
    {
      env: {
        PATH: `${bin}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
        HOME: scratch,
        LANG: 'C.UTF-8',
        PASSPHRASE: passphrase ?? '',
        ...(gpgHome !== undefined && { GNUPGHOME: gpgHome }),
      },
      extendEnv: false,
    },
  );
  await rm(archive, { recursive: true, force: true });
};
