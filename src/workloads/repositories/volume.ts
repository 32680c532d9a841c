import { volumeIdentity, type VolumeRepository } from '../../api/v1alpha1/repositories/volume.ts';
import { mountClaim } from '../claim-mount.ts';
import type { RepositoryParts } from './repository-parts.ts';

/** What a repository on a claim adds to the ship container: the claim, mounted to be written to. */
export const volumeParts = ({ claimName, path }: VolumeRepository): RepositoryParts => {
  const claim = mountClaim('repository', claimName);
  return {
    identity: volumeIdentity({ claimName, path }),
    repository: { volume: { claimName, path, directory: claim.directory } },
    secrets: [],
    claims: [claim],
  };
};
