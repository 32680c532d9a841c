import { findCluster } from '../cluster/cluster.ts';
import { createProgress } from '../cluster/progress.ts';
import { clusterName } from './stage.ts';

/** Removes the cluster of the end-to-end tests, also when they failed; one that was given by KUBECONFIG stays. */
export default async function teardown(): Promise<void> {
  await (await findCluster({ name: clusterName, progress: createProgress() })).down();
}
