import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { gitFailure } from './reasons.ts';
import type { Advertised } from './refs.ts';
import type { GitSession } from './session.ts';

/** What branches refer to that is not in the repository, by path: on which branches. */
export interface Outside {
  readonly submodules: ReadonlyMap<string, readonly string[]>;
  readonly largeFiles: ReadonlyMap<string, readonly string[]>;
}

/** Looks at the tip of every branch for submodules and for pointers of Git LFS. */
export const findOutside = async (session: GitSession, repository: string): Promise<Outside> => {
  const submodules = new Map<string, string[]>();
  const largeFiles = new Map<string, string[]>();
  for (const { tree, branches } of await tips(session, repository)) {
    for (const path of await submodulesIn(session, repository, tree)) {
      submodules.set(path, [...(submodules.get(path) ?? []), ...branches]);
    }
    for (const path of await largeFilesIn(session, repository, tree)) {
      largeFiles.set(path, [...(largeFiles.get(path) ?? []), ...branches]);
    }
  }
  return { submodules, largeFiles };
};

const prefix = 'refs/heads/';

// Many branches have the same tree: each is looked at once.
const tips = async (session: GitSession, repository: string): Promise<{ tree: string; branches: string[] }[]> => {
  const lines: string[] = [];
  const args = ['-C', repository, 'for-each-ref', '--format=%(tree) %(refname)', prefix];
  const ended = await session.git(args, { stdout: { line: (line) => lines.push(line) } });
  if (ended.exitCode !== 0) throw gitFailure('The branches cannot be listed', ended);
  const found = lines
    .map((line) => ({ tree: line.slice(0, line.indexOf(' ')), branch: line.slice(line.indexOf(' ') + 1) }))
    .filter(({ tree }) => tree !== '');
  return [...Map.groupBy(found, ({ tree }) => tree)].map(([tree, all]) => ({
    tree,
    branches: all.map(({ branch }) => branch.slice(prefix.length)),
  }));
};

const submodulesIn = async (session: GitSession, repository: string, tree: string): Promise<string[]> => {
  const found: string[] = [];
  const read = (line: string): void => {
    // `160000 commit <ID>\t<path>`; a path with odd characters is in quotes.
    if (line.startsWith('160000 ')) found.push(line.slice(line.indexOf('\t') + 1));
  };
  const ended = await session.git(['-C', repository, 'ls-tree', '-r', '--full-tree', tree], { stdout: { line: read } });
  if (ended.exitCode !== 0) throw gitFailure('A tree cannot be listed', ended);
  return found;
};

// As https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md has them.
const pointer = ['-e', '^version https://git-lfs\\.github\\.com/spec/v1$', '-e', '^oid sha256:[0-9a-f]\\{64\\}$'];

const largeFilesIn = async (session: GitSession, repository: string, tree: string): Promise<string[]> => {
  const found: string[] = [];
  const args = ['-C', repository, 'grep', '--files-with-matches', '--all-match', '-I', ...pointer, tree];
  const ended = await session.git(args, { stdout: { line: (line) => found.push(line.slice(tree.length + 1)) } });
  // 1: nothing found.
  if (ended.exitCode !== 0 && ended.exitCode !== 1) throw gitFailure('A tree cannot be searched', ended);
  return found;
};

/** The part of what is not covered that is known before the repository was looked into. */
export interface Surroundings {
  readonly advertised: Pick<Advertised, 'symbolic'>;
  /** The path of a repository with a working tree, when it is one. */
  readonly workingTree: string | undefined;
}

/** In words, the weightiest first. */
export const wordsOf = ({ submodules, largeFiles }: Outside, { advertised, workingTree }: Surroundings): string[] => [
  ...[...submodules].map(
    ([path, branches]) =>
      `submodule ${path} (${on(branches)}): a repository of its own, which needs a policy of its own`,
  ),
  ...largeFilesWords(largeFiles),
  ...(workingTree === undefined ? [] : [`what is not committed in the working tree ${workingTree}`]),
  ...advertised.symbolic.map(({ name, target }) => `that ${name} stands for ${target}: it is kept as a ref of its own`),
];

const largeFilesWords = (largeFiles: Outside['largeFiles']): string[] => {
  const [first] = largeFiles;
  if (first === undefined) return [];
  const [path, branches] = first;
  const files = largeFiles.size === 1 ? '1 file' : `${largeFiles.size} files`;
  return [`the content of ${files} that Git LFS keeps elsewhere, such as ${path} (${on(branches)})`];
};

const on = ([first = '', ...others]: readonly string[]): string =>
  others.length === 0 ? `branch ${first}` : `branch ${first} and ${others.length} more`;

/** The working tree of a repository on a claim, when it has one. */
export const workingTreeOf = async ({ address, url }: GitSession): Promise<string | undefined> => {
  if (address.by !== 'path') return undefined;
  return access(join(url, '.git')).then(
    () => address.path,
    () => undefined,
  );
};
