import { z } from 'zod';
import type { DeepReadonly } from '../../../base/types.ts';
import { mountedSecret } from '../task-values.ts';
import { sshTarget } from './ssh-target.ts';

/** A backup host by rsync over SSH. */
export const rsyncRepository = sshTarget.describe('A backup host reached by rsync over SSH.');
export type RsyncRepository = DeepReadonly<z.output<typeof rsyncRepository>>;

/** What the ship container is told of it. */
export const rsyncTask = sshTarget.omit({ sshSecretRef: true }).extend({ key: mountedSecret });
export type RsyncTask = z.output<typeof rsyncTask>;

/** The identity of a repository, as the ledger and status keep it: another place has another one. */
export const rsyncIdentity = ({
  user,
  host,
  port,
  path,
}: Pick<RsyncRepository, 'user' | 'host' | 'port' | 'path'>): string =>
  `rsync://${user}@${host}:${port}/${path}`.replace(/\/+$/, '');
