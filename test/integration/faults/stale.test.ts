import { resources } from '../../../src/policy/resources.ts';
import { apiOf } from '../../cluster/api.ts';
import { createStage, type Stage } from '../../faults/harness-stage.ts';
import { startFaultProxy } from '../../faults/proxy.ts';
import type { OpenStream } from '../../faults/stream.ts';
import { conditionOf, eventually } from '../../support/operator/cluster.ts';
import { startOperator } from '../../support/operator/operator.ts';
import { sharedPlane } from '../shared-plane.ts';

// What the operator does while its cache of CronJobs is behind.

const ready = (stage: Stage): Promise<unknown> =>
  eventually('Ready, for its generation', async () => {
    const policy = await stage.get(resources.policy, 'agama');
    const condition = conditionOf(policy, 'Ready');
    return condition?.['status'] === 'True' && condition['observedGeneration'] === policy.metadata.generation;
  });

const uidsOf = async (stage: Stage): Promise<unknown[]> =>
  (await stage.list(resources.cronJob)).map(({ metadata }) => metadata.uid);

test('CronJobs that were orphaned unseen are not deleted for those of the earlier policy, but taken over', async () => {
  const { kubeconfig } = await sharedPlane();
  const client = apiOf(kubeconfig);
  const stage = await createStage(client, 'stale-orphans');
  const streams: OpenStream[] = [];
  let isBlind = false;
  const proxy = await startFaultProxy({
    kubeconfig,
    watch: ({ what }) =>
      what === 'WATCH cronjobs'
        ? { onOpen: (stream) => streams.push(stream), onEvent: () => (isBlind ? 'drop' : 'pass') }
        : undefined,
  });
  const environment = { HOLDFAST_NAMESPACES: stage.namespace };
  const operator = await startOperator({ kubeconfig: proxy.kubeconfig, environment });
  try {
    await stage.policy();
    await ready(stage);
    const before = await uidsOf(stage);
    isBlind = true;
    await stage.remove(resources.policy, 'agama');
    for (const { metadata } of await stage.list(resources.cronJob)) {
      await stage.patch(resources.cronJob, metadata.name, { metadata: { ownerReferences: null } });
    }
    await stage.policy();
    await eventually('it tries', async () => proxy.requests.some(({ method }) => method === 'DELETE'));
    isBlind = false;
    for (const stream of streams) stream.cut();
    await ready(stage);
    expect(await uidsOf(stage)).toEqual(before);
  } finally {
    await operator.stop();
    await proxy.stop();
    client.close();
  }
}, 90_000);
