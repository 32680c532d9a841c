import { upCluster, type Cluster } from '../cluster/cluster.ts';
import { createProgress } from '../cluster/progress.ts';
import type { ScenarioKeys } from '../scenario/keys.ts';
import { keysOf } from '../scenario/stage.ts';

/** The cluster of the end-to-end tests, beside one that a person may have up. */
export const clusterName = 'holdfast-e2e';

/** The cluster as setup.ts left it: with operator, MariaDB server, database and backup host. */
export const e2eStage = async (): Promise<{ cluster: Cluster; keys: ScenarioKeys }> => {
  const cluster = await upCluster({ name: clusterName, progress: createProgress() });
  return { cluster, keys: await keysOf(cluster) };
};
