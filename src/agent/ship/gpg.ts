import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../../errors/run-error.ts';
import type { RunContext } from '../run.ts';
import type { SecretMount } from '../secrets.ts';
import { lastWords } from '../exec.ts';
import { runAtEnd } from '../tidy.ts';
import { type EncryptionKey, parseKeys } from './gpg-keys.ts';
import { oneLine } from './reasons.ts';

type Context = Pick<RunContext, 'run' | 'secrets'>;

const quiet = ['--batch', '--no-tty', '--no-autostart'];

const homeIn = (scratch: string): string => join(scratch, 'gpg');

/**
 * How often a passphrase is hashed: the most that OpenPGP has (RFC 4880, 3.7.1.3), which the agent would take on a fast processor. It measures
 * that for more than a second when it starts, and duplicity's first question of every run waits for it. (gpg-agent(1), --s2k-count)
 */
const hashCount = 65_011_712;

/** A home for gpg: its path must be short, since a socket lies in it, and its mode 0700. */
export const makeGpgHome = async (scratch: string): Promise<string> => {
  const home = homeIn(scratch);
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(join(home, 'gpg-agent.conf'), `s2k-count ${hashCount}\n`);
  return home;
};

/** Stops the agent that gpg leaves running in the home that was made there; also when the run itself was told to stop. */
export const stopGpgAgent = (context: Pick<RunContext, 'log' | 'task'>, scratch: string): Promise<void> =>
  runAtEnd(context, { file: 'gpgconf', args: ['--homedir', homeIn(scratch), '--kill', 'all'] });

/**
 * Imports the public key and makes sure that gpg can encrypt to it, by doing so.
 * @returns its fingerprint
 * @throws RunError SecretMissing, SecretInvalid (not one public key), KeyUnusable (expired, revoked, no encryption subkey)
 */
export const importPublicKey = async ({ run, secrets }: Context, mount: SecretMount, home: string): Promise<string> => {
  const invalid = (why: string): RunError =>
    new RunError('SecretInvalid', `Key "public.asc" of Secret ${mount.secret} ${why}.`);
  const text = await secrets.read(mount, 'public.asc');
  if (text.includes('PRIVATE KEY')) throw invalid('holds a private key: the pods that back up must not have it');
  const file = join(home, 'public.asc');
  await writeFile(file, text, { mode: 0o600 });
  const imported = await run({
    file: 'gpg',
    args: ['--homedir', home, ...quiet, '--import', file],
    stderr: 'ignore',
  });
  const listed = await run({
    file: 'gpg',
    args: ['--homedir', home, ...quiet, '--with-colons', '--fingerprint', '--list-keys'],
    stdout: 'capture',
    stderr: 'ignore',
  });
  const keys = parseKeys(listed.stdout);
  const [key] = keys;
  if (!key) throw invalid(`is not a public key that gpg can read (${oneLine(imported.stderr)})`);
  if (keys.length > 1) throw invalid(`holds ${keys.length} keys instead of one`);
  await tryEncryption({ run }, key, mount, home);
  return key.fingerprint;
};

const tryEncryption = async (
  { run }: Pick<RunContext, 'run'>,
  { fingerprint, state }: EncryptionKey,
  { secret }: SecretMount,
  home: string,
): Promise<void> => {
  const ended = await run({
    file: 'gpg',
    args: ['--homedir', home, ...quiet, '--trust-model=always', '--recipient', fingerprint, '--encrypt'],
    stdin: 'probe',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  if (ended.exitCode === 0 && state === 'Usable') return;
  const why = state === 'Usable' ? lastWords('gpg', ended) : state;
  throw new RunError(
    'KeyUnusable',
    `The key ${fingerprint} of Secret ${secret} cannot be encrypted to: ${oneLine(why)}.`,
  );
};

/**
 * Reads the passphrase. One line end after it is left off.
 * @throws RunError SecretMissing, SecretInvalid
 */
export const readPassphrase = async ({ secrets }: Pick<RunContext, 'secrets'>, mount: SecretMount): Promise<string> => {
  const passphrase = (await secrets.read(mount, 'password')).replace(/\r?\n$/, '');
  if (passphrase === '' || /[\0\r\n]/.test(passphrase))
    throw new RunError('SecretInvalid', `Key "password" of Secret ${mount.secret} is not one line of text.`);
  secrets.remember(passphrase);
  return passphrase;
};

/** What came of opening an encrypted file. */
export type Opened = 'Opened' | 'WrongPassphrase' | 'ForAKey' | 'Damaged';

/**
 * Tries whether the passphrase opens a file; it is given to gpg on standard input. `ForAKey`: the file is encrypted to a public key.
 */
export const tryPassphrase = async (
  { run }: Pick<RunContext, 'run'>,
  file: string,
  passphrase: string,
  home: string,
): Promise<Opened> => {
  const ended = await run({
    file: 'gpg',
    args: [
      '--homedir',
      home,
      '--batch',
      '--no-tty',
      '--pinentry-mode=loopback',
      '--passphrase-fd=0',
      '--no-symkey-cache',
      '--decrypt',
      file,
    ],
    stdin: `${passphrase}\n`,
    stdout: 'ignore',
    stderr: 'ignore',
  });
  if (ended.exitCode === 0) return 'Opened';
  if (/No secret key/.test(ended.stderr)) return 'ForAKey';
  return /Bad session key|Bad passphrase/i.test(ended.stderr) ? 'WrongPassphrase' : 'Damaged';
};
