import { join } from 'node:path';
import { volumeIdentity, type VolumeTask } from '../../../api/v1alpha1/repositories/volume.ts';
import type { ShipTask } from '../../../api/v1alpha1/task.ts';
import type { Repository } from '../repository.ts';
import { explain } from './reasons.ts';
import { checkChain, createVolumeRemote, type VolumePlace } from './remote.ts';

/** Where the directory of a policy is. */
export const volumePlace = (
  { directory, path }: Pick<VolumeTask, 'directory' | 'path'>,
  { namespace, name }: ShipTask['policy'],
): VolumePlace => ({ mount: join(directory), directory: join(path, namespace, name).replace(/^\/+/, '') });

/** A claim needs nothing but to be mounted. */
export const prepareVolume = async (volume: VolumeTask, policy: ShipTask['policy']): Promise<Repository> => {
  const place = volumePlace(volume, policy);
  return {
    identity: volumeIdentity(volume),
    remote: (scope) => createVolumeRemote(place, scope),
    address: async (chain) => ({ url: `file://${await checkChain(place, chain)}`, options: [] }),
    explain,
    close: async () => undefined,
  };
};
