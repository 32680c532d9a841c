import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { gitFacts, type GitFacts } from '../../../src/agent/engines/git/facts.ts';
import { ledger, type Ledger } from '../../../src/agent/ledger.ts';
import type { gitTask } from '../../../src/api/v1alpha1/sources/git.ts';
import { runAgent, startAgent, type AgentEnd, type AgentOptions, type RunningAgent } from './agent.ts';
import { makePolicyFiles, type DumpTaskInput, type PolicyFiles } from './policy-files.ts';
import type { BackupHost } from './ssh.ts';
import { subject } from '../../support/subject.ts';

export type GitInput = z.input<typeof gitTask>;

export interface GitDumpOptions extends AgentOptions {
  readonly git?: GitInput;
  readonly task?: Partial<Omit<DumpTaskInput, 'source'>>;
}

/** One policy's files and its dump container: for tests that copy a repository. */
export interface GitBench {
  readonly files: PolicyFiles;
  start(options?: GitDumpOptions): Promise<RunningAgent>;
  dump(options?: GitDumpOptions): Promise<AgentEnd>;
  ledger(): Promise<Ledger>;
  /** Names among the local copies, partial ones included. */
  copies(): Promise<string[]>;
  /** The directory of the newest local copy. */
  newest(): Promise<string>;
  facts(): Promise<GitFacts>;
  remove(): Promise<void>;
}

/** `source` is asked for the task once the bench has its files. */
export const makeGitBench = async (source: (files: PolicyFiles) => GitInput | Promise<GitInput>): Promise<GitBench> => {
  const files = await makePolicyFiles();
  const usual = await source(files);
  const task = ({ git = usual, task: extra }: GitDumpOptions = {}): DumpTaskInput => ({
    kind: 'LocalCopy',
    policy: { namespace: 'ops', name: 'ansible' },
    claim: files.claim,
    scratch: files.scratch,
    subject,
    deadlineSeconds: 60,
    keep: 2,
    source: { git },
    ...extra,
  });
  const copies = async () => (await readdir(join(files.claim, 'copies'))).toSorted();
  const readLedger = async () => ledger.parse(JSON.parse(await readFile(join(files.claim, 'ledger.json'), 'utf8')));
  const newest = async () => join(files.claim, 'copies', (await readLedger()).copies.at(-1)?.name ?? 'none');
  return {
    files,
    start: (options) => startAgent('dump', task(options), options),
    dump: (options) => runAgent('dump', task(options), options),
    ledger: readLedger,
    copies,
    newest,
    facts: async () => gitFacts.parse(JSON.parse(await readFile(join(await newest(), 'facts.json'), 'utf8'))),
    remove: files.remove,
  };
};

/** A repository on a claim that is mounted at `root`. */
export const byPath = (root: string, path: string): GitInput => ({ url: path, access: { by: 'path', root } });

/** A repository on a host, over SSH. */
export const bySsh = async (
  host: BackupHost,
  path: string,
  files: PolicyFiles,
  { port = host.port, knownHosts = host.knownHosts(port) }: { port?: number; knownHosts?: string } = {},
): Promise<GitInput> => ({
  url: `ssh://${host.user}@${host.host}:${port}${path}`,
  access: {
    by: 'ssh',
    knownHosts,
    key: {
      directory: await files.secret('git-key', { 'ssh-privatekey': host.key.privateKey }),
      secret: 'git-key',
    },
  },
});
