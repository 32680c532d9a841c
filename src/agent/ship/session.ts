import type { ShipTask } from '../../api/v1alpha1/task.ts';
import { withRemote, type OpenRepository, type RemoteUse } from '../repositories/with-remote.ts';
import type { RunContext } from '../run.ts';
import { type ArchiveDirectories, archiveDirectories } from './archive.ts';
import { type DuplicityScope, type DuplicityTarget, type Encryption, encryptionIdentity } from './duplicity.ts';
import { importPublicKey, makeGpgHome, readPassphrase, stopGpgAgent } from './gpg.ts';

export type ShipContext = RunContext<ShipTask>;

/** What was made ready beside the repository, before anything is locked or asked. */
interface Prepared {
  readonly gpgHome: string;
  readonly encryption: Encryption;
}

/** All that the steps of a run share, while the lock is held. */
export interface Session extends Omit<OpenRepository<Prepared>, 'ready'>, Prepared {
  readonly context: ShipContext;
  readonly archive: ArchiveDirectories;
  /** Identities, as the ledger keeps them. */
  readonly repositoryId: string;
  readonly encryptionId: string;
}

const prepareEncryption = async (context: ShipContext, gpgHome: string): Promise<Encryption> => {
  const { encryption } = context.task;
  if (encryption.method === 'gpg')
    return { method: 'gpg', fingerprint: await importPublicKey(context, encryption.publicKey, gpgHome) };
  if (encryption.method === 'passphrase')
    return { method: 'passphrase', passphrase: await readPassphrase(context, encryption.passphrase) };
  return { method: 'none' };
};

const prepare = async (context: ShipContext, scratch: string): Promise<Prepared> => {
  const gpgHome = await makeGpgHome(scratch);
  return { gpgHome, encryption: await prepareEncryption(context, gpgHome) };
};

const useOf = (context: ShipContext): RemoteUse<Prepared> => ({
  directory: 'ship',
  prepare: (scratch) => prepare(context, scratch),
  end: (scratch) => stopGpgAgent(context, scratch),
});

/**
 * Reads the Secrets, lays out the scratch space, and holds the lock on the repository while the work is done.
 * @throws StepFailure with a RunError SecretMissing, SecretInvalid, KeyUnusable; and as the work
 */
export const withSession = <T>(context: ShipContext, work: (session: Session) => Promise<T>): Promise<T> =>
  withRemote(context, useOf(context), ({ ready, ...open }) =>
    work({
      ...open,
      ...ready,
      context,
      archive: archiveDirectories(context.layout.archive),
      repositoryId: open.repository.identity,
      encryptionId: encryptionIdentity(ready.encryption),
    }),
  );

/** What duplicity is told of a chain, whose directory must be there. */
export const duplicityTarget = async (
  { repository, archive, scratch, encryption }: Session,
  chain: string,
): Promise<DuplicityTarget> => ({
  address: await repository.address(chain),
  archive: archive.work,
  name: chain,
  temporary: scratch,
  encryption,
});

/** What running duplicity needs besides its arguments. */
export const duplicityScope = ({ context, repository, gpgHome, encryption, lock }: Session): DuplicityScope => ({
  context,
  repository,
  gpgHome,
  passphrase: encryption.method === 'passphrase' ? encryption.passphrase : undefined,
  lockFd: lock.fd,
});
