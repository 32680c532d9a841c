import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { outcomeOf } from './agent.ts';
import { makeDirectory } from './directories.ts';
import { byPath, bySsh, makeGitBench, type GitBench, type GitInput } from './git-bench.ts';
import { startGitHttps, type GitHttps } from './git-https.ts';
import { commit, contentOf, git, makeRepository, publish, serve } from './git-repository.ts';
import { makeRestoreBench, type RestoreBench } from './engine-restore-bench.ts';
import { startBackupHost, type BackupHost } from './ssh.ts';
import { there } from '../../support/there.ts';

const account = { username: 'deploy', password: 'pa$$ "word" õ' };

export type Access = 'path' | 'ssh' | 'https';

/** A repository that is served three ways, its dumps, and restores of them. Each test has one of its own. */
export interface GitRestores {
  /** What the claim with the repository has; `tree` is where it came from. */
  readonly place: string;
  readonly tree: string;
  readonly served: string;
  readonly dumps: GitBench;
  readonly bench: RestoreBench;
  /** Serves a usual repository; gives a backup of it. */
  usual(): Promise<string>;
  serve(): Promise<void>;
  /** A backup of what is served, as a set that was fetched. */
  backedUp(name?: string): Promise<string>;
  targetBy(access: Access): Promise<{ git: GitInput }>;
}

interface Servers {
  readonly host: BackupHost;
  readonly root: Awaited<ReturnType<typeof makeDirectory>>;
  readonly https: GitHttps;
}

const startServers = async (): Promise<Servers> => {
  const root = await makeDirectory();
  return { host: await startBackupHost(), root, https: await startGitHttps({ directory: root.path, account }) };
};

const servedIn = (place: string): string => join(place, 'ops/ansible.git');

const serveFrom = async (place: string): Promise<void> => {
  await serve(join(place, 'tree'), servedIn(place));
  // As git's http-backend asks for it.
  await git(servedIn(place), ['config', 'http.receivepack', 'true']);
};

const newestDump = async (dumps: GitBench): Promise<string> => {
  const end = await dumps.dump();
  if (outcomeOf(end) !== 'Succeeded') throw new Error(end.log);
  return dumps.newest();
};

const pathOnClaim = (place: string): GitInput => byPath(place, '/ops/ansible.git');

/** Makes the repository and the backup that most tests begin with, once: they are copied for each. */
const makeUsual = async (place: string): Promise<void> => {
  const tree = join(place, 'tree');
  await makeRepository(tree);
  await commit(tree, { 'once.txt': 'first\n' });
  await serveFrom(place);
  const dumps = await makeGitBench(() => pathOnClaim(place));
  await cp(await newestDump(dumps), join(place, 'backup'), { recursive: true });
  await dumps.remove();
};

/** The servers for all tests where it is called, and for each test a repository and a bench of its own. */
export const gitRestoresForEach = (): GitRestores => {
  let servers: Servers | undefined;
  let number = 0;
  let [dumps, bench]: [GitBench | undefined, RestoreBench | undefined] = [undefined, undefined];
  const usualPlace = (): string => join(there(servers).root.path, 'usual');
  const self: GitRestores = {
    get place() {
      return join(there(servers).root.path, String(number));
    },
    get tree() {
      return join(self.place, 'tree');
    },
    get served() {
      return servedIn(self.place);
    },
    get dumps() {
      return there(dumps);
    },
    get bench() {
      return there(bench);
    },
    serve: () => serveFrom(self.place),
    async usual() {
      for (const name of ['tree', 'ops'])
        await cp(join(usualPlace(), name), join(self.place, name), { recursive: true, preserveTimestamps: true });
      return self.bench.lay(join(usualPlace(), 'backup'));
    },
    backedUp: async (name = 'latest') => self.bench.lay(await newestDump(self.dumps), name),
    async targetBy(access) {
      const { host, https } = there(servers);
      const { files } = self.dumps;
      if (access === 'path') return { git: pathOnClaim(self.place) };
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
  };
  beforeAll(async () => {
    servers = await startServers();
    await makeUsual(usualPlace());
  }, 120_000);
  afterAll(async () => {
    await servers?.https.stop();
    await servers?.host.stop();
    await servers?.root.remove();
  });
  beforeEach(async () => {
    number += 1;
    await mkdir(self.place);
    bench = await makeRestoreBench();
    dumps = await makeGitBench(() => pathOnClaim(self.place));
  }, 120_000);
  afterEach(async () => {
    await bench?.remove();
    await dumps?.remove();
    await rm(self.place, { recursive: true, force: true });
  });
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
