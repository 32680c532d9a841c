import { upCluster } from '../cluster/cluster.ts';
import { createProgress } from '../cluster/progress.ts';
import { fillDatabase } from '../scenario/database.ts';
import { agama } from '../scenario/policy.ts';
import { setStage } from '../scenario/stage.ts';
import { clusterName } from './stage.ts';
import teardown from './teardown.ts';

/** Once before the end-to-end tests: the cluster with all that they share. From empty caches it takes a quarter of an hour. */
export default async function setup(): Promise<void> {
  const progress = createProgress();
  try {
    const cluster = await upCluster({ name: clusterName, progress });
    await setStage(cluster, progress);
    await fillDatabase(cluster.kubectl, agama.namespace);
  } catch (error) {
    // Jest calls no teardown when the setup failed.
    await teardown();
    throw error;
  }
}
