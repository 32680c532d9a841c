import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** A gpg home with one key pair, as the owner of the backups has it. */
export interface GpgOwner {
  readonly home: string;
  readonly fingerprint: string;
  readonly publicKey: string;
  readonly privateKey: string;
  /** Ends the agent that gpg left running. */
  stop(): Promise<void>;
}

export interface GpgOwnerOptions {
  /** The clock that the key is made at: `20200101T000000`. */
  readonly madeAt?: string;
  /** gpg's expiry: `never`, `1y`. */
  readonly expires?: string;
  /** `default` has an encryption subkey; `sign` has none. */
  readonly usage?: 'default' | 'sign';
  /** Protects the private key. */
  readonly passphrase?: string;
}

/** Makes a key pair in a home below `directory`, whose path must be short. */
export const makeGpgOwner = async (
  directory: string,
  name: string,
  options: GpgOwnerOptions = {},
): Promise<GpgOwner> => {
  const { madeAt, expires = 'never', usage = 'default', passphrase = '' } = options;
  const home = join(directory, name);
  await mkdir(home, { mode: 0o700 });
  const gpg = async (...args: string[]): Promise<string> => {
    const clock = madeAt === undefined ? [] : [`--faked-system-time=${madeAt}`];
    const { stdout } = await execa('gpg', ['--homedir', home, '--batch', '--no-tty', ...clock, ...args], {
      stderr: 'ignore',
    });
    return stdout;
  };
  const algorithm = usage === 'default' ? 'future-default' : 'ed25519';
  const unlock = ['--pinentry-mode', 'loopback', '--passphrase', passphrase];
  await gpg(...unlock, '--quick-generate-key', `${name} <${name}@example.com>`, algorithm, usage, expires);
  const listed = await gpg('--with-colons', '--list-keys');
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1];
  if (fingerprint === undefined) throw new Error(`gpg listed no key: ${listed}`);
  return {
    home,
    fingerprint,
    publicKey: await gpg('--armor', '--export', fingerprint),
    privateKey: await gpg(...unlock, '--armor', '--export-secret-keys', fingerprint),
    async stop() {
      await execa('gpgconf', ['--homedir', home, '--kill', 'all'], { reject: false });
    },
  };
};
