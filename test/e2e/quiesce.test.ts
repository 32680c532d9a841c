import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import { application, podsOf } from '../scenario/application.ts';
import { applyObjects } from '../scenario/objects.ts';
import { agamaPolicy } from '../scenario/policy.ts';
import { conditionOf, runNow, waitForStatus } from '../scenario/runs.ts';
import { applyPolicySecrets } from '../scenario/stage.ts';
import { e2eStage } from './stage.ts';

// Workloads that are stopped for a dump, through real pods: kubelet ends them, and tells the dump container by its volume.

const namespace = 'agama-quiesce';
const policy = { namespace, name: 'agama' };

let cluster: Cluster;

const shop = { namespace, name: 'shop' };

const inNamespace = (...args: string[]): Promise<string> => cluster.kubectl([...args, '--namespace', namespace]);

/** The smallest number of pods that was seen, until it is told to stop. */
const fewestUntil = async (over: AbortSignal): Promise<number> => {
  let fewest = Number.POSITIVE_INFINITY;
  while (!over.aborted) {
    fewest = Math.min(fewest, await podsOf(cluster.kubectl, shop));
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
    application(shop),
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
  expect(await podsOf(cluster.kubectl, shop)).toBe(2);
  expect(await inNamespace('get', 'deployments', '--selector', 'holdfast.dev/held=true', '--output', 'name')).toBe('');

  const started = await inNamespace('get', 'job', 'quiesced-copy', '--output', 'jsonpath={.status.startTime}');
  const seconds = (Date.parse(status.lastDump?.startTime ?? '') - Date.parse(started)) / 1000;
  process.stdout.write(`quiesce: the dump began ${seconds} s after the Job\n`);
}, 600_000);
