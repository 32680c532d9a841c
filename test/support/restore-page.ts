import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { duplicityDirectory } from '../agent/support/duplicity.ts';
import { shellBlocks, withoutSections } from './markdown.ts';

const restoreByHand = new URL('../../docs/restore-by-hand.md', import.meta.url);

/** What the page loads: the title of the section that does begins with `Load` and this. */
export type Loaded = 'MySQL' | 'InfluxDB' | 'a git repository';

export interface Part {
  /** The sections that load what other engines dumped are left out. */
  readonly engine: Loaded;
  /** The blocks of a variant (`sh volume`) instead of those of none. */
  readonly variant?: string;
}

/** The shell blocks of docs/restore-by-hand.md: the first says where things are, the others are the commands, in order. */
export const restorePage = async ({ engine, variant }: Part): Promise<{ place: string; commands: string[] }> => {
  const text = await readFile(restoreByHand, 'utf8');
  const isLoad = (title: string): boolean => title.includes('Load ');
  const others = withoutSections(text, (title) => isLoad(title) && !title.includes(`Load ${engine}`));
  if (others === withoutSections(text, isLoad)) throw new Error(`docs/restore-by-hand.md does not load ${engine}`);
  const [place = '', ...commands] = shellBlocks(others, variant);
  return { place, commands };
};

/** Fails when the page does not ask for a setting that a test gives. */
export const expectAsked = (place: string, names: readonly string[]): void => {
  for (const name of names)
    if (!place.includes(`export ${name}=`)) throw new Error(`docs/restore-by-hand.md does not ask for ${name}`);
};

/**
 * Runs commands of a page as they stand there, with settings in place of the page's own. No code of Holdfast takes part.
 * @throws Error with everything the commands printed
 */
export const runPage = async (
  commands: readonly string[],
  settings: Readonly<Record<string, string>> & { WORK: string },
  home: string,
  page = 'docs/restore-by-hand.md',
): Promise<string> => {
  const { all, failed } = await execa('bash', ['-euxo', 'pipefail', '-c', commands.join('\n')], {
    env: {
      ...settings,
      HOME: home,
      LANG: 'C.UTF-8',
      PATH: `${await duplicityDirectory()}:${process.env['PATH'] ?? ''}`,
    },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    all: true,
    timeout: 240_000,
  });
  for (const keyring of ['keyring', 'new-key'])
    await execa('gpgconf', ['--homedir', join(settings.WORK, keyring), '--kill', 'all'], { reject: false });
  if (failed) throw new Error(`${page} does not work:\n${all}`);
  return all;
};

export interface RestorePage extends Pick<Part, 'engine'> {
  readonly backupHost: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    /** Directory of the policy in the repository. */
    readonly directory: string;
    /** A private key that the host takes. */
    readonly key: string;
    readonly knownHosts: string;
  };
  readonly gpgPrivateKey: string;
  /** What the last section takes from the environment, instead of its defaults. */
  readonly load: Readonly<Record<string, string>>;
  /** Looks at what was restored, in the page's `WORK`, before it is removed. */
  readonly look?: (work: string) => Promise<void>;
}

/**
 * Restores from a backup host by the commands of the page, after a first block that says where things are, in place of the page's.
 * @throws Error with everything the commands printed
 */
export const runRestorePage = async (given: RestorePage): Promise<string> => {
  const { backupHost, gpgPrivateKey, engine, load, look } = given;
  // Short, since gpg puts a socket below it.
  const home = await mkdtemp(join(tmpdir(), 'hf-'));
  try {
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(home, name), text, { mode: 0o600 });
      return join(home, name);
    };
    const settings = {
      BACKUP_HOST: backupHost.host,
      BACKUP_PORT: String(backupHost.port),
      BACKUP_USER: backupHost.user,
      BACKUP_DIRECTORY: backupHost.directory,
      SSH_KEY: await file('key', backupHost.key),
      KNOWN_HOSTS: await file('known-hosts', backupHost.knownHosts),
      GPG_PRIVATE_KEY: await file('private.asc', gpgPrivateKey),
      WORK: join(home, 'w'),
    };
    await mkdir(settings.WORK);
    const { place, commands } = await restorePage({ engine });
    expectAsked(place, Object.keys(settings));
    const printed = await runPage(commands, { ...settings, ...load }, home);
    await look?.(settings.WORK);
    return printed;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
};
