import { readFile } from 'node:fs/promises';
import type { Cluster, ClusterProvider } from '../cluster.ts';
import { ClusterError } from '../error.ts';
import { ensureHyperkube } from '../hyperkube.ts';
import { ensurePauseImage } from '../images/small.ts';
import { PAUSE_IMAGE } from '../image-names.ts';
import { bindTool } from '../kubectl.ts';
import { withLock } from '../lock.ts';
import { CLUSTER_PACKAGES, ensureDebianPackages } from '../packages.ts';
import { stateDirectory } from '../paths.ts';
import type { Progress } from '../progress.ts';
import { isClusterName, layoutOf } from './layout.ts';
import { removeNode, startNode, stateOf } from './lifecycle.ts';
import { loadIntoNode } from './load.ts';

/** The cluster in namespaces of this machine. */
export const embeddedCluster = (name: string, progress: Progress): ClusterProvider => {
  if (!isClusterName(name)) {
    throw new ClusterError(`Not a cluster's name: ${JSON.stringify(name)}`, 'Use up to 40 of a-z, 0-9 and -.');
  }
  const layout = layoutOf(stateDirectory(name));
  const kubeconfig = layout.kubeconfig('admin');
  // Beside the directory, which comes and goes.
  const locked = <T>(work: () => Promise<T>) => withLock(`${layout.directory}.lock`, work);

  const down = () =>
    locked(async () => {
      if ((await stateOf(layout)) === 'stopped') return;
      await progress.task(`Removing cluster ${name}`, () => removeNode(layout, name));
    });

  const up = () =>
    locked(async (): Promise<Cluster> => {
      await ensureDebianPackages(CLUSTER_PACKAGES, progress);
      const hyperkube = await ensureHyperkube(progress);
      const cluster: Cluster = {
        provider: 'embedded',
        name,
        kubeconfig,
        kubectl: bindTool(hyperkube.path('kubectl'), kubeconfig),
        helm: bindTool(hyperkube.path('helm'), kubeconfig),
        loadImages: (names) => locked(() => loadIntoNode(layout, names, progress)),
        down,
      };
      const state = await stateOf(layout);
      if (state === 'running' && (await answers(cluster))) return cluster;

      await ensurePauseImage(progress);
      if (state !== 'stopped') {
        await progress.task(`Removing what is left of cluster ${name}`, () => removeNode(layout, name));
      }
      try {
        await progress.task(`Starting cluster ${name}`, (detail) => startNode(layout, name, hyperkube, detail));
        await loadIntoNode(layout, [PAUSE_IMAGE], progress);
      } catch (error) {
        // The logs are read, and quoted, by now: what started halfway goes.
        await removeNode(layout, name);
        throw error;
      }
      return cluster;
    });

  return {
    up,
    down,
    status: async () => ({ provider: 'embedded', kubeconfig, state: await stateOf(layout) }),
  };
};

/** Whether the cluster's apiserver can be asked. */
const answers = async ({ kubectl, kubeconfig }: Cluster): Promise<boolean> => {
  const written = await readFile(kubeconfig).catch(() => undefined);
  if (written === undefined) return false;
  return await kubectl(['get', '--raw', '/readyz'], { timeoutMs: 15_000 }).then(
    () => true,
    () => false,
  );
};
