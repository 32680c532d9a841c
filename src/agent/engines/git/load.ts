import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../../../errors/run-error.ts';
import { errorCode } from '../../disk.ts';
import type { Ended } from '../../exec.ts';
import { bundleFile, headFile } from './bundle.ts';
import { gitFailure, wentWrong } from './reasons.ts';
import type { LocalGit } from './session.ts';

export interface LoadOptions {
  /** Where the backup lies. */
  readonly directory: string;
  /** The bare repository that is made; nothing must be there. */
  readonly repository: string;
}

/**
 * Makes a bare repository out of a backup, with every ref and the HEAD that it had.
 * @throws RunError BackupNotLoadable, SandboxTooSmall, SandboxUnavailable
 */
export const loadRepository = async (git: LocalGit, { directory, repository }: LoadOptions): Promise<void> => {
  const head = await readHead(directory);
  const bundle = join(directory, bundleFile);
  const cloned = await git.git(['clone', '--quiet', '--mirror', '--', bundle, repository]);
  if (wentWrong(cloned)) throw loadFailure('The bundle cannot be cloned', cloned);
  await writeFile(join(repository, 'HEAD'), `${head}\n`).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new RunError('BackupNotLoadable', 'git said that it cloned the bundle, but there is no repository.');
  });
  // Where it was cloned from is a file that goes.
  const forgotten = await git.git(['-C', repository, 'config', '--remove-section', 'remote.origin']);
  if (forgotten.exitCode !== 0) throw loadFailure('The repository cannot be read', forgotten);
};

/** As git writes it: for a branch, or the ID of a commit. */
const headForm = /^(ref: refs\/[^\0\n]+|[0-9a-f]{40}|[0-9a-f]{64})$/;

const readHead = async (directory: string): Promise<string> => {
  const text = await readFile(join(directory, headFile), 'utf8').catch((error: unknown) => {
    throw new RunError('BackupNotLoadable', `The file ${headFile} of the backup cannot be read.`, { cause: error });
  });
  const head = text.trim();
  if (headForm.test(head)) return head;
  throw new RunError('BackupNotLoadable', `The file ${headFile} of the backup is none of git's: ${head.slice(0, 80)}.`);
};

/** What went wrong while a backup is loaded or looked at. git alone is on this machine: who ended it is its want of memory, mostly. */
export const loadFailure = (doing: string, ended: Ended): RunError => {
  const { reason, detail } = gitFailure(doing, ended);
  if (reason === 'OutOfScratchSpace') return new RunError('SandboxTooSmall', detail);
  return new RunError(ended.killedBy === undefined ? 'BackupNotLoadable' : 'SandboxUnavailable', detail);
};

/** Attributes of the repository's own that would have files come out otherwise than they are stored. */
const asStored = '* -text -eol -ident -filter -working-tree-encoding\n';

/**
 * Checks the commit of HEAD out, each file as it is stored. Gives back whether there is one: HEAD may stand for a branch that was not begun.
 * @throws RunError BackupNotLoadable, SandboxTooSmall, SandboxUnavailable
 */
export const checkOut = async (git: LocalGit, repository: string, tree: string): Promise<boolean> => {
  const head = await git.git(['-C', repository, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], {
    stdout: 'ignore',
  });
  if (head.killedBy !== undefined) throw loadFailure('HEAD cannot be read', head);
  if (head.exitCode !== 0) return false;
  await mkdir(join(repository, 'info'), { recursive: true });
  await writeFile(join(repository, 'info/attributes'), asStored);
  await mkdir(tree, { recursive: true });
  const ended = await inTree(git, repository, tree, ['read-tree', '--reset', '-u', 'HEAD']);
  if (wentWrong(ended)) throw loadFailure('The working tree of HEAD cannot be checked out', ended);
  return true;
};

const inTree = (
  git: LocalGit,
  repository: string,
  tree: string,
  args: readonly string[],
  line?: (line: string) => void,
): Promise<Ended> =>
  git.git([`--git-dir=${repository}`, `--work-tree=${tree}`, ...args], {
    cwd: tree,
    ...(line !== undefined && { stdout: { line } }),
  });

/**
 * The paths in a working tree that are not as HEAD has them; every file is read. Two commands are asked, which tell the same by different
 * means: the second finds also what the first passed over because the index does not hold it.
 * @throws RunError BackupNotLoadable, SandboxTooSmall, SandboxUnavailable
 */
export const changedIn = async (git: LocalGit, repository: string, tree: string): Promise<string[]> => {
  // An index made anew knows no times of files, by which git would else take them for read.
  const read = await inTree(git, repository, tree, ['read-tree', 'HEAD']);
  if (read.exitCode !== 0) throw loadFailure('The tree of HEAD cannot be read', read);
  return [
    ...new Set([
      ...(await differingFromIndex(git, repository, tree)),
      ...(await differingFromHead(git, repository, tree)),
    ]),
  ].sort();
};

const needsUpdate = ': needs update';

/** Reads the files anew that the index knows no times of. */
const differingFromIndex = async (git: LocalGit, repository: string, tree: string): Promise<string[]> => {
  const changed: string[] = [];
  const ended = await inTree(git, repository, tree, ['update-index', '--refresh'], (line) =>
    changed.push(line.endsWith(needsUpdate) ? line.slice(0, -needsUpdate.length) : line),
  );
  if (ended.killedBy !== undefined || (ended.exitCode !== 0 && changed.length === 0)) {
    throw loadFailure('The working tree cannot be compared', ended);
  }
  return changed;
};

/** By the index after that: whatever is not in it as in HEAD, or was not found as it says, is named. */
const differingFromHead = async (git: LocalGit, repository: string, tree: string): Promise<string[]> => {
  const changed: string[] = [];
  // Names as the first command has them.
  const args = ['-c', 'core.quotePath=false', 'diff-index', '--name-only', '--no-renames', 'HEAD'];
  const ended = await inTree(git, repository, tree, args, (line) => changed.push(line));
  if (ended.exitCode !== 0) throw loadFailure('The working tree cannot be compared with HEAD', ended);
  return changed;
};
