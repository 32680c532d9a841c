import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FetchTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import { replaceFile } from '../disk.ts';
import { runErrorOf, StepFailure } from '../failure-of.ts';
import { prepareRepository } from '../repositories/registry.ts';
import type { Made, RunContext } from '../run.ts';
import { tidy } from '../tidy.ts';
import { makeGpgHome, stopGpgAgent } from '../ship/gpg.ts';
import type { ListedFile } from '../ship/listing.ts';
import { checkOwner } from '../ship/marker.ts';
import type { Remote } from '../ship/remote.ts';
import { reviewLedger } from '../ship/review.ts';
import { plainText } from '../text.ts';
import { CheckFailed, endFinding, type Finding, isDamage, newFinding, reportOf } from '../verify/report.ts';
import { type Choice, chooseSets, verifiedSetOf } from './choose.ts';
import { fetchSet, ofSet } from './fetch-set.ts';
import { handoverFile, type Handover } from './handover.ts';
import { prepareKeys } from './keys.ts';
import type { FetchSession, Prepared } from './session.ts';
import { checkFetchSpace } from './space.ts';

/** Where sets are laid in the volume that the next container has too. */
const places = { latest: 'latest', older: 'older', temporary: 'work' } as const;

/** What is found of the sets while they are fetched. */
interface Findings {
  latest: Finding;
  older?: Finding;
}

/**
 * Fetches the newest set, and an older one where that is asked for, from the repository with no cache, and proves that each is what was
 * stored. It returns when the next container can load them; when it cannot, the result says of each set what was seen.
 * @throws StepFailure with a RunError of the catalogue
 */
export const fetch = async (context: RunContext<FetchTask>): Promise<Made> => {
  const { task, secrets } = context;
  const scratch = join(task.scratch, 'fetch');
  const findings: Findings = { latest: newFinding() };
  const redact = (text: string): string => secrets.redact(text);
  context.verifies((failure) => ({
    latest: reportOf(findings.latest, redact, failure),
    ...(findings.older && { older: reportOf(findings.older, redact, failure) }),
  }));
  let done = false;
  try {
    const prepared = await context.step('Prepare', async () => {
      await clearFetched(task);
      return prepare(context, scratch);
    });
    const lock = await context.step('Lock', () => context.lock(context.layout.repositoryLock, 'repository lock'));
    try {
      const remote = prepared.repository.remote({ scratch, extra: [{ inherit: lock.fd }] });
      await fetchLocked({ ...prepared, lock, remote }, findings);
    } finally {
      await lock.release();
    }
    done = true;
    return {};
  } finally {
    await tidy(context, () => stopGpgAgent(context, join(scratch, 'gpg')));
    await tidy(context, () => rm(scratch, { recursive: true, force: true }));
    if (!done) await tidy(context, () => clearFetched(task));
  }
};

const clearFetched = async ({ fetched }: FetchTask): Promise<void> => {
  for (const name of [...Object.values(places), handoverFile])
    await rm(join(fetched, name), { recursive: true, force: true });
};

const prepare = async (context: RunContext<FetchTask>, scratch: string): Promise<Prepared> => {
  const { task } = context;
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  await mkdir(task.fetched, { recursive: true });
  const repository = await prepareRepository(context, task, scratch);
  const keys = await prepareKeys(context, task.decryption, await makeGpgHome(scratch));
  return { context, scratch, repository, keys };
};

const fetchLocked = async (session: FetchSession, findings: Findings): Promise<void> => {
  const { context, remote } = session;
  const { task } = context;
  const listing = await context.step('Connect', () => listAll(remote));
  const { latest, older } = await context.step('Repository', () => choose(session, listing, findings));
  const choices = older === undefined ? [latest] : [latest, older];
  await context.step('Fetch', () =>
    checkFetchSpace(
      task.fetched,
      choices.map(({ set }) => set.sourceBytes ?? 0),
    ),
  );
  const handover: Handover = {
    latest: await fetchOne(session, latest, places.latest, findings.latest),
    ...(older && findings.older && { older: await fetchOne(session, older, places.older, findings.older) }),
  };
  await context.step('Finish', () => replaceFile(join(task.fetched, handoverFile), `${JSON.stringify(handover)}\n`));
};

/** A directory that is gone is the worst that can be found: then every file of every chain is missing. */
const listAll = async (remote: Remote): Promise<ListedFile[]> => {
  try {
    return await remote.list();
  } catch (error) {
    if (error instanceof RunError && error.reason === 'RepositoryIncomplete') return [];
    throw error;
  }
};

const choose = async (
  session: FetchSession,
  listing: readonly ListedFile[],
  findings: Findings,
): Promise<{ latest: Choice; older?: Choice }> => {
  const { context, remote, repository } = session;
  if (listing.length > 0) await checkOwner(remote, context.task, listing);
  const { chains, broken } = await reviewLedger({ context, remote, repositoryId: repository.identity }, listing);
  const { latest, older } = chooseSets({
    chains,
    repository: repository.identity,
    broken: broken.map(({ directory }) => directory),
    points: context.task.points,
    random: Math.random,
  });
  if (latest === undefined)
    throw new RunError('NothingToVerify', `The ledger on the claim has no whole set in ${repository.identity}.`);
  findings.latest = newFinding(verifiedSetOf(latest));
  if (older !== undefined) findings.older = newFinding(verifiedSetOf(older));
  for (const { directory, problem } of broken.filter((chain) => chain.directory !== latest.chain.directory))
    context.note({ reason: 'ChainBroken', message: `In ${directory}, ${problem}.` });
  const { problem } = latest.chain;
  if (problem !== undefined) {
    const error = ofSet(latest, new CheckFailed('complete', 'BackupDamaged', problem));
    endFinding(findings.latest, error);
    throw error;
  }
  return { latest, ...(older && { older }) };
};

/** Fetches one set; what is wrong with it is remembered of its chain, so that nothing continues it or counts on it. */
const fetchOne = async (session: FetchSession, choice: Choice, name: string, finding: Finding) => {
  const { context } = session;
  const { fetched } = context.task;
  try {
    return await fetchSet(
      session,
      choice,
      { directory: join(fetched, name), temporary: join(fetched, places.temporary) },
      finding,
    );
  } catch (thrown) {
    context.signal.throwIfAborted();
    const cause = thrown instanceof StepFailure ? thrown.cause : thrown;
    const error = ofSet(choice, cause);
    endFinding(finding, error);
    if (isDamage(runErrorOf(error).reason)) await rememberDamage(session, choice, runErrorOf(error).detail);
    throw thrown instanceof StepFailure ? new StepFailure(thrown.step, error) : error;
  }
};

const rememberDamage = async (
  { context, repository }: FetchSession,
  { chain: { directory } }: Choice,
  words: string,
): Promise<void> => {
  const damaged = plainText(context.secrets.redact(words)).slice(0, 256);
  await context.ledger.update((ledger) => ({
    ...ledger,
    chains: ledger.chains.map((chain) =>
      chain.repository === repository.identity && chain.directory === directory
        ? { ...chain, problem: damaged, damaged }
        : chain,
    ),
  }));
};
