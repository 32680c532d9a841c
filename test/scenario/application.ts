import { images } from './images.ts';
import type { Manifest } from './objects.ts';

/** An application: two pods that do nothing but end when they are told. */
export const application = ({ namespace, name }: { namespace: string; name: string }): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name,
            image: images.mariadb,
            imagePullPolicy: 'Never',
            command: ['sleep', 'infinity'],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    },
  },
});

/** How many pods of it there are. */
export const podsOf = async (
  kubectl: (args: readonly string[]) => Promise<string>,
  { namespace, name }: { namespace: string; name: string },
): Promise<number> => {
  const names = await kubectl([
    'get',
    'pods',
    '--namespace',
    namespace,
    '--selector',
    `app=${name}`,
    '--output',
    'name',
  ]);
  return names === '' ? 0 : names.split('\n').length;
};
