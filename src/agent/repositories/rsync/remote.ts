import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RsyncTask } from '../../../api/v1alpha1/repositories/rsync.ts';
import { RunError } from '../../../errors/run-error.ts';
import { lastWords } from '../../exec.ts';
import type { RunContext } from '../../run.ts';
import type { Remote } from '../../ship/remote.ts';
import type { RemoteScope } from '../repository.ts';
import { parseListing } from './listing.ts';
import { explain } from './reasons.ts';
import { remoteShell, type SshFiles } from './ssh.ts';

/** rsync ends when nothing moved for this long. */
const ioTimeoutSeconds = 60;
const maxNamesAtOnce = 500;

export interface RsyncRemoteOptions extends RemoteScope {
  rsync: RsyncTask;
  ssh: SshFiles;
  /** The directory of the policy on the backup host. */
  directory: string;
}

/** The directory of a policy by rsync over SSH. */
export const createRsyncRemote = ({ run }: Pick<RunContext, 'run'>, options: RsyncRemoteOptions): Remote => {
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
    // The host's own rsync wrote it; there is no further word to be had from it.
    flush: async () => undefined,
  };
};
