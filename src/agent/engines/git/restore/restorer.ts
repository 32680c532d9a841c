import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitTask } from '../../../../api/v1alpha1/sources/git.ts';
import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext, RestoreEngine, RestoreOrder } from '../../../restore/engine.ts';
import type { Compared } from '../../../verify/engine.ts';
import { readFacts } from '../../../verify/read-facts.ts';
import { listRefs } from '../advertised.ts';
import { compareFacts } from '../compare-facts.ts';
import { gitFacts, type GitFacts } from '../facts.ts';
import { loadRepository } from '../load.ts';
import { gitFailure, wentWrong } from '../reasons.ts';
import { safetyRefs } from '../refs.ts';
import { openLocalGit, type GitSession, type LocalGit } from '../session.ts';
import { lookInto } from '../verify.ts';
import { inRestore } from './errors.ts';
import { discardBeside, discardPath, exchangePath, recoverPath } from './exchange-path.ts';
import { checkHead, checkRefs, discardRefs, exchangeRefs } from './exchange-refs.ts';
import { checkPath, lookInPlace } from './look.ts';
import { createGitPutBack } from './put-back.ts';
import { fetchedOf, inSession, loadedIn, makeScratch } from './scratch.ts';

/**
 * Brings a git repository back out of a bundle. It is loaded into a repository of its own in the volume of what was fetched, which all
 * containers of the restore have; then a server exchanges its refs in one push, or a repository on a claim is exchanged as a directory.
 */
export const createGitRestorer = (order: RestoreOrder<GitTask>): RestoreEngine => {
  const { target, into, id } = order;
  const onClaim = target.access.by === 'path';

  const withSession = <T>(context: RestoreContext, work: (session: GitSession) => Promise<T>): Promise<T> =>
    inSession(context, target, work);

  const supported = (): void => {
    if (into.by === 'InPlace') return;
    const detail = 'A git repository is restored in place, into a sandbox, or as files onto a volume.';
    throw new RunError('DestinationUnsupported', detail);
  };

  const engine: RestoreEngine = {
    look(context, newest) {
      supported();
      return withSession(context, (session) => lookInPlace(context, session, newest));
    },
    async recover(context) {
      if ('fetched' in context.task) await rm(loadedIn(context), { recursive: true, force: true });
      // A push is carried out whole or not at all: there is nothing to be put back.
      return onClaim && into.by === 'InPlace' ? withSession(context, recoverPath) : undefined;
    },
    async load(context, directory) {
      supported();
      if (onClaim)
        await withSession(context, async ({ url, address }) =>
          checkPath(url, address.by === 'path' ? address.path : url),
        );
      await withLocalGit(context, async (git) => {
        await mkdir(fetchedOf(context), { recursive: true });
        await loadRepository(git, { directory, repository: loadedIn(context) });
      });
      if (onClaim) return;
      // What a push cannot do is told while everything runs.
      const facts = await readFacts(gitFacts, directory);
      await withSession(context, async (session) => {
        await checkHead(session, loadedIn(context), facts);
        checkRefs(await listRefs(session), facts);
      });
    },
    compare: (context, directory) =>
      withLocalGit(context, async (git) =>
        compareRepository(git, loadedIn(context), await readFacts(gitFacts, directory)),
      ),
    async swap(context, directory, tell) {
      supported();
      const facts = await readFacts(gitFacts, directory);
      const exchange = { repository: loadedIn(context), facts, tell };
      return withSession(context, (session) =>
        onClaim ? exchangePath(context, session, exchange) : exchangeRefs(context, session, exchange),
      );
    },
    async check(context, directory) {
      const facts = await readFacts(gitFacts, directory);
      return withSession(context, (session) =>
        onClaim ? compareRepository(session, session.url, facts) : compareServer(context, session, facts),
      );
    },
    async discardLoaded(context) {
      if ('fetched' in context.task) await rm(loadedIn(context), { recursive: true, force: true });
      if (onClaim) await withSession(context, (session) => discardBeside(session, id));
    },
    discardSafetyCopy: (context) =>
      withSession(context, (session) => (onClaim ? discardPath(session, id) : discardRefs(context, session))),
    puttingBack: (from) => createGitPutBack(engine, order, from),
  };
  return engine;
};

const withLocalGit = <T>(context: RestoreContext, work: (git: LocalGit) => Promise<T>): Promise<T> =>
  inRestore(async () => {
    const git = await openLocalGit(context);
    try {
      return await work(git);
    } finally {
      await git.close();
    }
  });

const compareRepository = async (git: LocalGit, repository: string, facts: GitFacts): Promise<Compared> => {
  const found = await lookInto(git, repository);
  if ('damaged' in found) return { objects: 0, rows: 0, mismatches: [found.damaged], notWitnessed: [] };
  const head = (await readFile(join(repository, 'HEAD'), 'utf8')).trim();
  return compareFacts(facts, { ...found, head, changed: [] });
};

/** Fetches what a server has now, but for what was set aside. Its HEAD is its own: that was told when it was exchanged. */
const compareServer = async (context: RestoreContext, session: GitSession, facts: GitFacts): Promise<Compared> => {
  const scratch = await makeScratch(context, 'check');
  try {
    const repository = join(scratch.path, 'check.git');
    const made = await session.git(['init', '--quiet', '--bare', `--object-format=${facts.objectFormat}`, repository]);
    if (made.exitCode !== 0) throw gitFailure('A repository cannot be made', made);
    const refspecs = ['+refs/*:refs/*', `^${safetyRefs}*`];
    const args = ['-C', repository, 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head'];
    const fetched = await session.git([...args, '--', session.url, ...refspecs]);
    if (wentWrong(fetched)) throw gitFailure('What is there now cannot be fetched', fetched);
    const found = await lookInto(session, repository);
    if ('damaged' in found) return { objects: 0, rows: 0, mismatches: [found.damaged], notWitnessed: [] };
    return compareFacts(facts, { ...found, head: facts.head, changed: [] });
  } finally {
    await scratch.remove();
  }
};
