import type { DumpSource } from '../../api/v1alpha1/task.ts';
import type { ClaimMount } from '../claim-mount.ts';
import type { ImageName } from '../images.ts';
import type { SecretMount } from '../secrets.ts';

/** What a source adds to the dump container. */
export interface SourceParts {
  /** The image whose tools read the source. */
  image: ImageName;
  /** What the data is of, and nothing of how it is reached: what was dumped of another is no backup of this. */
  about: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  /** The block of the task. */
  source: DumpSource;
  secrets: SecretMount[];
  /** The claims that it reads. */
  claims?: ClaimMount[];
}
