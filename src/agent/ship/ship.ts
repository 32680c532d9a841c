import { rm } from 'node:fs/promises';
import { allEnded } from '../../base/all-ended.ts';
import type { ShipTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import type { LedgerChain, LedgerCopy, LedgerSet } from '../ledger.ts';
import type { Made, RunContext } from '../run.ts';
import { tidy } from '../tidy.ts';
import { archiveWork } from './archive.ts';
import { chooseChain, type ChosenChain } from './choose.ts';
import { chooseCopy, layOut } from './copy.ts';
import type { ListedFile } from './listing.ts';
import { ensureOwner } from './marker.ts';
import type { Remote } from './remote.ts';
import { withSession, type Session } from './session.ts';
import { chainWith, upload } from './upload.ts';

/**
 * Ships the local copy of this run to the repository: as an incremental where the chain can be continued, else as a full in a chain of its own.
 * It returns when the set is proven to be whole in the repository and is in the ledger.
 * @throws StepFailure with a RunError of the catalogue
 */
export const ship = (context: RunContext<ShipTask>): Promise<Made> =>
  withSession(context, async (session) => {
    try {
      return await shipLocked(session);
    } finally {
      await tidy(context, () => rm(context.layout.outgoing, { recursive: true, force: true }));
      await tidy(context, () => rm(archiveWork(context.layout.archive), { recursive: true, force: true }));
    }
  });

const shipLocked = async (session: Session): Promise<Made> => {
  const { context, archive } = session;
  const copy = await context.step('Prepare', async () => {
    const taken = chooseCopy(await context.ledger.read(), context.jobName);
    await archive.recover();
    return taken;
  });
  // The one waits for the disk and the processor, the other for the host.
  const [, chosen] = await allEnded([
    context.step('Prepare', () => layOut(context.layout, copy, context.signal)),
    chooseWhere(session),
  ]);
  const set = await upload(session, chosen, copy);
  await context.step('Finish', async () => {
    await archive.keep(chosen.directory);
    await record(session, chainWith(session, chosen, set), copy, set);
  });
  return { made: set.type };
};

const chooseWhere = async (session: Session): Promise<ChosenChain> => {
  const { context, remote } = session;
  const listing = await context.step('Connect', () => firstListing(remote));
  return context.step('Repository', async () => {
    await ensureOwner(remote, context.task, listing);
    return chooseChain(session, listing);
  });
};

/** The directory is there but for the first run, so it is made only when it cannot be listed: that is one connection less. */
const firstListing = async (remote: Remote): Promise<ListedFile[]> => {
  try {
    return await remote.list();
  } catch (error) {
    // Some rrsync ends without a word when it is asked for what is not there, which looks like a connection that was lost.
    if (!(error instanceof RunError) || !['RepositoryIncomplete', 'ConnectionLost'].includes(error.reason)) throw error;
    await remote.makeDirectory();
    return remote.list();
  }
};

const record = async ({ context }: Session, chain: LedgerChain, copy: LedgerCopy, set: LedgerSet): Promise<void> => {
  await context.ledger.update((ledger) => ({
    ...ledger,
    copies: ledger.copies.map((each) => (each.name === copy.name ? { ...each, shippedAs: set.setTime } : each)),
    chains: [
      ...ledger.chains.filter((each) => each.directory !== chain.directory || each.repository !== chain.repository),
      chain,
    ],
  }));
};
