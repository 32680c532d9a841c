import { chmod, chown, mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ShipRepository } from '../../../src/api/v1alpha1/task.ts';
import { makeDirectory } from './directories.ts';
import type { Bench, ShipOptions } from './duplicity-bench.ts';
import { type BackupHost, makeKeyPair, startBackupHost } from './ssh.ts';

/** A kind of repository as the tests have it: a real one, whose files are seen on this machine. */
export interface TestRepository {
  /** Each bench has a place below it. */
  readonly directory: string;
  /** The block of a task for a directory of this machine, below that one. */
  block(secret: Bench['secret'], directory: string): Promise<ShipRepository>;
  /** Options with which a run may not write to the place of a bench. */
  unwritable(bench: Bench): Promise<ShipOptions>;
  stop(): Promise<void>;
}

export interface RsyncRepository extends TestRepository {
  readonly host: BackupHost;
}

/** A backup host with a real sshd. */
export const startRsyncRepository = async (): Promise<RsyncRepository> => {
  const host = await startBackupHost();
  return {
    host,
    directory: host.directory,
    block: async (secret, path) => ({
      rsync: {
        host: host.host,
        port: host.port,
        user: host.user,
        path,
        knownHosts: host.knownHosts(),
        key: await secret('ssh-key', { 'ssh-privatekey': host.key.privateKey }),
      },
    }),
    async unwritable(bench) {
      const { privateKey, publicKey } = await makeKeyPair(bench.path, 'another-account');
      const account = 'setpriv --reuid 65532 --regid 65532 --clear-groups sh -c "$SSH_ORIGINAL_COMMAND"';
      await host.authorize(publicKey, account);
      return { rsync: { key: await bench.secret('another-account', { 'ssh-privatekey': privateKey }) } };
    },
    stop: () => host.stop(),
  };
};

/** A directory in the place of a claim that is mounted. */
export const startVolumeRepository = async (): Promise<TestRepository> => {
  const made = await makeDirectory();
  const directory = join(made.path, 'mount');
  await mkdir(directory);
  return {
    directory,
    block: async (_secret, place) => ({
      volume: { claimName: 'backups', path: `/${relative(directory, place)}`, directory },
    }),
    async unwritable({ place }) {
      await chown(place, 12_345, 12_345);
      await chmod(place, 0o755);
      // Root as an NFS server that squashes it sees it: the owner's permissions are not its own.
      return { before: ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] };
    },
    stop: () => made.remove(),
  };
};

/**
 * Every kind of repository, by the name of its block: the contract tests run for each. `megabytes` take so long to be shipped there that
 * the run can be killed on the way.
 */
export const repositoryKinds: readonly { kind: string; start: () => Promise<TestRepository>; megabytes: number }[] = [
  { kind: 'rsync', start: startRsyncRepository, megabytes: 2.2 },
  { kind: 'volume', start: startVolumeRepository, megabytes: 14 },
];
