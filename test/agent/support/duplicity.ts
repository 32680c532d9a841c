import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { withLock } from '../../cluster/lock.ts';
import { cacheDirectory } from '../../cluster/paths.ts';
import { ensurePrograms } from './packages.ts';

const version = '3.2.1';

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
};

const install = async (home: string): Promise<void> => {
  try {
    await execa('/usr/bin/python3', ['-m', 'venv', home]);
    const pip = (...args: string[]) => execa(join(home, 'bin/pip'), ['install', '--quiet', ...args]);
    await pip('fasteners==0.20');
    await pip('--no-deps', `duplicity==${version}`);
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw new Error(`duplicity ${version} cannot be installed: it needs a Python package index`, { cause: error });
  }
};

/**
 * The directory with the very duplicity that the image has, in a virtual environment of the user's cache; made when it is not there.
 * Test files that run at the same time wait for each other.
 */
export const duplicityDirectory = async (): Promise<string> => {
  await ensurePrograms();
  const home = join(cacheDirectory(), `duplicity-${version}`);
  const done = join(home, 'done');
  await withLock(`${home}.lock`, async () => {
    if (await exists(done)) return;
    await install(home);
    await writeFile(done, '');
  });
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
