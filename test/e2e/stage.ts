import { upCluster, type Cluster } from '../cluster/cluster.ts';
import { createProgress } from '../cluster/progress.ts';
import type { ScenarioKeys } from '../scenario/keys.ts';
import { setStage } from '../scenario/stage.ts';

/** The cluster of the end-to-end tests, beside one that a person may have up. */
export const clusterName = 'holdfast-e2e';

/** Time for a cluster from an empty cache: Kubernetes is built first. */
export const coldStartMs = 40 * 60_000;

/** The cluster with operator, MariaDB server and backup host; each test file finds it as the one before left it. */
export const e2eStage = async (): Promise<{ cluster: Cluster; keys: ScenarioKeys }> => {
  const progress = createProgress();
  const cluster = await upCluster({ name: clusterName, progress });
  return { cluster, keys: await setStage(cluster, progress) };
};
