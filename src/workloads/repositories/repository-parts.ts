import type { ShipRepository } from '../../api/v1alpha1/task.ts';
import type { ClaimMount } from '../claim-mount.ts';
import type { SecretMount } from '../secrets.ts';

/** What a repository adds to the ship container. */
export interface RepositoryParts {
  /** The block of the task. */
  repository: ShipRepository;
  secrets: SecretMount[];
  claims: ClaimMount[];
}
