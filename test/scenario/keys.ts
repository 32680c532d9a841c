import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** An SSH key pair. */
export interface SshKey {
  privateKey: string;
  publicKey: string;
}

/** Every secret of one scenario, made anew each time. */
export interface ScenarioKeys {
  /** Signs in at the backup host. */
  client: SshKey;
  /** Identifies the backup host. */
  host: SshKey;
  gpg: { publicKey: string; privateKey: string; fingerprint: string };
  databasePassword: string;
}

const withDirectory = async <T>(work: (directory: string) => Promise<T>): Promise<T> => {
  const directory = await mkdtemp(join(tmpdir(), 'hf-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

/** A new ed25519 key pair without a passphrase. */
export const createSshKey = (comment: string): Promise<SshKey> =>
  withDirectory(async (directory) => {
    const file = join(directory, 'key');
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file]);
    return { privateKey: await readFile(file, 'utf8'), publicKey: (await readFile(`${file}.pub`, 'utf8')).trim() };
  });

/** A new OpenPGP key pair without a passphrase. */
export const createGpgKey = (user: string): Promise<ScenarioKeys['gpg']> =>
  withDirectory(async (home) => {
    const gpg = (...args: string[]) => execa('gpg', ['--homedir', home, '--batch', '--quiet', ...args]);
    try {
      await gpg('--passphrase', '', '--quick-generate-key', user, 'future-default', 'default', 'never');
      const { stdout: keys } = await gpg('--with-colons', '--list-keys');
      const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(keys)?.[1];
      if (fingerprint === undefined) throw new Error(`gpg made no key:\n${keys}`);
      const { stdout: publicKey } = await gpg('--armor', '--export', fingerprint);
      const { stdout: privateKey } = await gpg('--armor', '--export-secret-keys', fingerprint);
      return { publicKey, privateKey, fingerprint };
    } finally {
      await execa('gpgconf', ['--homedir', home, '--kill', 'all'], { reject: false });
    }
  });

export const createScenarioKeys = async (): Promise<ScenarioKeys> => ({
  client: await createSshKey('holdfast'),
  host: await createSshKey('backup-host'),
  gpg: await createGpgKey('Holdfast backups <backups@example.com>'),
  databasePassword: randomBytes(18).toString('base64url'),
});
