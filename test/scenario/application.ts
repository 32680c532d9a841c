import { setTimeout as sleep } from 'node:timers/promises';
import type { Tool } from '../cluster/kubectl.ts';
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
  kubectl: Tool,
  { namespace, name }: { namespace: string; name: string },
): Promise<number> => (await podsOfAll(kubectl, namespace)).filter((each) => each === name).length;

/** The application of each pod in a namespace. */
const podsOfAll = async (kubectl: Tool, namespace: string): Promise<string[]> => {
  const names = [
    'get',
    'pods',
    '--selector',
    'app',
    '--output',
    'jsonpath={range .items[*]}{.metadata.labels.app}{"\\n"}{end}',
  ];
  return (await kubectl([...names, '--namespace', namespace])).split('\n');
};

/** How many pods of some applications there were, as it was looked at again and again. */
export interface Look {
  readonly at: Date;
  readonly pods: Readonly<Record<string, number>>;
}

/** Counts the pods of applications until it is told to stop. */
export const watchPods = (kubectl: Tool, namespace: string, names: readonly string[]): (() => Promise<Look[]>) => {
  const looks: Look[] = [];
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      const at = new Date();
      const found = await podsOfAll(kubectl, namespace);
      const count = (name: string): number => found.filter((each) => each === name).length;
      looks.push({ at, pods: Object.fromEntries(names.map((name) => [name, count(name)])) });
      await sleep(250);
    }
  })();
  return async () => {
    over.abort();
    await watching;
    return looks;
  };
};
