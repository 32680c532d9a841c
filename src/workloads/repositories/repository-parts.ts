import type { ShipRepository } from '../../api/v1alpha1/task.ts';
import type { ClaimMount } from '../claim-mount.ts';
import type { SecretMount } from '../secrets.ts';

/** What a repository adds to the ship container. */
export interface RepositoryParts {
  /** What tells it from any other place, for people too. */
  identity: string;
  /** The block of the task. */
  repository: ShipRepository;
  secrets: SecretMount[];
  claims: ClaimMount[];
}
