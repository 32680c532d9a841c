import { mkdir } from 'node:fs/promises';
import type { FetchTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import type { Made, RunContext } from '../run.ts';
import type { ListedFile } from '../ship/listing.ts';
import { CheckFailed, endFinding, type Finding, newFinding, reportOf } from '../verify/report.ts';
import { type Choice, chooseSets, verifiedSetOf } from './choose.ts';
import { fetchOne } from './fetch-one.ts';
import { ofSet } from './fetch-set.ts';
import { withRepository } from './frame.ts';
import { type Handover, writeHandover } from './handover.ts';
import { clearPlaces } from './places.ts';
import { reviewRepository } from './review.ts';
import type { FetchSession } from './session.ts';
import { checkFetchSpace } from './space.ts';

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
  const findings: Findings = { latest: newFinding() };
  const redact = (text: string): string => secrets.redact(text);
  context.verifies((failure) => ({
    latest: reportOf(findings.latest, redact, failure),
    ...(findings.older && { older: reportOf(findings.older, redact, failure) }),
  }));
  const ground = {
    async begin() {
      await clearPlaces(task.fetched);
      await mkdir(task.fetched, { recursive: true });
    },
    clear: () => clearPlaces(task.fetched),
  };
  await withRepository(context, ground, (session, listing) => fetchSets(session, listing, findings));
  return {};
};

const fetchSets = async (
  session: FetchSession<FetchTask>,
  listing: readonly ListedFile[],
  findings: Findings,
): Promise<void> => {
  const { context } = session;
  const { task } = context;
  const { latest, older } = await context.step('Repository', () => choose(session, listing, findings));
  const choices = older === undefined ? [latest] : [latest, older];
  await context.step('Fetch', () =>
    checkFetchSpace(
      task.fetched,
      choices.map(({ set }) => set.sourceBytes ?? 0),
    ),
  );
  const handover: Handover = {
    latest: await fetchOne(session, latest, 'latest', findings.latest),
    ...(older && findings.older && { older: await fetchOne(session, older, 'older', findings.older) }),
  };
  await context.step('Finish', () => writeHandover(task.fetched, handover));
};

const choose = async (
  session: FetchSession<FetchTask>,
  listing: readonly ListedFile[],
  findings: Findings,
): Promise<{ latest: Choice; older?: Choice }> => {
  const { context, repository } = session;
  const { chains, broken } = await reviewRepository(session, listing);
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
