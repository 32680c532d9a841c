import type { Sandbox } from '../../api/v1alpha1/task.ts';
import type { ImageName } from '../images.ts';

/** What an engine's verification adds to the pod. */
export interface SandboxParts {
  /** The image whose tools load and compare. */
  image: ImageName;
  /** The block of the task. */
  sandbox: Sandbox;
  /** How a person looks at what was loaded, while the pod is there. */
  connect: (at: { namespace: string; pod: string }) => string;
  /** The scratch server; missing for an engine that needs none. */
  server?: {
    /** As servers are called in facts. */
    engines: readonly string[];
    /** A fixed text for `sh`, which starts it: nothing of a policy's is in it. */
    script: string;
  };
}
