import type { FetchTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import { lastWords, type Ended } from '../exec.ts';
import type { RunContext } from '../run.ts';
import type { SecretMount } from '../secrets.ts';
import { readPassphrase } from '../ship/gpg.ts';
import { oneLine } from '../ship/reasons.ts';
import { parseSecretKeys } from './secret-keys.ts';

/** What opens the sets, ready in gpg's home. */
export interface Keys {
  readonly method: FetchTask['decryption']['method'];
  readonly gpgHome: string;
  /** Of the private key, or that the sets are encrypted with; empty for a key without one. */
  readonly passphrase: string;
  /** Fingerprints of the keys whose private half is there. */
  readonly fingerprints: readonly string[];
  /** The name of the Secret, for messages. */
  readonly secret: string;
}

type Context = Pick<RunContext, 'run' | 'secrets'>;

/** The key of the Secret is optional: most private keys that a machine uses have no passphrase. */
const readKeyPassphrase = async ({ secrets }: Context, mount: SecretMount): Promise<string> => {
  try {
    const passphrase = (await secrets.read(mount, 'passphrase')).replace(/\r?\n$/, '');
    secrets.remember(passphrase);
    if (!/[\0\r\n]/.test(passphrase)) return passphrase;
  } catch (error) {
    if (error instanceof RunError && error.reason === 'SecretMissing') return '';
    throw error;
  }
  throw new RunError('SecretInvalid', `Key "passphrase" of Secret ${mount.secret} is not one line of text.`);
};

/**
 * Imports the private key; it goes to gpg by standard input, and lies in its home only.
 * @throws RunError SecretMissing, SecretInvalid: it holds no private key that decrypts
 */
const importPrivateKey = async (context: Context, mount: SecretMount, home: string): Promise<string[]> => {
  const invalid = (why: string): RunError =>
    new RunError('SecretInvalid', `Key "private.asc" of Secret ${mount.secret} ${why}.`);
  const text = await context.secrets.read(mount, 'private.asc');
  if (!text.includes('PRIVATE KEY'))
    throw invalid(text.includes('PUBLIC KEY') ? 'holds a public key only' : 'is not a private key in ASCII armor');
  const gpg = (args: readonly string[], stdin?: string): Promise<Ended> =>
    context.run({
      file: 'gpg',
      args: ['--homedir', home, '--batch', '--no-tty', ...args],
      ...(stdin !== undefined && { stdin }),
      stdout: 'capture',
      stderr: 'ignore',
    });
  const imported = await gpg(['--import'], text);
  const listed = await gpg(['--with-colons', '--list-secret-keys']);
  const usable = parseSecretKeys(listed.stdout).filter((key) => key.usable);
  if (usable.length === 0) throw invalid(`holds no private key that decrypts (${oneLine(imported.stderr)})`);
  return usable.map(({ primary }) => primary);
};

/** Makes ready what opens the sets. @throws RunError SecretMissing, SecretInvalid */
export const prepareKeys = async (
  context: Context,
  decryption: FetchTask['decryption'],
  gpgHome: string,
): Promise<Keys> => {
  if (decryption.method === 'none') return { method: 'none', gpgHome, passphrase: '', fingerprints: [], secret: '' };
  if (decryption.method === 'passphrase') {
    const passphrase = await readPassphrase(context, decryption.passphrase);
    return { method: 'passphrase', gpgHome, passphrase, fingerprints: [], secret: decryption.passphrase.secret };
  }
  const fingerprints = await importPrivateKey(context, decryption.privateKey, gpgHome);
  const passphrase = await readKeyPassphrase(context, decryption.privateKey);
  return { method: 'gpg', gpgHome, passphrase, fingerprints, secret: decryption.privateKey.secret };
};

/** What came of opening an encrypted file. */
export type Opened = 'Opened' | 'NoKey' | 'WrongPassphrase' | 'Damaged';

/**
 * Decrypts a file into another, which may be /dev/null. The passphrase goes to gpg by standard input.
 * @throws RunError SandboxTooSmall, InternalError (gpg itself did not work)
 */
export const openFile = async (
  { run }: Pick<RunContext, 'run'>,
  { gpgHome, passphrase }: Keys,
  from: string,
  to: string,
): Promise<{ readonly opened: Opened; readonly words: string }> => {
  const ended = await run({
    file: 'gpg',
    args: [
      '--homedir',
      gpgHome,
      '--batch',
      '--no-tty',
      '--yes',
      '--pinentry-mode=loopback',
      '--passphrase-fd=0',
      '--no-symkey-cache',
      '--output',
      to,
      '--decrypt',
      from,
    ],
    stdin: `${passphrase}\n`,
    stdout: 'ignore',
    stderr: 'ignore',
  });
  const words = oneLine(lastWords('gpg', ended));
  if (ended.exitCode === 0) return { opened: 'Opened', words };
  if (/No space left on device/.test(ended.stderr))
    throw new RunError('SandboxTooSmall', `No space is left while decrypting: ${words}.`);
  if (/gpg-agent|IPC (connect|call)|No agent running/i.test(ended.stderr) || ended.killedBy !== undefined)
    throw new RunError('InternalError', `gpg could not work: ${words}.`);
  if (/Bad passphrase|Bad session key|No passphrase given/i.test(ended.stderr))
    return { opened: 'WrongPassphrase', words };
  return { opened: /No secret key/.test(ended.stderr) ? 'NoKey' : 'Damaged', words };
};
