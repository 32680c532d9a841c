import type { RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import type { BringTask } from '../../api/v1alpha1/task.ts';
import { verifiedSetOf } from '../fetch/choose.ts';
import { fetchOne } from '../fetch/fetch-one.ts';
import { withRepository } from '../fetch/frame.ts';
import { type FetchedSet, writeHandover } from '../fetch/handover.ts';
import { reviewToRestore } from '../fetch/review.ts';
import type { FetchSession } from '../fetch/session.ts';
import { checkBringSpace } from '../fetch/space.ts';
import type { Made, RunContext } from '../run.ts';
import type { ListedFile } from '../ship/listing.ts';
import { newFinding } from '../verify/report.ts';
import { bringGround } from './bring-ground.ts';
import { recordedIn } from './choose-point.ts';
import { foundChains } from './found/listed.ts';
import { openFound } from './found/open.ts';
import { findPlanned } from './planned.ts';

/**
 * Fetches the set that was planned, and no other, from the repository with no cache, and proves that it is what was stored. It returns when
 * the next container can load it.
 * @throws StepFailure with a RunError of the catalogue
 */
export const bring = async (context: RunContext<BringTask>): Promise<Made> => {
  let report: RestoreReport = { state: 'Untouched' };
  context.restores(() => report);
  const { bytes, seconds } = await withRepository(context, bringGround(context.task), bringSet);
  report = { ...report, fetched: { bytes, seconds } };
  return {};
};

const bringSet = async (session: FetchSession<BringTask>, listing: readonly ListedFile[]): Promise<FetchedSet> => {
  const { context, repository, keys } = session;
  const { fetched, set } = context.task;
  const planned = await context.step('Repository', async () => {
    const { chains, broken } = await reviewToRestore(session, listing);
    for (const { directory, problem } of broken)
      context.note({ reason: 'ChainBroken', message: `In ${directory}, ${problem}.` });
    if (set.unrecorded === undefined) return findPlanned({ chains, repository: repository.identity, set });
    const recorded = recordedIn(chains, repository.identity);
    const encrypted = keys.method !== 'none';
    return openFound(session, foundChains({ listing, recorded, encrypted, now: context.now() }));
  });
  await context.step('Fetch', () => checkBringSpace(fetched, planned.set.sourceBytes ?? 0));
  const latest = await fetchOne(session, planned, 'latest', newFinding(verifiedSetOf(planned)));
  await context.step('Finish', () => writeHandover(fetched, { latest }));
  return latest;
};
