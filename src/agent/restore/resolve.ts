import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RestorePoint, RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import type { ResolveTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import { type Choice, setsUpTo, verifiedSetOf } from '../fetch/choose.ts';
import { listAll, reviewRepository } from '../fetch/review.ts';
import { prepareRepository } from '../repositories/registry.ts';
import type { Repository } from '../repositories/repository.ts';
import type { Made, RunContext } from '../run.ts';
import type { Remote } from '../ship/remote.ts';
import { tidy } from '../tidy.ts';
import { choosePoint, noPoint } from './choose-point.ts';

type Context = RunContext<ResolveTask>;

/**
 * Finds the very set that a point stands for, by the ledger and a listing of the repository of this moment. It changes nothing there.
 * @throws StepFailure with a RunError of the catalogue: PointNotAvailable names what there is
 */
export const resolve = async (context: Context): Promise<Made> => {
  const { task, layout } = context;
  const scratch = join(task.scratch, 'resolve');
  let report: RestoreReport = {};
  context.restores(() => report);
  try {
    const repository = await context.step('Prepare', async () => {
      await rm(scratch, { recursive: true, force: true });
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      return prepareRepository(context, task, scratch);
    });
    const lock = await context.step('Lock', () => context.lock(layout.repositoryLock, 'repository lock'));
    try {
      const remote = repository.remote({ scratch, extra: [{ inherit: lock.fd }] });
      report = { point: await resolveLocked(context, remote, repository) };
    } finally {
      await lock.release();
    }
    return {};
  } finally {
    await tidy(context, () => rm(scratch, { recursive: true, force: true }));
  }
};

const resolveLocked = async (context: Context, remote: Remote, repository: Repository): Promise<RestorePoint> => {
  const { point: asked } = context.task;
  const listing = await context.step('Connect', () => listAll(remote));
  const { chains, broken } = await context.step('Repository', () =>
    reviewRepository({ context, remote, repository }, listing),
  );
  return context.step('Resolve', async () => {
    const choice = choosePoint({ chains, repository: repository.identity, asked });
    const { chosen, passedOver, range } = choice;
    if (passedOver !== undefined) context.note({ reason: 'SetPassedOver', message: passedOver });
    for (const { directory, problem } of broken)
      context.note({ reason: 'ChainBroken', message: `In ${directory}, ${problem}.` });
    if (chosen === undefined || range === undefined)
      throw new RunError('PointNotAvailable', noPoint({ asked }, choice));
    context.log.info('the set is chosen', { chain: chosen.chain.directory, set: chosen.set.setTime });
    return pointOf(chosen, range);
  });
};

const pointOf = (choice: Choice, range: Pick<RestorePoint, 'earliest' | 'latest'>): RestorePoint => {
  const { set } = choice;
  const { verifiedTime, sourceBytes, sourceRows, server } = set;
  const sets = setsUpTo(choice);
  return {
    set: verifiedSetOf(choice),
    ...(verifiedTime !== undefined && { verifiedTime }),
    sets: sets.length,
    storedBytes: sets.flatMap(({ files }) => files).reduce((sum, { size }) => sum + size, 0),
    ...(sourceBytes !== undefined && { sourceBytes }),
    ...(sourceRows !== undefined && { sourceRows }),
    ...(server !== undefined && { server }),
    ...range,
  };
};
