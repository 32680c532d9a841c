import { access, chmod, chown, cp, lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { DestinationState, SafetyCopy } from '../../../../api/v1alpha1/restore-report.ts';
import { RunError } from '../../../../errors/run-error.ts';
import { errorCode, flush } from '../../../disk.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { shorten } from '../../../text.ts';
import { objectFormatOf, refsIn } from '../collect-facts.ts';
import type { GitFacts } from '../facts.ts';
import { refsMissing } from '../refs.ts';
import type { GitSession } from '../session.ts';
import { detailOf } from './errors.ts';
import { isAsLaid, noteLaid } from './laid.ts';
import { checkPath } from './look.ts';
import { loadedIn } from './scratch.ts';

/** Names beside a repository on a claim. Both renames and both names tell how far a restore had come: no journal is needed. */
export const beside = (path: string, id: string, what: 'new' | 'old'): string => `${path}.holdfast-${id}-${what}`;

export interface PathExchange {
  /** The bare repository that the backup was loaded into. */
  readonly repository: string;
  readonly facts: GitFacts;
  readonly tell: (state: DestinationState) => void;
}

/**
 * Puts the restored repository in the place of the present one by two renames. Of the present one all comes along that is not content: its
 * hooks, configuration, description, and whatever else a server keeps there.
 */
export const exchangePath = async (
  context: RestoreContext,
  session: GitSession,
  { repository, facts, tell }: PathExchange,
): Promise<SafetyCopy> => {
  const path = session.url;
  const shown = session.address.by === 'path' ? session.address.path : path;
  const { id } = context.task;
  const [made, old] = [beside(path, id, 'new'), beside(path, id, 'old')];
  await checkPath(path, shown);
  if (await isThere(old)) {
    const detail = `${beside(shown, id, 'old')} on the claim is there already, set aside by this very restore.`;
    throw new RunError('ExchangeFailed', detail);
  }
  const present = await isThere(path);
  await mkdir(dirname(path), { recursive: true });
  await prepare(context, session, { repository, facts, present, path, made });
  await swapDirectories({ path, made, old, present, tell, shown });
  if (!present) return { kind: 'None', names: [], count: 0 };
  return {
    kind: 'Directory',
    names: [shorten(beside(shown, id, 'old'), 160)],
    count: 1,
    howToUse: `The repository as it was, on the claim. To put it back, move ${shorten(shown, 100)} away and rename it to that.`,
  };
};

interface Preparing {
  readonly repository: string;
  readonly facts: GitFacts;
  readonly present: boolean;
  readonly path: string;
  /** Where it is made. */
  readonly made: string;
}

/**
 * Lays what was loaded beside the repository while everything runs, so that its files are on the claim when they are to take its place. Where
 * even the directory around it is missing, nothing is laid: that is made when nothing else can fail.
 */
export const layBeside = async (context: RestoreContext, { url: path }: GitSession): Promise<void> => {
  if (!(await isThere(dirname(path)))) return;
  const made = beside(path, context.task.id, 'new');
  await orNothing(context, made, async () => {
    await copyTo(loadedIn(context), made);
    await noteLaid(context, made);
  });
};

const copyTo = async (repository: string, made: string): Promise<void> => {
  await rm(made, { recursive: true, force: true });
  await cp(repository, made, { recursive: true, verbatimSymlinks: true });
  await flushTree(made);
};

const prepare = async (context: RestoreContext, session: GitSession, preparing: Preparing): Promise<void> => {
  const { repository, facts, present, path, made } = preparing;
  await orNothing(context, made, async () => {
    // Of an exchange that was stopped when it had begun it is not as it was laid.
    if (!(await isAsLaid(context, made))) await copyTo(repository, made);
    if (present) {
      await carryOver(path, made);
      if (!(await isSound(session, made, facts))) {
        // Its configuration is of another form of repository, or broken.
        await cp(join(repository, 'config'), join(made, 'config'));
        const message =
          'The configuration of the repository that was there does not fit to what is restored: it has a new one.';
        context.note({ reason: 'NotCovered', message });
      }
      await giveTo(context, path, made);
    }
    if (!(await isSound(session, made, facts)))
      throw new RunError('ExchangeFailed', 'What was laid beside the repository is not what was loaded.');
    await flushTree(made);
    await flush(dirname(made));
  });
};

/** Does something with what is laid beside, which is removed when it fails. */
const orNothing = async (context: RestoreContext, made: string, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    context.signal.throwIfAborted();
    if (errorCode(error) === 'EROFS' || errorCode(error) === 'EACCES') {
      const detail = `The claim with the repository cannot be written to: ${detailOf(error)}.`;
      throw new RunError('DestinationUnsupported', detail, { cause: error });
    }
    throw error;
  }
};

/** What git keeps of the content itself, or makes of it; the restored repository has its own. */
const content = new Set([
  'HEAD',
  'FETCH_HEAD',
  'ORIG_HEAD',
  'MERGE_HEAD',
  'objects',
  'refs',
  'reftable',
  'packed-refs',
  'logs',
  'index',
  'shallow',
  'worktrees',
  'modules',
  'gc.log',
  'gc.pid',
]);

const carryOver = async (from: string, to: string): Promise<void> => {
  for (const name of await readdir(from)) {
    if (content.has(name) || name.endsWith('.lock')) continue;
    if (name === 'info') {
      for (const file of ['exclude', 'attributes']) await copyIfThere(join(from, name, file), join(to, name, file));
      continue;
    }
    await rm(join(to, name), { recursive: true, force: true });
    await cp(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  }
};

const copyIfThere = async (from: string, to: string): Promise<void> => {
  if (!(await isThere(from))) return;
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to);
};

/** Whether git reads the refs of the backup in it, as a bare repository of its format. */
const isSound = async (session: GitSession, repository: string, facts: GitFacts): Promise<boolean> => {
  try {
    const bare = await session.git(['-C', repository, 'rev-parse', '--is-bare-repository'], { stdout: 'capture' });
    if (bare.exitCode !== 0 || bare.stdout.trim() !== 'true') return false;
    const refs = await refsIn(session, repository);
    const format = await objectFormatOf(session, repository);
    return (
      format === facts.objectFormat && refs.length === facts.refs.length && refsMissing(facts.refs, refs).length === 0
    );
  } catch (error) {
    if (error instanceof RunError) return false;
    throw error;
  }
};

/** Lets those read and write who could before: by owner where that can be given, by group and others everywhere. */
const giveTo = async (context: RestoreContext, from: string, to: string): Promise<void> => {
  const [directory, file] = [await stat(from), await stat(join(from, 'HEAD')).catch(() => undefined)];
  const others = (file?.mode ?? 0o644) & 0o077;
  const root = process.getuid?.() === 0;
  const paths = (await readdir(to, { recursive: true })).map((name) => join(to, name));
  for (const path of [to, ...paths]) {
    const own = await lstat(path);
    if (root) await chown(path, directory.uid, directory.gid).catch(() => undefined);
    if (own.isDirectory()) await chmod(path, directory.mode & 0o7777);
    else if (own.isFile()) await chmod(path, (own.mode & 0o700) | spread(own.mode & 0o700, others));
  }
  if (root || directory.uid === process.getuid?.()) return;
  const message = `The files of the repository belong to user ${process.getuid?.()} now, and did to user ${directory.uid}: give them back if it is served by that user.`;
  context.note({ reason: 'NotCovered', message });
};

/** The owner’s rights, for group and others as far as those have any by `mask`. */
const spread = (owner: number, mask: number): number => {
  const executable = owner & 0o100 ? ((mask & 0o044) >> 2) & 0o011 : 0;
  return (((owner >> 3) | (owner >> 6)) & mask) | executable;
};

const flushTree = async (directory: string): Promise<void> => {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await flushTree(path);
    else if (entry.isFile()) await flush(path);
  }
  await flush(directory);
};

interface Directories {
  readonly path: string;
  readonly made: string;
  readonly old: string;
  readonly present: boolean;
  readonly tell: (state: DestinationState) => void;
  readonly shown: string;
}

const swapDirectories = async ({ path, made, old, present, tell, shown }: Directories): Promise<void> => {
  tell('Unavailable');
  try {
    if (present) await rename(path, old);
    await rename(made, path);
    await flush(dirname(path));
  } catch (error) {
    const words = `The restored repository could not take the place of ${shown}: ${detailOf(error)}`;
    if (present && !(await isThere(path))) await rename(old, path);
    await rm(made, { recursive: true, force: true });
    await flush(dirname(path));
    tell('PutBack');
    throw new RunError('ExchangeFailed', `${words}. What was there before is there.`, { cause: error });
  }
  tell('Replaced');
};

/** The restores that have left something beside a repository. */
const leftBeside = async (path: string): Promise<{ id: string; what: 'new' | 'old' }[]> => {
  const names = await readdir(dirname(path)).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  const own = `${basename(path)}.holdfast-`;
  return names.flatMap((name) => {
    const match = name.startsWith(own) ? /^([0-9a-f]{8})-(new|old)$/.exec(name.slice(own.length)) : null;
    return match === null ? [] : [{ id: match[1] ?? '', what: match[2] === 'new' ? 'new' : 'old' }];
  });
};

/** Renames back what a restore had moved away when it was killed between its two renames; removes what was not put in place. */
export const recoverPath = async ({ url: path }: GitSession): Promise<string | undefined> => {
  const left = await leftBeside(path);
  const made = left.filter(({ what }) => what === 'new').map(({ id }) => id);
  const interrupted = made.find((id) => left.some((each) => each.id === id && each.what === 'old'));
  let done: string | undefined;
  if (interrupted !== undefined && !(await isThere(path))) {
    await rename(beside(path, interrupted, 'old'), path);
    await flush(dirname(path));
    done = `The restore ${interrupted} was stopped while it replaced the repository: what was there is put back.`;
  }
  for (const id of made) await rm(beside(path, id, 'new'), { recursive: true, force: true });
  return done;
};

/** Removes what a restore has moved away. */
export const discardPath = async ({ url: path }: GitSession, id: string): Promise<void> => {
  const old = beside(path, id, 'old');
  if ((await isThere(beside(path, id, 'new'))) && (await isThere(old)) && !(await isThere(path))) {
    const detail = `The restore ${id} was stopped while it replaced the repository, and ${old} is what is to be put back.`;
    throw new RunError('RestoreInterrupted', detail);
  }
  await rm(old, { recursive: true, force: true });
};

/** Removes what was laid beside and not put in place. */
export const discardBeside = ({ url: path }: GitSession, id: string): Promise<void> =>
  rm(beside(path, id, 'new'), { recursive: true, force: true });

export const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
