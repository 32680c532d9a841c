import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitTask } from '../../../api/v1alpha1/sources/git.ts';
import { parseGitUrl, type GitUrl } from '../../../api/v1alpha1/sources/git-url.ts';
import { RunError } from '../../../errors/run-error.ts';
import type { Command, Ended } from '../../exec.ts';
import type { RunContext } from '../../run.ts';
import { prepareSsh, sshOptions } from '../../repositories/rsync/ssh.ts';

/** git with a configuration of its own. */
export interface LocalGit {
  /** Runs git with nothing of the user's or the system's configuration. */
  git(args: readonly string[], options?: Omit<Command, 'file' | 'args' | 'env'>): Promise<Ended>;
  /** Removes what was put into the scratch space. */
  close(): Promise<void>;
}

/** How a run reaches a repository. */
export interface GitSession extends LocalGit {
  readonly address: GitUrl;
  /** What git is given as the repository. */
  readonly url: string;
}

/** A transfer in which nothing moves for this long has ended. */
const stalledSeconds = 60;

/**
 * All of git's configuration. Only one transport is possible; a redirect, which could take the credentials to another host, is not
 * followed; nothing of the repository runs or is checked out. A big blob is kept whole, since deltas of it take its size in memory times
 * the window. What git writes on this machine is made anew after a crash: nobody waits for the disk.
 */
const configuration = (by: GitUrl['by'], ca: string | undefined): string => `[protocol]
	allow = never
[protocol "${by === 'path' ? 'file' : by}"]
	allow = always
[core]
	hooksPath = /dev/null
	fsmonitor = false
	bigFileThreshold = 32m
	fsync = none
[init]
	templateDir =
[safe]
	directory = *
[fetch]
	recurseSubmodules = false
	unpackLimit = 1
[submodule]
	recurse = false
[transfer]
	bundleURI = false
[credential]
	helper =
[http]
	followRedirects = false
	lowSpeedLimit = 1
	lowSpeedTime = ${stalledSeconds}
${ca === undefined ? '' : `	sslCAInfo = ${ca}\n`}[gc]
	auto = 0
[maintenance]
	auto = false
[grep]
	patternType = basic
	lineNumber = false
`;

// git asks it for one thing at a time. The files are the mounted Secret's: nothing secret is in arguments or environment.
const askpass = `#!/bin/sh
case $1 in
Username*) exec cat "$HOLDFAST_GIT_USERNAME" ;;
Password*) exec cat "$HOLDFAST_GIT_PASSWORD" ;;
esac
exit 1
`;

/**
 * Puts what git and ssh read into the scratch space.
 * @throws RunError SecretMissing, SecretInvalid
 */
export const openSession = async (context: RunContext, { url, access }: GitTask): Promise<GitSession> => {
  const address = parseGitUrl(url);
  if (address === undefined || address.by !== access.by) {
    throw new RunError('InternalError', `The task cannot be read: ${url} is not reached by ${access.by}.`);
  }
  const local = await openGit(context, access.by, (home) => accessFiles(context, access, home));
  return { ...local, address, url: access.by === 'path' ? join(access.root, url) : url };
};

/** The same session, for what is on this machine too. */
export const withFiles = ({ git, ...session }: GitSession): GitSession => ({
  ...session,
  git: (args, options) => git(['-c', 'protocol.file.allow=always', ...args], options),
});

/** git for repositories on this machine: it reads files, and nothing else. */
export const openLocalGit = (context: Pick<RunContext, 'task' | 'run'>): Promise<LocalGit> =>
  openGit(context, 'path', async () => ({ env: {} }));

const openGit = async (
  context: Pick<RunContext, 'task' | 'run'>,
  by: GitUrl['by'],
  prepare: (home: string) => Promise<AccessFiles>,
): Promise<LocalGit> => {
  const home = join(context.task.scratch, 'git');
  const close = (): Promise<void> => rm(home, { recursive: true, force: true });
  await close();
  await mkdir(home, { recursive: true, mode: 0o700 });
  try {
    const config = join(home, 'config');
    const { env, ca } = await prepare(home);
    await writeFile(config, configuration(by, ca), { mode: 0o600 });
    const environment = {
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: config,
      GIT_ATTR_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      // refs/replace is content to be copied, not to be obeyed: with it, the objects it stands for would be left out.
      GIT_NO_REPLACE_OBJECTS: '1',
      ...env,
    };
    return { git: (args, options) => context.run({ file: 'git', args, ...options, env: environment }), close };
  } catch (error) {
    await close();
    throw error;
  }
};

interface AccessFiles {
  readonly env: Readonly<Record<string, string>>;
  readonly ca?: string;
}

const accessFiles = async (context: RunContext, access: GitTask['access'], home: string): Promise<AccessFiles> => {
  if (access.by === 'path') return { env: {} };
  if (access.by === 'ssh') {
    const files = await prepareSsh(context, access, home);
    // git has a shell read it; sshOptions lets nothing pass that a shell would take for more than it is.
    const command = ['ssh', '-F', '/dev/null', ...sshOptions(files)].join(' ');
    return { env: { GIT_SSH_COMMAND: command, GIT_SSH_VARIANT: 'ssh' } };
  }
  const { credentials, ca } = access;
  const trusted = ca === undefined ? {} : { ca: await authorityFile(context, ca) };
  if (credentials === undefined) return { env: {}, ...trusted };
  const username = await context.secrets.read(credentials, 'username', { public: true });
  const password = await context.secrets.read(credentials, 'password');
  // As it goes over the wire.
  context.secrets.remember(Buffer.from(`${username}:${password}`).toString('base64'));
  const program = join(home, 'askpass');
  await writeFile(program, askpass);
  await chmod(program, 0o700);
  return {
    env: {
      GIT_ASKPASS: program,
      HOLDFAST_GIT_USERNAME: join(credentials.directory, 'username'),
      HOLDFAST_GIT_PASSWORD: join(credentials.directory, 'password'),
    },
    ...trusted,
  };
};

type Authority = NonNullable<Extract<GitTask['access'], { by: 'https' }>['ca']>;

const authorityFile = async ({ secrets }: RunContext, mount: Authority): Promise<string> => {
  const text = await secrets.read(mount, 'ca.crt', { public: true });
  try {
    // The first certificate at least is one.
    void new X509Certificate(text);
  } catch (error) {
    const detail = `Key "ca.crt" of Secret ${mount.secret} is not a certificate in PEM form.`;
    throw new RunError('SecretInvalid', detail, { cause: error });
  }
  return join(mount.directory, 'ca.crt');
};
