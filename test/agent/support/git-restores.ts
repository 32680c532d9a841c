import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { outcomeOf } from './agent.ts';
import { makeDirectory } from './directories.ts';
import { byPath, bySsh, makeGitBench, type GitBench, type GitInput } from './git-bench.ts';
import { startGitHttps, type GitHttps } from './git-https.ts';
import { commit, contentOf, git, makeRepository, publish, serve } from './git-repository.ts';
import { makeRestoreBench, type RestoreBench } from './engine-restore-bench.ts';
import { startBackupHost, type BackupHost } from './ssh.ts';

const account = { username: 'deploy', password: 'pa$$ "word" õ' };

export type Access = 'path' | 'ssh' | 'https';

/** A repository that is served three ways, its dumps, and restores of them. A test each has one of its own, by `next`. */
export interface GitRestores {
  /** What the claim with the repository has; `tree` is where it came from. */
  readonly place: string;
  readonly tree: string;
  readonly served: string;
  readonly dumps: GitBench;
  readonly bench: RestoreBench;
  next(): Promise<void>;
  done(): Promise<void>;
  /** Serves a usual repository; gives a backup of it. */
  usual(): Promise<string>;
  serve(): Promise<void>;
  /** A backup of what is served, as a set that was fetched. */
  backedUp(name?: string): Promise<string>;
  targetBy(access: Access): Promise<{ git: GitInput }>;
  stop(): Promise<void>;
}

export const startGitRestores = async (): Promise<GitRestores> => {
  const host: BackupHost = await startBackupHost();
  const root = await makeDirectory();
  const https: GitHttps = await startGitHttps({ directory: root.path, account });
  let number = 0;
  let [dumps, bench]: [GitBench | undefined, RestoreBench | undefined] = [undefined, undefined];
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('next() comes first');
    return value;
  };
  const self: GitRestores = {
    get place() {
      return join(root.path, String(number));
    },
    get tree() {
      return join(self.place, 'tree');
    },
    get served() {
      return join(self.place, 'ops/ansible.git');
    },
    get dumps() {
      return there(dumps);
    },
    get bench() {
      return there(bench);
    },
    async next() {
      number += 1;
      await mkdir(self.place);
      bench = await makeRestoreBench();
      dumps = await makeGitBench(() => byPath(self.place, '/ops/ansible.git'));
    },
    async done() {
      await bench?.remove();
      await dumps?.remove();
      await rm(self.place, { recursive: true, force: true });
    },
    async serve() {
      await serve(self.tree, self.served);
      // As git's http-backend asks for it.
      await git(self.served, ['config', 'http.receivepack', 'true']);
    },
    async usual() {
      await makeRepository(self.tree);
      await commit(self.tree, { 'once.txt': 'first\n' });
      await self.serve();
      return self.backedUp();
    },
    async backedUp(name = 'latest') {
      const end = await self.dumps.dump();
      if (outcomeOf(end) !== 'Succeeded') throw new Error(end.log);
      return self.bench.lay(await self.dumps.newest(), name);
    },
    async targetBy(access) {
      const { files } = self.dumps;
      if (access === 'path') return { git: byPath(self.place, '/ops/ansible.git') };
      if (access === 'ssh') return { git: await bySsh(host, self.served, files) };
      return {
        git: {
          url: `https://127.0.0.1:${https.port}/${number}/ops/ansible.git`,
          access: {
            by: 'https',
            credentials: { directory: await files.secret('git-account', account), secret: 'git-account' },
            ca: { directory: await files.secret('git-ca', { 'ca.crt': https.ca }), secret: 'git-ca' },
          },
        },
      };
    },
    async stop() {
      await https.stop();
      await host.stop();
      await root.remove();
    },
  };
  return self;
};

/** Throws history away, as a forced push does. */
export const forcePush = async ({ tree, served }: GitRestores): Promise<void> => {
  await git(tree, ['reset', '--quiet', '--hard', 'main~5']);
  await commit(tree, { 'other.txt': 'else\n' });
  await publish(tree, served);
};

/** What a repository holds, but for what restores have set aside there. */
export const contentWithout = async ({
  place,
  served,
}: GitRestores): Promise<Awaited<ReturnType<typeof contentOf>>> => {
  const mirror = join(place, 'looked-at.git');
  await git(place, ['clone', '--quiet', '--mirror', '--no-local', served, mirror]);
  const ours = await git(mirror, ['for-each-ref', '--format=delete %(refname)', 'refs/holdfast']);
  await git(mirror, ['update-ref', '--stdin'], { input: ours === '' ? '' : `${ours}\n` });
  const found = { ...(await contentOf(mirror)), head: (await readFile(join(served, 'HEAD'), 'utf8')).trim() };
  await rm(mirror, { recursive: true });
  return found;
};

/** Refs of a repository below a prefix, the prefix taken off, each after its object. */
export const refsBelow = async (repository: string, prefix: string): Promise<string[]> => {
  const text = await git(repository, ['for-each-ref', '--format=%(objectname) %(refname)']);
  return text
    .split('\n')
    .filter((line) => line.split(' ')[1]?.startsWith(prefix))
    .map((line) => line.replace(` ${prefix}`, ' '));
};

/** Facts without the time they were taken. */
export const factsIn = async (directory: string): Promise<unknown> => ({
  ...(JSON.parse(await readFile(join(directory, 'facts.json'), 'utf8')) as object),
  dataTime: undefined,
});
