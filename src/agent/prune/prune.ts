import { parseDuration } from '../../api/v1alpha1/duration.ts';
import type { RetentionState } from '../../api/v1alpha1/recovery-points.ts';
import type { PruneTask } from '../../api/v1alpha1/task.ts';
import { timestamp } from '../../base/times.ts';
import { createZone, type Zone } from '../../cron/zone.ts';
import { RunError } from '../../errors/run-error.ts';
import type { Ledger, LedgerChain } from '../ledger.ts';
import { onlyRemote, withRemote } from '../repositories/with-remote.ts';
import type { Made, RunContext } from '../run.ts';
import type { ListedFile } from '../ship/listing.ts';
import { checkOwner } from '../ship/marker.ts';
import { measuresOf, shrinkOf } from '../shrink.ts';
import { plainText, shorten } from '../text.ts';
import { decidePrune } from './decide.ts';
import { expiryOf } from '../../cron/expiry.ts';
import { removeChains } from './remove.ts';
import { ageOf, leftIn, reviewForPrune } from './review.ts';
import type { PruneSession } from './session.ts';

const maxLeft = 200;
const shownNames = 4;

/**
 * Removes the chains that retention no longer asks for. It decides by the ledger and the repository as it finds them under the lock, so that
 * an operator that is behind removes nothing that became precious, and returns when the repository, listed again, is without them.
 * @throws StepFailure with a RunError of the catalogue
 */
export const prune = (context: RunContext<PruneTask>): Promise<Made> =>
  withRemote(context, onlyRemote('prune'), ({ repository, remote }) =>
    pruneLocked({ context, remote, repositoryId: repository.identity }),
  );

const pruneLocked = async (session: PruneSession): Promise<Made> => {
  const { context, remote } = session;
  const { task } = context;
  const zone = createZone(task.timeZone);
  const listing = await context.step('Connect', () => remote.list());
  const ledger = await context.step('Repository', async () => {
    await checkOwner(remote, task, listing);
    return review(session, listing);
  });
  // The earlier of two clocks: one that is ahead would let everything look old.
  const now = new Date(Math.min(context.now().getTime(), Date.parse(task.asOf)));
  const due = await context.step('Repository', async () => {
    checkSource(session, ledger);
    return decidePrune({ chains: ownChains(session, ledger.chains), listing, task, now, zone }).due;
  });
  const { removed, listing: after } = await context.step('Remove', () => removeChains(session, due, listing));
  const left = (await context.ledger.read()).chains;
  const retention = stateOf(session, left, after, { removed: removed.length, now, zone });
  if (removed.length > 0) {
    const more = removed.length > shownNames ? ` and ${removed.length - shownNames} more` : '';
    const names = `${removed.slice(0, shownNames).join(', ')}${more}`;
    context.note({
      reason: 'ChainRemoved',
      message: `Retention removed ${names}; ${retention.chains} are kept, back to ${retention.oldestPointTime ?? 'nothing'}.`,
    });
  }
  return { retention };
};

/** Compares the recorded chains with the listing, and remembers what was accepted. A later acceptance is not undone by an older one. */
const review = async ({ context, repositoryId }: PruneSession, listing: readonly ListedFile[]): Promise<Ledger> =>
  context.ledger.update((ledger) => {
    const accepted = acceptedBy(ledger, context.task.acceptShrink);
    return {
      ...ledger,
      ...(accepted !== undefined && { acceptedShrink: accepted }),
      chains: reviewForPrune(ledger.chains, repositoryId, listing, timestamp(context.now())),
    };
  });

/** Only what is there can be accepted: a time ahead would switch the guard off for all that is to come. */
const acceptedBy = (ledger: Ledger, asked: string | undefined): string | undefined => {
  const newest = Math.max(...measuresOf(ledger).map(({ dataTime }) => Date.parse(dataTime)));
  const times = [ledger.acceptedShrink, asked].filter((time): time is string => time !== undefined);
  return times
    .filter((time) => Date.parse(time) <= newest)
    .toSorted((a, b) => Date.parse(a) - Date.parse(b))
    .at(-1);
};

/** @throws RunError SourceShrunk when the newest copy holds so little that the source may have been emptied */
const checkSource = ({ context: { task } }: PruneSession, ledger: Ledger): void => {
  const measures = measuresOf(ledger).toSorted((a, b) => Date.parse(a.dataTime) - Date.parse(b.dataTime));
  const newest = measures.at(-1);
  if (newest === undefined) return;
  const options = { percent: task.retention.freezeOnShrink, accepted: ledger.acceptedShrink };
  const shrunk = shrinkOf(newest, measures, options);
  if (shrunk === undefined) return;
  throw new RunError('SourceShrunk', `The copy of ${newest.dataTime} holds ${shrunk}.`);
};

interface Moment {
  readonly now: Date;
  readonly zone: Zone;
}

const ownChains = ({ repositoryId }: PruneSession, chains: readonly LedgerChain[]): LedgerChain[] =>
  chains.filter(({ repository, sets }) => repository === repositoryId && sets.length > 0);

const stateOf = (
  session: PruneSession,
  all: readonly LedgerChain[],
  listing: readonly ListedFile[],
  { removed, now, zone }: Moment & { readonly removed: number },
): RetentionState => {
  const { task } = session.context;
  const chains = ownChains(session, all);
  const { nextDue } = decidePrune({ chains, listing, task, now, zone });
  const points = chains
    .map((chain) => ageOf(chain, listing))
    .flatMap(({ intact, points: of }) => (intact ? of.map((point) => point.getTime()) : []));
  const oldest = points.length === 0 ? undefined : Math.min(...points);
  const span = task.retention.keepFor === undefined ? undefined : parseDuration(task.retention.keepFor);
  const isOld = (time: Date): boolean =>
    span === undefined ? oldest !== undefined && time.getTime() < oldest : expiryOf(time, span, zone) <= now;
  const left = leftIn(
    listing,
    chains.map(({ directory }) => directory),
    isOld,
  );
  return {
    rule: task.rule,
    fullTime: task.fullTime,
    removed,
    chains: chains.length,
    ...(oldest !== undefined && { oldestPointTime: timestamp(new Date(oldest)) }),
    ...(nextDue !== undefined && { nextDue: timestamp(nextDue) }),
    ...(left !== undefined && { left: shorten(plainText(left), maxLeft) }),
  };
};
