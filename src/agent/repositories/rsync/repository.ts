import { rsyncIdentity, type RsyncTask } from '../../../api/v1alpha1/repositories/rsync.ts';
import type { ShipTask } from '../../../api/v1alpha1/task.ts';
import type { DuplicityAddress, Repository, RepositoryContext } from '../repository.ts';
import { layOutAhead } from './ahead.ts';
import { explainDuplicity } from './reasons.ts';
import { createRsyncRemote } from './remote.ts';
import { endConnection, prepareSsh, sharedConnection, sshOptions, type SshFiles } from './ssh.ts';

/** The directory of a policy on the backup host. */
export const policyDirectory = ({ path }: Pick<RsyncTask, 'path'>, policy: ShipTask['policy']): string =>
  `${path}/${policy.namespace}/${policy.name}`.replaceAll(/\/+/g, '/');

/** What duplicity is told of a directory on the backup host. It splits the options at blanks. */
export const rsyncAddress = (
  { user, host, port }: Pick<RsyncTask, 'user' | 'host' | 'port'>,
  ssh: SshFiles,
  directory: string,
): DuplicityAddress => ({
  url: `rsync://${user}@${host}:${port}/${directory}`,
  options: [
    `--ssh-options=${[...sshOptions(ssh), ...sharedConnection(ssh)].join(' ')}`,
    '--rsync-options=--timeout=60',
  ],
});

/** Lays out key and host keys for ssh. @throws RunError SecretMissing, SecretInvalid */
export const prepareRsync = async (
  context: RepositoryContext,
  rsync: RsyncTask,
  policy: ShipTask['policy'],
  scratch: string,
): Promise<Repository> => {
  const ssh = await prepareSsh(context, rsync, scratch);
  const directory = policyDirectory(rsync, policy);
  return {
    identity: rsyncIdentity(rsync),
    remote: (scope) => createRsyncRemote(context, { rsync, ssh, directory, ...scope }),
    address: async (chain) => rsyncAddress(rsync, ssh, `${directory}/${chain}`),
    ahead: layOutAhead,
    explain: explainDuplicity,
    close: () => endConnection(context, rsync, ssh),
  };
};
