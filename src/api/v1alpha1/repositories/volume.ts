import { z } from 'zod';
import type { DeepReadonly } from '../../../base/types.ts';
import { absolutePath, objectName } from '../primitives.ts';
import { directory } from '../task-values.ts';

/** A claim, such as one for an NFS export. */
export const volumeRepository = z
  .object({
    claimName: objectName.describe(
      'PersistentVolumeClaim in the namespace of the policy that receives the backups; neither the policy’s own claim nor one that is backed up. ReadWriteMany where several policies share it.',
    ),
    path: absolutePath
      .default('/')
      .describe(
        'Directory on the claim. Holdfast writes only below <path>/<namespace>/<name>, and makes what is missing of it.',
      ),
  })
  .describe('A PersistentVolumeClaim, such as one for an NFS export.');
export type VolumeRepository = DeepReadonly<z.output<typeof volumeRepository>>;

/** What the ship container is told of it. */
export const volumeTask = volumeRepository.extend({
  directory: directory.describe('Where the claim is mounted.'),
});
export type VolumeTask = z.output<typeof volumeTask>;

/** The identity of a repository, as the ledger and status keep it: the claim by its name, and the path on it. */
export const volumeIdentity = ({ claimName, path }: Pick<VolumeRepository, 'claimName' | 'path'>): string =>
  `volume://${claimName}${`/${path}`.replace(/\/+/g, '/')}`.replace(/\/+$/, '');
