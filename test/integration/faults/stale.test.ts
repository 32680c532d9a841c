import type { KubeClient } from '../../../src/kube/client.ts';
import { isRecord } from '../../../src/kube/types.ts';
import { resources } from '../../../src/policy/resources.ts';
import { apiOf } from '../../cluster/api.ts';
import { createStage, type Stage } from '../../faults/stage.ts';
import { endJob, endPod, runOf, startRun, succeed } from '../../faults/scenarios-runs.ts';
import { refuse } from '../../faults/faults.ts';
import { startFaultProxy, type FaultProxy, type FaultProxyOptions } from '../../faults/proxy.ts';
import type { OpenStream } from '../../faults/stream.ts';
import { conditionOf, eventually } from '../../support/operator/cluster.ts';
import { get } from '../../support/operator/read.ts';
import { failedResultOf, type ContainerEnd, type RunOptions } from '../../support/operator/runs.ts';
import { runInProcess } from '../../support/operator/in-process.ts';
import { startOperator } from '../../support/operator/operator.ts';
import { sharedPlane } from '../shared-plane.ts';

// What the operator does while one of its caches is behind.

const ready = (stage: Stage): Promise<unknown> =>
  eventually('Ready, for its generation', async () => {
    const policy = await stage.get(resources.policy, 'agama');
    const condition = conditionOf(policy, 'Ready');
    return condition?.['status'] === 'True' && condition['observedGeneration'] === policy.metadata.generation;
  });

const failedDump = (run: RunOptions): ContainerEnd[] => [
  { name: 'dump', message: JSON.stringify(failedResultOf('dump', run)), exitCode: 1 },
];

/** A stage, and the operator behind a proxy that does as told; all of it ends with `play`. */
const behindProxy = async (
  namespace: string,
  told: Omit<FaultProxyOptions, 'kubeconfig'>,
  play: (scene: { client: KubeClient; stage: Stage; proxy: FaultProxy }) => Promise<void>,
): Promise<void> => {
  const { kubeconfig } = await sharedPlane();
  const client = apiOf(kubeconfig);
  const stage = await createStage(client, namespace);
  const proxy = await startFaultProxy({ kubeconfig, ...told });
  const environment = { HOLDFAST_NAMESPACES: namespace };
  const operator = await startOperator({ kubeconfig: proxy.kubeconfig, environment });
  try {
    await play({ client, stage, proxy });
  } finally {
    await operator.stop();
    await proxy.stop();
    client.close();
  }
};

const uidsOf = async (stage: Stage): Promise<unknown[]> =>
  (await stage.list(resources.cronJob)).map(({ metadata }) => metadata.uid);

test('CronJobs that were orphaned unseen are not deleted for those of the earlier policy, but taken over', async () => {
  const streams: OpenStream[] = [];
  let isBlind = false;
  const watch: FaultProxyOptions['watch'] = ({ what }) =>
    what === 'WATCH cronjobs'
      ? { onOpen: (stream) => streams.push(stream), onEvent: () => (isBlind ? 'drop' : 'pass') }
      : undefined;
  await behindProxy('stale-orphans', { watch }, async ({ stage, proxy }) => {
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
  });
}, 90_000);

test('a run whose end the watch of the pods has not told yet is not reported as lost', async () => {
  let isBlind = false;
  const watch: FaultProxyOptions['watch'] = ({ what }) =>
    what === 'WATCH pods' ? { onEvent: () => (isBlind ? 'drop' : 'pass') } : undefined;
  const lastRun = (stage: Stage, kind: string) => async (): Promise<unknown> => {
    const { status } = await stage.get(resources.policy, 'agama');
    const runs = isRecord(status) && Array.isArray(status['lastRuns']) ? status['lastRuns'] : [];
    return runs.filter(isRecord).find((run) => run['kind'] === kind)?.['outcome'];
  };
  await behindProxy('stale-pods', { watch }, async ({ client, stage }) => {
    await stage.policy();
    await ready(stage);
    isBlind = true;
    const [full, incremental] = [runOf('Full', '2020-03-01T02:00:00Z'), runOf('Incremental', '2020-03-02T02:00:00Z')];
    await startRun(stage, full);
    await succeed(stage, full);
    expect(await eventually('the full is told', lastRun(stage, 'Full'))).toBe('Succeeded');
    await startRun(stage, incremental);
    await endPod(stage, incremental, failedDump(incremental), 'Failed');
    await endJob(stage, incremental, 'Failed');
    expect(await eventually('the incremental is told', lastRun(stage, 'Incremental'))).toBe('Failed');
    const reasons = await eventually('their Events', async () => {
      const { items } = await get(client, 'events', '--namespace', stage.namespace);
      const found = (Array.isArray(items) ? items : []).filter(isRecord).map(({ reason }) => String(reason));
      // What these runs tell of is long past, and so is the RPO.
      const ofRuns = found.filter((reason) => reason !== 'RecoveryPointMissed');
      return ofRuns.length >= 2 && ofRuns.toSorted();
    });
    expect(reasons).toEqual(['FullSucceeded', 'IncrementalFailed']);
    expect(await stage.get(resources.policy, 'agama')).toMatchObject({
      status: { lastFailure: { reason: 'AccessDenied', jobName: incremental.jobName } },
    });
  });
}, 90_000);

test('conflicts that do not end are tried again with growing waits; no Event tells of a status that was not written', async () => {
  const { kubeconfig } = await sharedPlane();
  const client = apiOf(kubeconfig);
  const stage = await createStage(client, 'stale-for-ever');
  const what = 'PUT backuppolicies/agama/status';
  const proxy = await startFaultProxy({
    kubeconfig,
    decide: (request) => (request.what === what ? refuse(409) : { kind: 'forward' }),
  });
  const operator = runInProcess({ kubeconfig: proxy.kubeconfig, namespace: stage.namespace });
  const waits = (): number[] => {
    const times = proxy.requests.filter((request) => request.what === what).map(({ atMs }) => atMs);
    return times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs));
  };
  try {
    // Not available: the policy is Stalled, of which an Event is to tell.
    await stage.policy({ spec: { restore: { confirmation: 'None' } } });
    // The fourth or fifth: they begin with less than half a second.
    await eventually('a wait of three seconds', async () => waits().some((ms) => ms >= 3000));
    expect(waits().length).toBeGreaterThan(2);
    expect(waits().length).toBeLessThan(20);
    expect(proxy.requests.map(({ what: request }) => request)).not.toContain('POST events');
  } finally {
    await operator.stop();
    await proxy.stop();
    client.close();
  }
}, 60_000);
