import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScenarioKeys } from '../scenario/keys.ts';
import { knownHostsLine } from '../scenario/servers.ts';
import { expectAsked, restorePage, runPage } from '../support/restore-page.ts';

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
    const { place, commands } = await restorePage();
    // The page asks for every setting that is given here, but for the client, which has a default.
    expectAsked(
      place,
      Object.keys(settings).filter((name) => name !== 'MARIADB'),
    );
    return await runPage(commands, settings, work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};
