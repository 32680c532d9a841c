import type { Images } from './images.ts';
import type { SandboxImage } from './sandbox-images.ts';

/** What the builders need to know of the operator's own configuration. */
export interface WorkloadSettings {
  /** Images of the containers, by target of the Dockerfile. */
  images: Images;
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Whether this operator may stop workloads; the API server refuses it otherwise. */
  quiesceWorkloads: boolean;
  /** Images of scratch servers; a policy may name these only. */
  sandboxImages: readonly SandboxImage[];
  /** Identity of the cluster for owner markers: the UID of the namespace kube-system. */
  cluster: string;
}
