import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CopyOf } from '../../../../api/v1alpha1/task.ts';
import type { GitTask } from '../../../../api/v1alpha1/sources/git.ts';
import { timestamp } from '../../../../base/times.ts';
import { RunError } from '../../../../errors/run-error.ts';
import { canonicalJson } from '../../../dump/canonical-json.ts';
import { factsFile } from '../../../layout.ts';
import type { PutBackEngine, RestoreContext, RestoreEngine, RestoreOrder } from '../../../restore/engine.ts';
import { listAllRefs } from '../advertised.ts';
import { collectFacts } from '../collect-facts.ts';
import { gitFacts, holdingOf, type GitFacts } from '../facts.ts';
import { gitFailure, wentWrong } from '../reasons.ts';
import { refsMissing, withoutSafetyRefs, type Advertised, type Ref } from '../refs.ts';
import type { GitSession } from '../session.ts';
import { detailOf } from './errors.ts';
import { beside, isThere, layBeside } from './exchange-path.ts';
import { checkRefs } from './exchange-refs.ts';
import { isPushable, prefixOf } from './names.ts';
import { inSession, loadedIn, makeScratch } from './scratch.ts';
import { sendBeside } from './send-beside.ts';

type From = Pick<CopyOf, 'id' | 'count'>;

const unavailable = (detail: string, cause?: unknown): RunError =>
  new RunError('SafetyCopyUnavailable', detail, { cause });

/**
 * Puts back what an earlier restore has set aside, at the server or beside the repository on a claim: it is copied into a repository of its own, checked
 * whole, and exchanged like a backup that was loaded. What was set aside stays until its time is over. Its objects witness themselves; which
 * refs there are is told by their number, as the restore said it then.
 */
export const createGitPutBack = (
  engine: RestoreEngine,
  { target }: RestoreOrder<GitTask>,
  from: From,
): PutBackEngine => ({
  async look(context, newest) {
    const found = await engine.look(context, newest);
    const facts = await inSession(context, target, async (session) => {
      const scratch = await makeScratch(context, 'copy');
      try {
        return await bringCopy(context, session, { from, repository: join(scratch.path, 'copy.git') });
      } finally {
        await scratch.remove();
      }
    });
    return { found, copy: { objects: facts.refs.length, rows: holdingOf(facts).rows } };
  },
  load: (context, directory) =>
    inSession(context, target, async (session) => {
      const facts = await bringCopy(context, session, { from, repository: loadedIn(context) });
      await writeFile(join(directory, factsFile), canonicalJson(facts), { mode: 0o640 });
      if (session.address.by === 'path') return layBeside(context, session);
      const before = await listAllRefs(session);
      checkRefs(withoutSafetyRefs(before), facts);
      await sendBeside(context, session, { repository: loadedIn(context), facts, before });
    }),
  compare: (context, directory) => engine.compare(context, directory),
  swap: (context, directory, tell) => engine.swap(context, directory, tell),
  check: (context, directory) => engine.check(context, directory),
});

interface Bringing {
  readonly from: From;
  /** Where it is copied to; nothing must be there. */
  readonly repository: string;
}

/** Copies what was set aside, and gives its facts when it is whole. @throws RunError SafetyCopyUnavailable */
const bringCopy = async (context: RestoreContext, session: GitSession, bringing: Bringing): Promise<GitFacts> => {
  const { repository } = bringing;
  await rm(repository, { recursive: true, force: true });
  const { head, refs } =
    session.address.by === 'path'
      ? await clonePath(session, bringing)
      : await fetchRefs(session, bringing, await listAllRefs(session));
  try {
    const found = await collectFacts(session, repository);
    if (refs !== undefined && (refsMissing(refs, found.refs).length > 0 || found.refs.length !== refs.length))
      throw unavailable('What was fetched of the safety copy is not what the server lists.');
    const dataTime = timestamp(context.now());
    return gitFacts.parse({ version: 1, engine: 'git', dataTime, head, ...found });
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof RunError) || error.reason !== 'SourceDamaged') throw error;
    throw unavailable(`What was set aside is damaged, and is put back by hand alone: ${detailOf(error)}.`, error);
  }
};

interface Brought {
  /** As the file HEAD has it. */
  readonly head: string;
  /** The refs that it must have, where a server told them. */
  readonly refs?: readonly Ref[];
}

const clonePath = async (session: GitSession, { from, repository }: Bringing): Promise<Brought> => {
  const old = beside(session.url, from.id, 'old');
  const shown = session.address.by === 'path' ? beside(session.address.path, from.id, 'old') : old;
  if (!(await isThere(old))) throw unavailable(`There is no ${shown} on the claim: the safety copy was discarded.`);
  const cloned = await session.git(['clone', '--quiet', '--mirror', '--no-local', '--', old, repository]);
  if (wentWrong(cloned)) {
    const { detail } = gitFailure(`${shown} on the claim cannot be read`, cloned);
    throw unavailable(`What was set aside is damaged, and is put back by hand alone: ${detail}`);
  }
  const forgotten = await session.git(['-C', repository, 'config', '--remove-section', 'remote.origin']);
  if (forgotten.exitCode !== 0) throw gitFailure('The copy cannot be read', forgotten);
  const head = await readFile(join(old, 'HEAD'), 'utf8');
  await writeFile(join(repository, 'HEAD'), head);
  return { head: head.trim() };
};

/** HEAD of a server is none of a client's business: it stays as it is, and so do the few refs that no push can move. */
const fetchRefs = async (session: GitSession, { from, repository }: Bringing, there: Advertised): Promise<Brought> => {
  const prefix = prefixOf(from.id);
  const own = there.refs.filter(({ name }) => name.startsWith(prefix));
  if (own.length === 0) throw unavailable(`The server has no refs below ${prefix}: the safety copy was discarded.`);
  if (own.length !== from.count)
    throw unavailable(`The server has ${own.length} refs below ${prefix}, and ${from.count} were set aside.`);
  const fixed = withoutSafetyRefs(there).refs.filter((ref) => !isPushable(ref));
  const git = async (doing: string, args: readonly string[]): Promise<void> => {
    const ended = await session.git(args);
    if (wentWrong(ended)) throw gitFailure(doing, ended);
  };
  const format = own[0]?.object.length === 64 ? 'sha256' : 'sha1';
  await git('A repository cannot be made', ['init', '--quiet', '--bare', `--object-format=${format}`, repository]);
  const refspecs = [`+${prefix}*:refs/*`, ...fixed.map(({ name }) => `+${name}:${name}`)];
  const options = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head'];
  await git('What was set aside cannot be fetched', ['-C', repository, ...options, '--', session.url, ...refspecs]);
  const head = `ref: ${there.head.target ?? 'refs/heads/main'}`;
  await writeFile(join(repository, 'HEAD'), `${head}\n`);
  const refs = own.map(({ name, object }): Ref => ({ name: `refs/${name.slice(prefix.length)}`, object }));
  return { head, refs: [...refs, ...fixed] };
};
