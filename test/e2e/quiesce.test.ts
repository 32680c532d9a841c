import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import { images } from '../scenario/images.ts';
import { applyObjects, type Manifest } from '../scenario/objects.ts';
import { agamaPolicy } from '../scenario/policy.ts';
import { conditionOf, runNow, waitForStatus } from '../scenario/runs.ts';
import { applyPolicySecrets } from '../scenario/stage.ts';
import { e2eStage } from './stage.ts';

// Workloads that are stopped for a dump, through real pods: kubelet ends them, and tells the dump container by its volume.

const namespace = 'agama-quiesce';
const policy = { namespace, name: 'agama' };

let cluster: Cluster;

/** An application: two pods that do nothing but end when they are told. */
const shop: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name: 'shop' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'shop' } },
    template: {
      metadata: { labels: { app: 'shop' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'shop',
            image: images.mariadb,
            imagePullPolicy: 'Never',
            command: ['sleep', 'infinity'],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    },
  },
};

const inNamespace = (...args: string[]): Promise<string> => cluster.kubectl([...args, '--namespace', namespace]);

const podsOfShop = async (): Promise<number> => {
  const names = await inNamespace('get', 'pods', '--selector', 'app=shop', '--output', 'name');
  return names === '' ? 0 : names.split('\n').length;
};

/** The smallest number of pods that was seen, until it is told to stop. */
const fewestUntil = async (over: AbortSignal): Promise<number> => {
  let fewest = Number.POSITIVE_INFINITY;
  while (!over.aborted) {
    fewest = Math.min(fewest, await podsOfShop());
    await sleep(200);
  }
  return fewest;
};

beforeAll(async () => {
  const stage = await e2eStage();
  ({ cluster } = stage);
  await applyPolicySecrets(cluster, namespace, stage.keys);
  const sample = await agamaPolicy(stage.keys);
  const workloads = [{ kind: 'Deployment', name: 'shop' }];
  await applyObjects(cluster.kubectl, [
    shop,
    {
      ...sample,
      metadata: policy,
      spec: { ...sample.spec, verification: undefined, schedule: { localCopy: '0 0 1 1 *' }, quiesce: { workloads } },
    },
  ]);
  await inNamespace('rollout', 'status', 'deployment/shop', '--timeout', '60s');
  await waitForStatus(cluster, policy, (status) => conditionOf(status, 'Ready')?.status === 'True', {
    timeoutMs: 60_000,
    what: 'Ready',
  });
}, 300_000);

afterAll(async () => {
  await cluster?.kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
});

test('a Deployment is at zero while the database is dumped, and has its replicas again afterwards', async () => {
  const over = new AbortController();
  const looking = fewestUntil(over.signal);
  const status = await runNow(cluster, policy, 'LocalCopy', 'quiesced-copy').finally(() => over.abort());
  expect(status.lastFailure).toBeUndefined();
  expect(status.lastLocalCopy).toMatchObject({ jobName: 'quiesced-copy', quiesced: 'Workloads' });
  expect(await looking).toBe(0);
  await inNamespace('rollout', 'status', 'deployment/shop', '--timeout', '120s');
  expect(await podsOfShop()).toBe(2);
  expect(await inNamespace('get', 'deployments', '--selector', 'holdfast.dev/held=true', '--output', 'name')).toBe('');

  const started = await inNamespace('get', 'job', 'quiesced-copy', '--output', 'jsonpath={.status.startTime}');
  const seconds = (Date.parse(status.lastDump?.startTime ?? '') - Date.parse(started)) / 1000;
  process.stdout.write(`quiesce: the dump began ${seconds} s after the Job\n`);
}, 600_000);
