import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitTask } from '../../../../api/v1alpha1/sources/git.ts';
import { allEnded } from '../../../../base/all-ended.ts';
import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext, RestoreEngine, RestoreOrder } from '../../../restore/engine.ts';
import type { Compared } from '../../../verify/engine.ts';
import { readFacts } from '../../../verify/read-facts.ts';
import { listAllRefs } from '../advertised.ts';
import { checkObjects, collectFacts, listFacts, type ListedFacts } from '../collect-facts.ts';
import { compareFacts } from '../compare-facts.ts';
import { gitFacts, type GitFacts } from '../facts.ts';
import { loadRepository } from '../load.ts';
import { gitFailure, wentWrong } from '../reasons.ts';
import { safetyRefs, withoutSafetyRefs } from '../refs.ts';
import { openLocalGit, withFiles, type GitSession, type LocalGit } from '../session.ts';
import { lookInto } from '../verify.ts';
import { inRestore } from './errors.ts';
import { discardBeside, discardPath, exchangePath, layBeside, recoverPath } from './exchange-path.ts';
import { deleteBelow } from './delete-refs.ts';
import { checkHead, checkRefs, exchangeRefs } from './exchange-refs.ts';
import { forgetLaid } from './laid.ts';
import { checkPath, lookInPlace } from './look.ts';
import { besideOf, prefixOf } from './names.ts';
import { createGitPutBack } from './put-back.ts';
import { fetchedOf, inSession, loadedIn, makeScratch } from './scratch.ts';
import { discardBesideIn, mayHaveSent, sendBeside } from './send-beside.ts';

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
      if ('fetched' in context.task) await discardHere(context);
      // A push is carried out whole or not at all: there is nothing to be put back.
      return onClaim && into.by === 'InPlace' ? withSession(context, recoverPath) : undefined;
    },
    async load(context, directory) {
      supported();
      if (onClaim)
        await withSession(context, async ({ url, address }) =>
          checkPath(url, address.by === 'path' ? address.path : url),
        );
      const repository = loadedIn(context);
      await mkdir(fetchedOf(context), { recursive: true });
      if (onClaim)
        return withSession(context, async (session) => {
          await loadRepository(session, { directory, repository });
          await allEnded([checkLoaded(session, repository), layBeside(context, session)]);
        });
      const facts = await readFacts(gitFacts, directory);
      await withSession(context, async (session) => {
        const [, before] = await allEnded([
          loadRepository(withFiles(session), { directory, repository }),
          listAllRefs(session),
        ]);
        // What a push cannot do is told while everything runs.
        await checkHead(session, repository, facts);
        checkRefs(withoutSafetyRefs(before), facts);
        await allEnded([checkLoaded(session, repository), sendBeside(context, session, { repository, facts, before })]);
      });
    },
    compare: (context, directory) =>
      withLocalGit(context, async (git) =>
        // Loading has read every object.
        compareRepository(loadedIn(context), await readFacts(gitFacts, directory), () =>
          listFacts(git, loadedIn(context)),
        ),
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
        onClaim
          ? compareRepository(session.url, facts, () => collectFacts(session, session.url))
          : compareServer(context, session, facts),
      );
    },
    async discardLoaded(context) {
      if (onClaim) await withSession(context, (session) => discardBeside(session, id));
      else if (await mayHaveSent(context))
        await withSession(context, (session) => deleteBelow(context, session, [besideOf(id)]));
      if ('fetched' in context.task) await discardHere(context);
    },
    discardSafetyCopy: (context) =>
      withSession(context, (session) =>
        onClaim ? discardPath(session, id) : deleteBelow(context, session, [prefixOf(id), besideOf(id)]),
      ),
    puttingBack: (from) => createGitPutBack(engine, order, from),
  };
  return engine;
};

/** Removes what was made in the volume of what was fetched. */
const discardHere = async (context: RestoreContext): Promise<void> => {
  await rm(loadedIn(context), { recursive: true, force: true });
  await discardBesideIn(context);
  await forgetLaid(context);
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

/** Reads every object of what was loaded. @throws RunError BackupNotLoadable */
const checkLoaded = async (git: LocalGit, repository: string): Promise<void> => {
  const found = await lookInto(async () => ({ flaws: await checkObjects(git, repository) }));
  if ('damaged' in found) throw new RunError('BackupNotLoadable', `What was loaded is damaged: ${found.damaged}`);
};

const compareRepository = async (
  repository: string,
  facts: GitFacts,
  collect: () => Promise<ListedFacts>,
): Promise<Compared> => {
  const found = await lookInto(collect);
  if ('damaged' in found) return { objects: 0, rows: 0, mismatches: [found.damaged], notWitnessed: [] };
  const head = (await readFile(join(repository, 'HEAD'), 'utf8')).trim();
  return compareFacts(facts, { ...found, head, changed: [] });
};

/**
 * Fetches all that a server has now, but for what was set aside: into an empty repository, so that it sends every object, and git takes the name
 * of each from the bytes that came. When these are the names of the facts, they are the objects that were found whole when the facts were
 * taken: git fsck would read the same bytes for the same names again. Its HEAD is its own: that was told when it was exchanged.
 */
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
    const found = await lookInto(() => listFacts(session, repository));
    if ('damaged' in found) return { objects: 0, rows: 0, mismatches: [found.damaged], notWitnessed: [] };
    return compareFacts(facts, { ...found, head: facts.head, changed: [] });
  } finally {
    await scratch.remove();
  }
};
