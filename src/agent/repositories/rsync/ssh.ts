import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RsyncTask } from '../../../api/v1alpha1/repositories/rsync.ts';
import { RunError } from '../../../errors/run-error.ts';
import type { RunContext } from '../../run.ts';
import { oneLine } from '../../ship/reasons.ts';
import { runAtEnd, type EndScope } from '../../tidy.ts';

/** Where ssh finds what it needs, in the scratch space. */
export interface SshFiles {
  identity: string;
  knownHosts: string;
  /** Whether this processor has instructions for AES. */
  aes: boolean;
}

/** Whether the processor has instructions for AES, by Linux's /proc/cpuinfo: x86 has flags, ARM features. Pure. */
export const hasAes = (cpuinfo: string): boolean => /^(flags|Features)\s*:.*\saes(\s|$)/m.test(cpuinfo);

/** A connection that is half open ends after interval × count seconds. */
const connectTimeoutSeconds = 15;
const aliveIntervalSeconds = 15;
const aliveCount = 3;

/** ssh's options. duplicity and rsync split them at blanks, so no value may hold one, or a quote. */
export const sshOptions = ({ identity, knownHosts, aes }: SshFiles): string[] => {
  for (const path of [identity, knownHosts]) {
    if (!/^[A-Za-z0-9._/-]+$/.test(path))
      throw new RunError('InternalError', `The scratch path ${path} has characters that ssh options cannot carry.`);
  }
  return [
    `-oIdentityFile=${identity}`,
    '-oIdentitiesOnly=yes',
    `-oUserKnownHostsFile=${knownHosts}`,
    '-oGlobalKnownHostsFile=/dev/null',
    '-oStrictHostKeyChecking=yes',
    '-oUpdateHostKeys=no',
    '-oBatchMode=yes',
    `-oConnectTimeout=${connectTimeoutSeconds}`,
    `-oServerAliveInterval=${aliveIntervalSeconds}`,
    `-oServerAliveCountMax=${aliveCount}`,
    // ssh's own first choice, ChaCha20, takes three times as long on a processor with AES. The server may still take another.
    ...(aes ? ['-oCiphers=^aes128-gcm@openssh.com'] : []),
  ];
};

/** A path of a socket has at most 108 bytes, and ssh makes it under a name that is 17 longer. */
const longestSocket = 88;
/** For a run that is killed before it ends the connection. */
const keptSeconds = 10;

const socketOf = ({ identity }: SshFiles): string => `${identity}-shared`;

/**
 * Has all programs of a run share one connection, which the first makes: rsync makes one for each volume else, and its handshake takes longer
 * than many a volume. To be ended by {@link endConnection}. One that was lost is made anew by the next program. (ssh_config(5), ControlMaster)
 */
export const sharedConnection = (files: SshFiles): string[] => {
  const socket = socketOf(files);
  if (Buffer.byteLength(socket) > longestSocket) return [];
  return ['-oControlMaster=auto', `-oControlPath=${socket}`, `-oControlPersist=${keptSeconds}`];
};

/** Ends the shared connection, if there is one; also when the run itself was told to stop. */
export const endConnection = async (
  context: EndScope,
  { host }: Pick<RsyncTask, 'host'>,
  files: SshFiles,
): Promise<void> => {
  const socket = socketOf(files);
  if ((await stat(socket).catch(() => undefined)) === undefined) return;
  await runAtEnd(context, { file: 'ssh', args: [`-oControlPath=${socket}`, '-O', 'exit', host] });
  await rm(socket, { force: true });
};

/** The remote shell for rsync's `-e`: rsync splits it at blanks itself, no shell reads it. */
export const remoteShell = ({ port }: Pick<RsyncTask, 'port'>, files: SshFiles): string =>
  ['ssh', '-p', String(port), ...sshOptions(files), ...sharedConnection(files)].join(' ');

/**
 * Puts the SSH key and the known hosts into the scratch space, for ssh alone to read, and checks that the key can be used without a
 * passphrase.
 * @throws RunError SecretMissing, SecretInvalid
 */
export const prepareSsh = async (
  { run, secrets }: Pick<RunContext, 'run' | 'secrets'>,
  { key, knownHosts }: Pick<RsyncTask, 'key' | 'knownHosts'>,
  directory: string,
): Promise<SshFiles> => {
  const files = {
    identity: join(directory, 'id'),
    knownHosts: join(directory, 'known_hosts'),
    aes: hasAes(await readFile('/proc/cpuinfo', 'utf8').catch(() => '')),
  };
  const text = await secrets.read(key, 'ssh-privatekey');
  // OpenSSH refuses a key whose last line has no end.
  await writeFile(files.identity, `${text.replaceAll('\r\n', '\n').trimEnd()}\n`, { mode: 0o600 });
  await writeFile(files.knownHosts, `${knownHosts.trimEnd()}\n`, { mode: 0o600 });
  const ended = await run({
    file: 'ssh-keygen',
    args: ['-y', '-P', '', '-f', files.identity],
    stdout: 'ignore',
    stderr: 'ignore',
  });
  if (ended.exitCode === 0) return files;
  const why = oneLine(ended.stderr.replaceAll(files.identity, 'the key'));
  throw new RunError(
    'SecretInvalid',
    `Key "ssh-privatekey" of Secret ${key.secret} is not a private SSH key without a passphrase (${why}).`,
  );
};
