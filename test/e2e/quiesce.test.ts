import type { Cluster } from '../cluster/cluster.ts';
import { application, podsOf, watchPods } from '../scenario/application.ts';
import { applyObjects } from '../scenario/objects.ts';
import { agamaPolicy } from '../scenario/policy.ts';
import { runNow, untilReady } from '../scenario/runs.ts';
import { applyPolicySecrets } from '../scenario/stage.ts';
import { e2eStage } from './stage.ts';

// Workloads that are stopped for a dump, through real pods: kubelet ends them, and tells the dump container by its volume.

const namespace = 'agama-quiesce';
const policy = { namespace, name: 'agama' };

let cluster: Cluster;

const shop = { namespace, name: 'shop' };

const inNamespace = (...args: string[]): Promise<string> => cluster.kubectl([...args, '--namespace', namespace]);

beforeAll(async () => {
  const stage = await e2eStage();
  ({ cluster } = stage);
  await applyPolicySecrets(cluster, namespace, stage.keys);
  const sample = await agamaPolicy(stage.keys);
  const workloads = [{ kind: 'Deployment', name: 'shop' }];
  await applyObjects(cluster.kubectl, [
    application(shop),
    {
      ...sample,
      metadata: policy,
      spec: { ...sample.spec, verification: undefined, schedule: { localCopy: '0 0 1 1 *' }, quiesce: { workloads } },
    },
  ]);
  await inNamespace('rollout', 'status', 'deployment/shop', '--timeout', '60s');
  await untilReady(cluster, policy);
}, 300_000);

afterAll(async () => {
  await cluster?.kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
});

test('a Deployment is at zero while the database is dumped, and has its replicas again afterwards', async () => {
  const looked = watchPods(cluster.kubectl, namespace, ['shop']);
  const status = await runNow(cluster, policy, 'LocalCopy', 'quiesced-copy').finally(looked);
  expect(status.lastFailure).toBeUndefined();
  expect(status.lastLocalCopy).toMatchObject({ jobName: 'quiesced-copy', quiesced: 'Workloads' });
  expect(Math.min(...(await looked()).map(({ pods }) => pods['shop'] ?? 0))).toBe(0);
  await inNamespace('rollout', 'status', 'deployment/shop', '--timeout', '120s');
  expect(await podsOf(cluster.kubectl, shop)).toBe(2);
  expect(await inNamespace('get', 'deployments', '--selector', 'holdfast.dev/held=true', '--output', 'name')).toBe('');

  const started = await inNamespace('get', 'job', 'quiesced-copy', '--output', 'jsonpath={.status.startTime}');
  const seconds = (Date.parse(status.lastDump?.startTime ?? '') - Date.parse(started)) / 1000;
  process.stdout.write(`quiesce: the dump began ${seconds} s after the Job\n`);
}, 600_000);
