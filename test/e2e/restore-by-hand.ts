import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { duplicityDirectory } from '../agent/support/duplicity.ts';
import type { ScenarioKeys } from '../scenario/keys.ts';
import { knownHostsLine } from '../scenario/servers.ts';
import { before, shellBlocks } from './markdown.ts';

const page = new URL('../../docs/restore-by-hand.md', import.meta.url);

export interface RestoreByHandOptions {
  keys: ScenarioKeys;
  /** Port of 127.0.0.1 that leads to the backup host. */
  port: number;
  /** Directory of the policy in the repository. */
  directory: string;
  /** The client command with host and account. */
  mariadb: string;
}

/**
 * Runs the commands of docs/restore-by-hand.md as they stand there, after a first block that says where things are, in place of the page's.
 * No code of Holdfast takes part. @throws Error with everything the commands printed
 */
export const restoreByHand = async ({ keys, port, directory, mariadb }: RestoreByHandOptions): Promise<string> => {
  // Short, since gpg puts a socket below it.
  const work = await mkdtemp(join(tmpdir(), 'hf-'));
  try {
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(work, name), text, { mode: 0o600 });
      return join(work, name);
    };
    const settings = {
      BACKUP_HOST: '127.0.0.1',
      BACKUP_PORT: String(port),
      BACKUP_USER: 'backup',
      BACKUP_DIRECTORY: directory,
      SSH_KEY: await file('key', keys.client.privateKey),
      KNOWN_HOSTS: await file('known-hosts', knownHostsLine(keys, '127.0.0.1', port)),
      GPG_PRIVATE_KEY: await file('private.asc', keys.gpg.privateKey),
      WORK: join(work, 'w'),
      MARIADB: mariadb,
    };
    await mkdir(settings.WORK);
    const [place = '', ...commands] = shellBlocks(before(await readFile(page, 'utf8'), 'From a local copy'));
    // The page asks for every setting that is given here, but for the client, which has a default.
    for (const name of Object.keys(settings).filter((name) => name !== 'MARIADB')) {
      if (!place.includes(`export ${name}=`)) throw new Error(`docs/restore-by-hand.md does not ask for ${name}`);
    }
    const { all, failed } = await execa('bash', ['-euxo', 'pipefail', '-c', commands.join('\n')], {
      env: {
        ...settings,
        HOME: work,
        LANG: 'C.UTF-8',
        PATH: `${await duplicityDirectory()}:${process.env['PATH'] ?? ''}`,
      },
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      all: true,
      timeout: 240_000,
    });
    await execa('gpgconf', ['--homedir', join(settings.WORK, 'keyring'), '--kill', 'all'], { reject: false });
    if (failed) throw new Error(`docs/restore-by-hand.md does not work:\n${all}`);
    return all;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};
