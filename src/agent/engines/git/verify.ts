import { access, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitSandbox } from '../../../api/v1alpha1/sources/git.ts';
import type { VerifyTask } from '../../../api/v1alpha1/task.ts';
import { RunError } from '../../../errors/run-error.ts';
import type { RunContext } from '../../run.ts';
import { freeBytes, sizeWords } from '../../space.ts';
import type { VerifyEngine } from '../../verify/engine.ts';
import { readFacts } from '../../verify/read-facts.ts';
import { collectFacts } from './collect-facts.ts';
import { compareFacts } from './compare-facts.ts';
import { gitFacts, type RepositoryFacts } from './facts.ts';
import { changedIn, checkOut, loadRepository } from './load.ts';
import { parseHead } from './refs.ts';
import { openLocalGit, type LocalGit } from './session.ts';

type Context = RunContext<VerifyTask>;

/** Where a repository is made: in the volume of what was fetched, which has the room that the policy asked for. */
const placesOf = ({ task }: Context) => {
  const place = join(task.fetched, 'scratch-repository');
  return { place, repository: join(place, 'repository.git'), tree: join(place, 'tree') };
};

/** Makes a bare repository and a working tree out of a bundle, and compares them. It needs no server. */
export const createGitVerifier = (_sandbox: GitSandbox): VerifyEngine => ({
  start: (context) =>
    withGit(context, async (git) => {
      const ended = await git.git(['version'], { stdout: 'capture' });
      const [, version] = /^git version (\S+)/.exec(ended.stdout) ?? [];
      if (ended.exitCode !== 0 || version === undefined) throw new RunError('SandboxUnavailable', 'git does not run.');
      return `git ${version}`;
    }),
  // Any git reads what another wrote; one too old for the format of the objects says so when it loads.
  unsuitable: async () => undefined,
  load: (context, directory) =>
    withGit(context, async (git) => {
      const { place, repository, tree } = placesOf(context);
      await mkdir(place);
      try {
        await loadRepository(git, { directory, repository });
        await checkOut(git, repository, tree);
      } catch (error) {
        throw await ofFullDisk(error, place);
      }
    }),
  async compare(context, directory) {
    const facts = await readFacts(gitFacts, directory);
    return withGit(context, async (git) => {
      const { repository, tree } = placesOf(context);
      const found = await lookInto(() => collectFacts(git, repository));
      if ('damaged' in found) return { objects: 0, rows: 0, mismatches: [found.damaged], notWitnessed: [] };
      const head = (await readFile(join(repository, 'HEAD'), 'utf8')).trim();
      const changed = (await isThere(tree)) ? await changedIn(git, repository, tree) : absent(head, found);
      return compareFacts(facts, { ...found, head, changed });
    });
  },
  async query() {
    throw new RunError('QueryFailed', 'A git repository takes no queries: remove spec.verification.queries.');
  },
  async clear(context) {
    await rm(placesOf(context).place, { recursive: true, force: true });
  },
});

const withGit = async <T>(context: Context, work: (git: LocalGit) => Promise<T>): Promise<T> => {
  const git = await openLocalGit(context);
  try {
    return await work(git);
  } finally {
    await git.close();
  }
};

/** With less than this git cannot have written what it was to. */
const fullBytes = 1024 * 1024;

/** git does not always say why it cannot write a file. */
const ofFullDisk = async (error: unknown, place: string): Promise<unknown> => {
  if (!(error instanceof RunError) || error.reason !== 'BackupNotLoadable') return error;
  const free = await freeBytes(place);
  if (free > fullBytes) return error;
  return new RunError('SandboxTooSmall', `The scratch space is full (${sizeWords(free)} free). ${error.detail}`, {
    cause: error,
  });
};

/** What is said of a source, said of what was loaded: an object that is damaged is a difference. */
export const lookInto = async <Facts extends object>(
  collect: () => Promise<Facts>,
): Promise<Facts | { readonly damaged: string }> => {
  try {
    return await collect();
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    const { reason, detail } = error;
    if (reason === 'SourceDamaged') return { damaged: detail };
    if (reason === 'OutOfScratchSpace') throw new RunError('SandboxTooSmall', detail, { cause: error });
    // git was ended by another.
    if (reason === 'DumpTruncated') throw new RunError('SandboxUnavailable', detail, { cause: error });
    throw new RunError('BackupNotLoadable', detail, { cause: error });
  }
};

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Nothing was checked out: as it should be where HEAD stands for a branch that was not begun. */
const absent = (head: string, { refs }: Pick<RepositoryFacts, 'refs'>): string[] => {
  const { target } = parseHead(head);
  return target !== undefined && !refs.some(({ name }) => name === target) ? [] : ['. (the whole working tree)'];
};
