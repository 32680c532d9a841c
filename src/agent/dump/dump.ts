import { join } from 'node:path';
import type { DumpTask } from '../../api/v1alpha1/task.ts';
import { previousTime } from '../../cron/next.ts';
import { parseCron } from '../../cron/parse.ts';
import { createZone } from '../../cron/zone.ts';
import { errorCode } from '../disk.ts';
import type { LedgerCopy } from '../ledger.ts';
import type { Made, RunContext } from '../run.ts';
import { filesPresent } from './copy-files.ts';
import { chooseCopy, type CopyChoice } from './decide.ts';
import { foreseeSpace } from './foresee.ts';
import { makeCopy } from './make-copy.ts';
import { engineFor } from './registry.ts';
import { byDataTime, pruneCopies, tidyCopies } from './tidy.ts';

/**
 * The work of the dump container: a local copy, made anew, or for a full or incremental the one of the newest slot. The dump lock is
 * waited for, so that a copy that is being made is used when it is done.
 */
export const dump = (context: RunContext<DumpTask>): Promise<Made> =>
  withChoice(context, async (choice) => {
    const { log } = context;
    if ('reuse' in choice) {
      log.info(`local copy ${choice.reuse.name} is used`);
      await context.step('Finish', () => take(context, choice.reuse));
      return {};
    }
    log.info(`a local copy is made: ${choice.dump}`);
    await context.step('Prepare', async () => {
      // Else a claim that is full would stay full when `keep` is lowered.
      await prune(context);
      await foreseeSpace(context);
    });
    const copy = await makeCopy(context, engineFor(context.task.source));
    await context.step('Finish', async () => {
      await take(context, copy);
      await prune(context, copy.name);
    });
    return { made: 'LocalCopy' };
  });

/**
 * The work of the container before it, where workloads are stopped for a dump: says whether one is needed at all. A copy that will do is
 * taken, so that the dump container finds it.
 */
export const decide = (context: RunContext<DumpTask>): Promise<Made> =>
  withChoice(context, async (choice) => {
    if ('dump' in choice) {
      context.log.info(`a dump is needed: ${choice.dump}`);
      return { dumps: true };
    }
    await context.step('Finish', () => take(context, choice.reuse));
    return { dumps: false };
  });

const withChoice = async (
  context: RunContext<DumpTask>,
  work: (choice: CopyChoice) => Promise<Made>,
): Promise<Made> => {
  const { task, layout, jobName } = context;
  const lock = await context.step('Lock', () => context.lock(layout.dumpLock, 'lock for dumps'));
  try {
    await context.step('Prepare', () => tidyCopies(context));
    const newest = (await context.ledger.read()).copies.toSorted(byDataTime).at(-1);
    const choice = chooseCopy({
      slot: slotOf(context),
      newest,
      filesPresent: newest !== undefined && (await filesPresent(join(layout.copies, newest.name), newest)),
      source: task.subject.source,
      quiesce: task.quiesce?.by,
      jobName,
    });
    return await work(choice);
  } finally {
    await lock.release();
  }
};

const slotOf = ({ task, now }: RunContext<DumpTask>): Date | undefined => {
  if (task.reuse === undefined || task.kind === 'LocalCopy') return undefined;
  const schedule = parseCron(task.reuse.schedule);
  // `@every` counts from a start that the agent does not know: no copy older than one interval will do.
  if (schedule.kind === 'every') return new Date(now().getTime() - Number(schedule.seconds) * 1000);
  return previousTime(schedule, createZone(task.reuse.timeZone), now());
};

// Under the dump lock: a full and an incremental that come together each have a copy of their own.
const take = async ({ task, ledger, jobName }: RunContext<DumpTask>, { name }: LedgerCopy): Promise<void> => {
  if (task.kind === 'LocalCopy') return;
  await ledger.update((current) => ({
    ...current,
    copies: current.copies.map((copy) => (copy.name === name ? { ...copy, takenBy: jobName } : copy)),
  }));
};

// The copy is made and recorded: that an old one cannot be removed is no reason to call it failed, and it shows as a full claim later.
const prune = async (context: RunContext<DumpTask>, made?: string): Promise<void> => {
  try {
    await pruneCopies(context, made);
  } catch (error) {
    context.log.warn('old local copies could not be removed', { error, code: errorCode(error) });
  }
};
