import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ShipTask } from '../../api/v1alpha1/task.ts';
import type { HeldLock } from '../lock.ts';
import { prepareRepository } from '../repositories/registry.ts';
import type { Repository } from '../repositories/repository.ts';
import type { RunContext } from '../run.ts';
import { type ArchiveDirectories, archiveDirectories } from './archive.ts';
import { type DuplicityScope, type DuplicityTarget, type Encryption, encryptionIdentity } from './duplicity.ts';
import { importPublicKey, makeGpgHome, readPassphrase } from './gpg.ts';
import type { Remote } from './remote.ts';

export type ShipContext = RunContext<ShipTask>;

/** What was made ready in the scratch space before anything is locked or asked. */
export interface Prepared {
  /** A directory of the run's own in the scratch space, mode 0700. */
  scratch: string;
  repository: Repository;
  gpgHome: string;
  encryption: Encryption;
}

/** All that the steps of a run share, while the lock is held. */
export interface Session extends Prepared {
  context: ShipContext;
  remote: Remote;
  archive: ArchiveDirectories;
  lock: HeldLock;
  /** Identities, as the ledger keeps them. */
  repositoryId: string;
  encryptionId: string;
}

const prepareEncryption = async (context: ShipContext, gpgHome: string): Promise<Encryption> => {
  const { encryption } = context.task;
  if (encryption.method === 'gpg')
    return { method: 'gpg', fingerprint: await importPublicKey(context, encryption.publicKey, gpgHome) };
  if (encryption.method === 'passphrase')
    return { method: 'passphrase', passphrase: await readPassphrase(context, encryption.passphrase) };
  return { method: 'none' };
};

/** Reads the Secrets and lays out the scratch space. @throws RunError SecretMissing, SecretInvalid, KeyUnusable */
export const prepare = async (context: ShipContext): Promise<Prepared> => {
  const scratch = join(context.task.scratch, 'ship');
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const repository = await prepareRepository(context, context.task, scratch);
  const gpgHome = await makeGpgHome(scratch);
  return { scratch, repository, gpgHome, encryption: await prepareEncryption(context, gpgHome) };
};

/** Begins the part of the run that holds the lock on the repository. */
export const openSession = (context: ShipContext, prepared: Prepared, lock: HeldLock): Session => ({
  ...prepared,
  context,
  lock,
  archive: archiveDirectories(context.layout.archive),
  remote: prepared.repository.remote({ scratch: prepared.scratch, extra: [{ inherit: lock.fd }] }),
  repositoryId: prepared.repository.identity,
  encryptionId: encryptionIdentity(prepared.encryption),
});

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
