import { join } from 'node:path';
import { mkdir, rm, readFile, writeFile } from 'node:fs/promises';
import type { ShipTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import { lastWords, type ExtraFd } from '../exec.ts';
import type { RunContext } from '../run.ts';
import { type ListedFile, parseListing } from './listing.ts';
import { explain } from './reasons.ts';
import { remoteShell, type SshFiles } from './ssh.ts';

type RsyncTask = ShipTask['repository']['rsync'];

/** rsync ends when nothing moved for this long. */
const ioTimeoutSeconds = 60;
const maxNamesAtOnce = 500;

/** The directory of a policy on the backup host. */
export const policyDirectory = ({ path }: Pick<RsyncTask, 'path'>, policy: ShipTask['policy']): string =>
  `${path}/${policy.namespace}/${policy.name}`.replaceAll(/\/+/g, '/');

/** The identity of a repository, as the ledger keeps it. */
export const repositoryIdentity = ({ user, host, port, path }: RsyncTask): string =>
  `rsync://${user}@${host}:${port}/${path}`.replace(/\/+$/, '');

/** The directory of the policy on the backup host, by rsync over SSH. Every failure comes with its reason from the catalogue. */
export interface Remote {
  /** Makes the directory `name` below it, with all above it. */
  makeDirectory(name?: string): Promise<void>;
  /** All files in and below it. */
  list(): Promise<ListedFile[]>;
  /** Brings one file into the scratch space and gives back its path. */
  fetch(name: string): Promise<string>;
  /** Writes one small file. */
  write(name: string, content: string): Promise<void>;
  /** Removes exactly these files from a directory; what the host keeps nevertheless is not an error. */
  remove(directory: string, names: readonly string[]): Promise<void>;
  /** Bytes and names of one file's text. */
  readText(name: string): Promise<string>;
}

export interface RemoteOptions {
  rsync: RsyncTask;
  ssh: SshFiles;
  /** The directory of the policy on the backup host. */
  directory: string;
  /** A directory for what is fetched. */
  scratch: string;
  /** Descriptors that every rsync inherits: the lock lasts as long as any of them. */
  extra: readonly ExtraFd[];
}

export const createRemote = ({ run }: Pick<RunContext, 'run'>, options: RemoteOptions): Remote => {
  const { rsync, ssh, directory, scratch, extra } = options;
  const address = (name: string): string =>
    `${rsync.user}@${rsync.host}:${`${directory}/${name}`.replaceAll(/\/+/g, '/')}`;
  const rsyncRun = async (doing: string, args: readonly string[], stdout: 'capture' | 'log'): Promise<string> => {
    const ended = await run({
      file: 'rsync',
      args: [`--timeout=${ioTimeoutSeconds}`, '-e', remoteShell(rsync, ssh), ...args],
      stdout,
      extra,
      tailLines: 40,
    });
    if (ended.exitCode === 0) return ended.stdout;
    const explanation = explain(ended.stderr);
    throw new RunError(
      explanation?.reason ?? 'RepositoryUnreachable',
      `${doing} on ${rsync.host}:${rsync.port} failed: ${explanation?.words ?? lastWords('rsync', ended)}.`.replace(
        /\.\.$/,
        '.',
      ),
    );
  };
  const emptyDirectory = async (): Promise<string> => {
    const empty = join(scratch, 'empty');
    await rm(empty, { recursive: true, force: true });
    await mkdir(empty, { mode: 0o700 });
    return empty;
  };
  const fetch = async (name: string): Promise<string> => {
    const file = join(scratch, `fetched-${name.replaceAll('/', '_')}`);
    await rm(file, { force: true });
    await rsyncRun(`Reading ${name}`, [address(name), file], 'log');
    return file;
  };
  return {
    fetch,
    async makeDirectory(name = '') {
      const empty = await emptyDirectory();
      await rsyncRun(
        `Making the directory ${directory}`,
        ['--mkpath', '--recursive', `${empty}/`, address(`${name}/`)],
        'log',
      );
    },
    list: async () =>
      parseListing(
        await rsyncRun(
          `Listing ${directory}`,
          ['--list-only', '--recursive', '--no-human-readable', '--8-bit-output', address('')],
          'capture',
        ),
      ),
    async write(name, content) {
      const file = join(scratch, 'to-write');
      await writeFile(file, content, { mode: 0o644 });
      await rsyncRun(`Writing ${name}`, ['--perms', '--chmod=F644', file, address(name)], 'log');
    },
    async remove(from, names) {
      const empty = await emptyDirectory();
      for (let start = 0; start < names.length; start += maxNamesAtOnce) {
        const rules = names.slice(start, start + maxNamesAtOnce).map((name) => `--include=/${name}`);
        await rsyncRun(
          `Removing an unfinished set from ${from}`,
          ['--recursive', '--delete', ...rules, '--exclude=*', `${empty}/`, address(`${from}/`)],
          'log',
        );
      }
    },
    async readText(name) {
      const file = await fetch(name);
      try {
        return await readFile(file, 'utf8');
      } finally {
        await rm(file, { force: true });
      }
    },
  };
};
