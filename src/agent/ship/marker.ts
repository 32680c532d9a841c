import { z } from 'zod';
import type { ShipTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import type { ListedFile } from './listing.ts';
import type { Remote } from './remote.ts';

/** Name of the owner marker in the directory of a policy. */
export const markerName = 'holdfast-owner.json';

const owner = z.object({ cluster: z.string(), namespace: z.string(), name: z.string() });
type Owner = z.output<typeof owner>;

const parseOwner = (text: string): Owner | undefined => {
  try {
    return owner.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

const same = (a: Owner, b: Owner): boolean =>
  a.cluster === b.cluster && a.namespace === b.namespace && a.name === b.name;

const claimed = (there: Owner | undefined): string =>
  there
    ? `belongs to policy ${there.namespace}/${there.name} of the cluster ${there.cluster}`
    : 'has an owner marker that cannot be read';

/** Whose else the directory in the repository is. */
export interface ForeignOwner {
  /** "belongs to policy a/b of the cluster c". */
  readonly words: string;
  /** Whether it is that of a policy of this name in another cluster. */
  readonly isNamesake: boolean;
}

/** Whose the directory in the repository is, if not this policy's. Nothing is written. */
export const foreignOwner = async (
  remote: Pick<Remote, 'readText'>,
  { cluster, policy }: Pick<ShipTask, 'cluster' | 'policy'>,
  listing: readonly ListedFile[],
): Promise<ForeignOwner | undefined> => {
  const marked = listing.some(({ name }) => name === markerName);
  const there = marked ? parseOwner(await remote.readText(markerName)) : undefined;
  if (there && same(there, { cluster, ...policy })) return undefined;
  const words = marked ? claimed(there) : 'has no owner marker, which the next backup writes';
  return { words, isNamesake: there !== undefined && same({ ...there, cluster }, { cluster, ...policy }) };
};

/** The failure of who may not read or write what another has. */
export const ownedByAnother = ({ words }: ForeignOwner): RunError =>
  new RunError('RepositoryOwnedByAnother', `The directory of the policy in the repository ${words}.`);

/**
 * Makes sure that the directory in the repository is this policy's, and writes nothing: for who is about to remove something.
 * @throws RunError RepositoryOwnedByAnother
 */
export const checkOwner = async (
  remote: Pick<Remote, 'readText'>,
  task: Pick<ShipTask, 'cluster' | 'policy'>,
  listing: readonly ListedFile[],
): Promise<void> => {
  const foreign = await foreignOwner(remote, task, listing);
  if (foreign !== undefined) throw ownedByAnother(foreign);
};

/**
 * Makes sure that the directory in the repository is this policy's: two clusters that write to one place would remove each other's sets.
 * @throws RunError RepositoryOwnedByAnother
 */
export const ensureOwner = async (remote: Remote, task: ShipTask, listing: readonly ListedFile[]): Promise<void> => {
  const self: Owner = { cluster: task.cluster, ...task.policy };
  if (listing.some(({ name }) => name === markerName)) {
    const there = parseOwner(await remote.readText(markerName));
    if (there && same(there, self)) return;
    if (!task.adopt)
      throw new RunError(
        'RepositoryOwnedByAnother',
        `The directory of the policy in the repository ${claimed(there)}.`,
      );
  }
  await remote.write(markerName, `${JSON.stringify(self)}\n`);
  // Read back: the other of two clusters that begin at the same moment sees that it lost, and a host that drops writes is found out.
  const there = parseOwner(await remote.readText(markerName));
  if (!there || !same(there, self))
    throw new RunError('RepositoryOwnedByAnother', `The directory of the policy in the repository ${claimed(there)}.`);
};
