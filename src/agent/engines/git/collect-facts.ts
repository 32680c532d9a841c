import { createHash } from 'node:crypto';
import { RunError } from '../../../errors/run-error.ts';
import type { RepositoryFacts } from './facts.ts';
import { createFsckReport } from './fsck.ts';
import { gitFailure } from './reasons.ts';
import { parseRefs, type Ref } from './refs.ts';
import type { LocalGit } from './session.ts';

/** Every ref of a repository on this machine, sorted by name. */
export const refsIn = async (session: LocalGit, repository: string): Promise<Ref[]> => {
  const lines: string[] = [];
  const args = ['-C', repository, 'for-each-ref', '--format=%(objectname) %(refname)'];
  const ended = await session.git(args, { stdout: { line: (line) => lines.push(line) } });
  if (ended.exitCode !== 0) throw gitFailure('The refs cannot be listed', ended);
  return parseRefs(lines);
};

export const objectFormatOf = async (
  session: LocalGit,
  repository: string,
): Promise<RepositoryFacts['objectFormat']> => {
  const ended = await session.git(['-C', repository, 'rev-parse', '--show-object-format'], { stdout: 'capture' });
  if (ended.stdout === 'sha1' || ended.stdout === 'sha256') return ended.stdout;
  throw gitFailure('The format of the objects cannot be told', ended);
};

/**
 * Checks a bare repository whole, and takes its facts: every object of it, also what no ref leads to.
 * @throws RunError SourceDamaged
 */
export const collectFacts = async (session: LocalGit, repository: string): Promise<RepositoryFacts> => ({
  objectFormat: await objectFormatOf(session, repository),
  refs: await refsIn(session, repository),
  flaws: await checkObjects(session, repository),
  ...(await objectsIn(session, repository)),
});

/** Facts of a repository in which every object was read just now, and named by what was read: by a check, or by git when it received them. */
export type ListedFacts = Omit<RepositoryFacts, 'flaws'>;

/** Takes the facts of a bare repository, and reads no object. */
export const listFacts = async (session: LocalGit, repository: string): Promise<ListedFacts> => ({
  objectFormat: await objectFormatOf(session, repository),
  refs: await refsIn(session, repository),
  ...(await objectsIn(session, repository)),
});

/**
 * Reads every object of a bare repository; gives how often git complains about the form of one.
 * @throws RunError SourceDamaged
 */
export const checkObjects = async (session: LocalGit, repository: string): Promise<number> => {
  const report = createFsckReport();
  // Complaints come on standard error.
  const args = ['-C', repository, 'fsck', '--full', '--strict', '--no-dangling', '--no-progress'];
  const ended = await session.git(args, { stdout: { line: report.add }, stderr: { line: report.add } });
  if (ended.killedBy !== undefined) throw gitFailure('The objects cannot be checked', ended);
  const verdict = report.verdict(ended);
  if ('flaws' in verdict) return verdict.flaws;
  throw new RunError('SourceDamaged', `git fsck says: ${verdict.damaged}.`.replace(/\.\.$/, '.'));
};

const objectsIn = async (
  session: LocalGit,
  repository: string,
): Promise<Pick<RepositoryFacts, 'objects' | 'objectsDigest'>> => {
  const objects = { commit: 0, tree: 0, blob: 0, tag: 0 };
  const digest = createHash('sha256');
  const count = (line: string): void => {
    const [type = '', id = ''] = line.split(' ');
    if (!(type in objects)) return;
    objects[type as keyof typeof objects] += 1;
    digest.update(`${id}\n`);
  };
  // Sorted by ID, each once.
  const args = ['-C', repository, 'cat-file', '--batch-all-objects', '--batch-check=%(objecttype) %(objectname)'];
  const ended = await session.git(args, { stdout: { line: count } });
  if (ended.exitCode !== 0) throw gitFailure('The objects cannot be listed', ended);
  return { objects, objectsDigest: digest.digest('hex') };
};
