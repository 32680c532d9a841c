import type { Cluster, ClusterProvider } from './cluster.ts';
import { ClusterError } from './error.ts';
import { bindTool } from './kubectl.ts';
import { loadIntoKind } from './kind.ts';
import type { Progress } from './progress.ts';
import { findTool } from './tools.ts';

/** A cluster that was there before and stays. */
export const externalCluster = (name: string, kubeconfig: string, progress: Progress): ClusterProvider => {
  const cluster = async (): Promise<Cluster> => {
    const kubectl = bindTool(await findTool('kubectl', progress), kubeconfig);
    return {
      provider: 'external',
      name,
      kubeconfig,
      kubectl,
      helm: bindTool(await findTool('helm', progress), kubeconfig),
      loadImages: async (names) => {
        const context = await kubectl(['config', 'current-context']);
        if (context.startsWith('kind-')) {
          await loadIntoKind(context.slice('kind-'.length), names, progress);
          return;
        }
        // Nothing says how images get into somebody's cluster: whoever set KUBECONFIG has to have brought them.
        progress.say(`KUBECONFIG's cluster must have these images already: ${names.join(', ')}`);
      },
      down: async () => progress.say("The cluster is KUBECONFIG's own: it was left as it is."),
    };
  };
  return {
    up: async () => {
      const found = await cluster();
      await found.kubectl(['get', '--raw', '/readyz']).catch((error: unknown) => {
        throw new ClusterError(
          `The cluster of KUBECONFIG=${kubeconfig} does not answer.`,
          'Start it, or unset KUBECONFIG to have one made.',
          { cause: error },
        );
      });
      return found;
    },
    status: async () => {
      const { kubectl } = await cluster();
      const answers = await kubectl(['get', '--raw', '/readyz'], { timeoutMs: 15_000 }).then(
        () => true,
        () => false,
      );
      return { provider: 'external', kubeconfig, state: answers ? 'running' : 'broken' };
    },
    down: async () => progress.say("The cluster is KUBECONFIG's own: it was left as it is."),
  };
};
