import { readFile, rm } from 'node:fs/promises';
import type { PlannedSet } from '../../../api/v1alpha1/restore-report.ts';
import type { BringTask } from '../../../api/v1alpha1/task.ts';
import { RunError } from '../../../errors/run-error.ts';
import { sha256OfFile } from '../../disk.ts';
import { setsUpTo, type Choice, type FetchableSet } from '../../fetch/choose.ts';
import type { Keys } from '../../fetch/keys.ts';
import { fetchFile, openFetched, whereOf } from '../../fetch/manifest.ts';
import type { FetchSession } from '../../fetch/session.ts';
import { sha256OfText } from '../../ship/archive.ts';
import { CheckFailed } from '../../verify/report.ts';
import type { FoundChoice } from './choose.ts';
import type { FoundChain, FoundSet } from './listed.ts';
import { manifestOf, sealOf, storedManifests, volumesProblem } from './seal.ts';

type Session = FetchSession<BringTask>;

const notAsPlanned = ({ setTime, chain }: PlannedSet, why: string): RunError =>
  new RunError(
    'PointNotAvailable',
    `The set of ${setTime} in ${chain}, which no ledger records, is no longer there as it was planned: ${why}.`,
  );

/** The set that was planned, in what the repository lists now. Pure. @throws RunError PointNotAvailable */
export const findFound = (chains: readonly FoundChain[], planned: PlannedSet): FoundChoice => {
  const chain = chains.find(({ directory }) => directory === planned.chain);
  if (chain === undefined) throw notAsPlanned(planned, 'its chain is gone, or recorded by now');
  const set = chain.sets.find(({ setTime, type }) => setTime === planned.setTime && type === planned.type);
  if (set?.recorded === true) throw notAsPlanned(planned, 'it is recorded by now');
  if (set !== undefined) return { chain, set };
  const { broken } = chain;
  throw notAsPlanned(planned, broken === undefined ? 'it is gone' : `in the set of ${broken.setTime}, ${broken.why}`);
};

/** What is encrypted to a key does not say to which. */
const encryptionOf = ({ method, fingerprints }: Keys): string =>
  method === 'gpg' ? `gpg:${fingerprints[0] ?? ''}` : method;

const fetchable = ({ type, setTime, files }: FoundSet): FetchableSet => ({
  type,
  setTime,
  dataTime: setTime,
  setDigest: '',
  files: [...files],
});

const choiceOf = ({ keys, repository }: Session, found: FoundChoice, unrecorded: PlannedSet): Choice => {
  const sets = setsUpTo(found).map(fetchable);
  const set = sets.at(-1) ?? fetchable(found.set);
  const { directory } = found.chain;
  return {
    chain: { repository: repository.identity, directory, encryption: encryptionOf(keys), sets },
    set,
    unrecorded,
  };
};

/** A manifest in the clear, when it is stored as it was a moment ago. */
const readStored = async (
  session: Session,
  choice: Choice,
  name: string,
  digest: string | undefined,
): Promise<string> => {
  const file = await fetchFile(session, choice, name);
  if ((await sha256OfFile(file, session.context.signal)) !== digest)
    throw notAsPlanned(session.context.task.set, `${name} was exchanged just now`);
  const plain = await openFetched(session, choice, { name, file });
  const text = await readFile(plain, 'utf8');
  await rm(plain, { force: true });
  return text;
};

/**
 * Makes sure that a set that no ledger records is stored as it was planned, and reads the manifests of all that is restored of it: what duplicity
 * reads later must be these, and each lists the volumes that there must be.
 * @throws RunError PointNotAvailable; CheckFailed BackupDamaged, KeyDoesNotOpen
 */
export const openFound = async (session: Session, chains: readonly FoundChain[]): Promise<Choice> => {
  const { context, remote } = session;
  const { set: planned } = context.task;
  const found = findFound(chains, planned);
  const manifests = await storedManifests(remote, found, context.signal);
  if (sealOf(found, manifests) !== planned.setDigest) throw notAsPlanned(planned, 'its files are others now');
  const choice = choiceOf(session, found, planned);
  const sets: FetchableSet[] = [];
  for (const set of setsUpTo(found)) {
    const name = manifestOf(set);
    const text = await readStored(session, choice, name, manifests.get(name));
    const problem = volumesProblem(set, text);
    if (problem !== undefined)
      throw new CheckFailed('complete', 'BackupDamaged', `In the set of ${set.setTime}, ${problem}`).of(
        whereOf(choice),
      );
    sets.push({ ...fetchable(set), setDigest: sha256OfText(text) });
  }
  return { ...choice, chain: { ...choice.chain, sets }, set: sets.at(-1) ?? choice.set };
};
