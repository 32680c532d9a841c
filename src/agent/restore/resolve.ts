import { maxPassedOverWords, type RestorePoint, type RestoreReport } from '../../api/v1alpha1/restore-report.ts';
import type { ResolveTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import { type Choice, setsUpTo, verifiedSetOf } from '../fetch/choose.ts';
import { listAll, reviewToRestore } from '../fetch/review.ts';
import type { Repository } from '../repositories/repository.ts';
import { onlyRemote, withRemote } from '../repositories/with-remote.ts';
import type { Made, RunContext } from '../run.ts';
import type { ListedFile } from '../ship/listing.ts';
import type { Remote } from '../ship/remote.ts';
import { plainText, shorten } from '../text.ts';
import { choosePoint, noPoint, recordedIn } from './choose-point.ts';
import type { FoundChoice } from './found/choose.ts';
import { foundChains } from './found/listed.ts';
import { sealOf, storedManifests } from './found/seal.ts';
import { unrecordedWords } from './found/words.ts';

type Context = RunContext<ResolveTask>;

/**
 * Finds the very set that a point stands for, by the ledger and a listing of the repository of this moment. It changes nothing there.
 * @throws StepFailure with a RunError of the catalogue: PointNotAvailable names what there is
 */
export const resolve = async (context: Context): Promise<Made> => {
  let report: RestoreReport = {};
  context.restores(() => report);
  return withRemote(context, onlyRemote('resolve'), async ({ repository, remote }) => {
    report = { point: await resolveLocked(context, remote, repository) };
    return {};
  });
};

const resolveLocked = async (context: Context, remote: Remote, repository: Repository): Promise<RestorePoint> => {
  const { acceptUnrecorded, encryption, point: asked } = context.task;
  const listing = await context.step('Connect', () => listAll(remote));
  const { chains, broken, owner } = await context.step('Repository', () =>
    reviewToRestore({ context, remote, repository }, listing),
  );
  return context.step('Resolve', async () => {
    const recorded = recordedIn(chains, repository.identity);
    const encrypted = encryption !== 'none';
    const found = {
      chains: foundChains({ listing, recorded, encrypted, now: context.now() }),
      accepted: acceptUnrecorded,
    };
    const choice = choosePoint({ chains, repository: repository.identity, asked, found });
    const passed = [choice.passedOver, choice.foundPassedOver].filter((words) => words !== undefined);
    for (const message of passed) context.note({ reason: 'SetPassedOver', message });
    const passedOver =
      passed.length === 0 ? {} : { passedOver: shorten(plainText(passed.join(' ')), maxPassedOverWords) };
    for (const { directory, problem } of broken)
      context.note({ reason: 'ChainBroken', message: `In ${directory}, ${problem}.` });
    const { chosen, range } = choice;
    if (range !== undefined && choice.found !== undefined) {
      const { chain, set } = choice.found;
      context.log.warn('a set is chosen that no ledger records', { chain: chain.directory, set: set.setTime });
      const unrecorded = unrecordedWords(encryption, owner);
      return { ...(await foundPoint(remote, choice.found, context)), unrecorded, ...passedOver, ...range };
    }
    if (chosen === undefined || range === undefined)
      throw new RunError('PointNotAvailable', noPoint({ asked }, choice));
    context.log.info('the set is chosen', { chain: chosen.chain.directory, set: chosen.set.setTime });
    return { ...pointOf(chosen, range), ...passedOver };
  });
};

const storedBytes = (sets: readonly { readonly files: readonly ListedFile[] }[]): number =>
  sets.flatMap(({ files }) => files).reduce((sum, { size }) => sum + size, 0);

const pointOf = (choice: Choice, range: Pick<RestorePoint, 'earliest' | 'latest'>): RestorePoint => {
  const { set } = choice;
  const { verifiedTime, sourceBytes, sourceRows, server } = set;
  const sets = setsUpTo(choice);
  return {
    set: verifiedSetOf(choice),
    ...(verifiedTime !== undefined && { verifiedTime }),
    sets: sets.length,
    storedBytes: storedBytes(sets),
    ...(sourceBytes !== undefined && { sourceBytes }),
    ...(sourceRows !== undefined && { sourceRows }),
    ...(server !== undefined && { server }),
    ...range,
  };
};

/** A set that no ledger records, pinned to what is stored of it now. */
const foundPoint = async (
  remote: Remote,
  choice: FoundChoice,
  { signal }: Pick<Context, 'signal'>,
): Promise<Pick<RestorePoint, 'set' | 'sets' | 'storedBytes'>> => {
  const { chain, set } = choice;
  const { type, setTime } = set;
  const sets = setsUpTo(choice);
  const setDigest = sealOf(choice, await storedManifests(remote, choice, signal));
  return {
    set: { type, setTime, dataTime: setTime, chain: chain.directory, setDigest, unrecorded: true },
    sets: sets.length,
    storedBytes: storedBytes(sets),
  };
};
