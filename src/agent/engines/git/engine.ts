import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitTask } from '../../../api/v1alpha1/sources/git.ts';
import { RunError } from '../../../errors/run-error.ts';
import { canonicalJson } from '../../dump/canonical-json.ts';
import type { Dumped, Engine } from '../../dump/engine.ts';
import { factsFile } from '../../layout.ts';
import type { RunContext } from '../../run.ts';
import { timestamp } from '../../../base/times.ts';
import { dropSafetyRefs, listRefs } from './advertised.ts';
import { bundleFile, headFile, writeBundle } from './bundle.ts';
import { collectFacts, objectFormatOf, refsIn } from './collect-facts.ts';
import { gitFacts, holdingOf, type RepositoryFacts } from './facts.ts';
import { findOutside, wordsOf, workingTreeOf } from './gaps.ts';
import { reach } from './reach.ts';
import { gitFailure, wentWrong } from './reasons.ts';
import { headMatches, namesInBoth, refsMissing, unmoved, type Advertised, type Ref } from './refs.ts';
import { openSession, type GitSession } from './session.ts';

/**
 * Copies a repository with every ref into a bundle, and reads the bundle back before it counts: the facts are those of what was read back.
 */
export const createGitEngine = (source: GitTask): Engine => ({
  async dump(context, directory) {
    const session = await context.step('Prepare', () => openSession(context, source));
    // Beside the files of the copy while it is made: the claim has the room that the policy asked for.
    const work = join(directory, 'work');
    try {
      await mkdir(work);
      return await dumpRepository({ context, session, directory, work });
    } finally {
      await session.close();
      await rm(work, { recursive: true, force: true });
    }
  },
});

interface Dumping {
  readonly context: RunContext;
  readonly session: GitSession;
  /** Where the files of the copy go. */
  readonly directory: string;
  readonly work: string;
}

const dumpRepository = async (dumping: Dumping): Promise<Dumped> => {
  const { context, session, directory } = dumping;
  // The clock before the server is first asked: the state is not older than this says.
  const dataTime = context.now();
  const before = await context.step('Connect', async () => {
    await reach(session, context.signal);
    return listRefs(session);
  });
  const fetched = await context.step('Dump', () => fetchAndPack(dumping, before));
  const { facts, outside } = await context.step('Check', () => readBack(dumping, fetched));
  const written = gitFacts.parse({
    version: 1,
    engine: 'git',
    dataTime: timestamp(dataTime),
    head: fetched.head.trim(),
    ...facts,
  });
  await writeFile(join(directory, factsFile), canonicalJson(written), { mode: 0o640 });
  const notCovered = wordsOf(outside, { advertised: before, workingTree: await workingTreeOf(session) });
  return { dataTime, factsKnown: true, ...holdingOf(written), notCovered };
};

interface Fetched {
  readonly refs: readonly Ref[];
  /** The content of the file HEAD. */
  readonly head: string;
  readonly objectFormat: RepositoryFacts['objectFormat'];
  /** How many objects were put into the bundle. */
  readonly objects: number;
}

const fetchAndPack = async ({ context, session, directory, work }: Dumping, before: Advertised): Promise<Fetched> => {
  const mirror = join(work, 'fetched.git');
  const ended = await session.git([
    'clone',
    '--quiet',
    '--mirror',
    // Copies of files would copy damaged objects as they are.
    '--no-local',
    '--reject-shallow',
    '--',
    session.url,
    mirror,
  ]);
  if (wentWrong(ended)) throw gitFailure('The repository cannot be fetched', ended);
  await dropSafetyRefs(session, mirror, join(work, 'safety-refs'));
  const refs = await refsIn(session, mirror);
  const head = await readFile(join(mirror, 'HEAD'), 'utf8');
  checkFetched(context, { before, after: await listRefs(session), refs, head });
  const objectFormat = await objectFormatOf(session, mirror);
  const objects = await writeBundle(session, { repository: mirror, directory, objectFormat });
  await writeFile(join(directory, headFile), head, { mode: 0o640 });
  await rm(mirror, { recursive: true });
  return { refs, head, objectFormat, objects };
};

interface FetchedState {
  readonly before: Advertised;
  readonly after: Advertised;
  readonly refs: readonly Ref[];
  readonly head: string;
}

/**
 * A fetch takes the refs as the server lists them once, at some moment between two looks. What was the same in both must be in it as it
 * was; what moved meanwhile must be there in some state.
 */
const checkFetched = ({ log }: Pick<RunContext, 'log'>, { before, after, refs, head }: FetchedState): void => {
  const names = new Set(refs.map(({ name }) => name));
  const missing = [
    ...refsMissing(unmoved(before, after), refs).map(({ name }) => name),
    ...namesInBoth(before, after).filter((name) => !names.has(name)),
  ];
  if (missing.length > 0) {
    const list = [...new Set(missing)].slice(0, 5).join(', ');
    throw new RunError(
      'DumpFailed',
      `git said that it fetched everything, but these refs are not as on the server: ${list}.`,
    );
  }
  if (!headMatches(before, after, head, refs)) {
    throw new RunError(
      'DumpFailed',
      `git said that it fetched everything, but HEAD is not as on the server: ${head.trim()}.`,
    );
  }
  const moved = refsMissing(before.refs, after.refs).length + refsMissing(after.refs, before.refs).length;
  if (moved > 0) log.info('refs moved while they were fetched', { moved });
};

/** Clones from the bundle as whoever restores it does: what counts is what comes out of it. */
const readBack = async (
  { session, directory, work }: Dumping,
  fetched: Fetched,
): Promise<{ facts: RepositoryFacts; outside: Awaited<ReturnType<typeof findOutside>> }> => {
  const bundle = join(directory, bundleFile);
  const restored = join(work, 'restored.git');
  const args = ['-c', 'protocol.file.allow=always', 'clone', '--quiet', '--mirror', '--', bundle, restored];
  const ended = await session.git(args);
  if (ended.exitCode !== 0) {
    const failure = gitFailure('The bundle that was written cannot be read', ended);
    throw failure.reason === 'OutOfScratchSpace' ? failure : new RunError('DumpTruncated', failure.detail);
  }
  const facts = await collectFacts(session, restored);
  const lost = refsMissing(fetched.refs, facts.refs);
  if (lost.length > 0 || facts.refs.length !== fetched.refs.length) {
    const list = lost.slice(0, 5).map(({ name }) => name);
    throw new RunError(
      'DumpTruncated',
      `The bundle that was written does not have the refs that were fetched: ${list.join(', ')}.`,
    );
  }
  const { commit, tree, blob, tag } = facts.objects;
  const found = commit + tree + blob + tag;
  if (found !== fetched.objects || facts.objectFormat !== fetched.objectFormat) {
    const detail = `The bundle that was written has ${found} objects instead of ${fetched.objects}.`;
    throw new RunError('DumpTruncated', detail);
  }
  return { facts, outside: await findOutside(session, restored) };
};
