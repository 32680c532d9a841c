import type { WorkloadKind } from '../../../src/quiesce/workload.ts';
import {
  conditionOf,
  eventually,
  quietly,
  startOperatorCluster,
  type OperatorCluster,
} from '../../support/operator/cluster.ts';
import { startOperator, type RunningOperator } from '../../support/operator/operator.ts';
import { application, createPlay, free, quiesceEnvironment } from '../../support/operator/workloads.ts';

// Workloads as Kubernetes' own controllers run them. There is no node: the test says in a pod's status what kubelet would.

let cluster: OperatorCluster;
let operator: RunningOperator;

const start = (): Promise<RunningOperator> =>
  startOperator({ kubeconfig: cluster.plane.kubeconfig, environment: quiesceEnvironment });

beforeAll(async () => {
  cluster = await startOperatorCluster({ controllerManager: true });
  operator = await start();
}, 180_000);

afterAll(async () => {
  await operator?.stop();
  await cluster?.stop();
});

const shop = { kind: 'Deployment', name: 'shop' } as const;
const queue = { kind: 'StatefulSet', name: 'queue' } as const;
const nightly = { kind: 'CronJob', name: 'nightly' } as const;
type Named = { kind: WorkloadKind; name: string };

/** A namespace with applications and a policy that stops them. */
const stage = async (namespace: string, workloads: readonly Named[], applications: readonly object[]) => {
  await cluster.namespace(namespace);
  await cluster.apply(...applications);
  const policy = async (name: string): Promise<void> => {
    await cluster.policy({ namespace, name, spec: { quiesce: { workloads } } });
    await eventually(`${name} is Ready`, async () => {
      const found = await cluster.get('bp', name, '--namespace', namespace);
      return conditionOf(found, 'Ready')?.['status'] === 'True';
    });
  };
  await policy('agama');
  const play = createPlay(cluster, namespace);
  return {
    ...play,
    policy,
    opened: (pod: string) =>
      eventually(`the gate of ${pod}`, async () => {
        const gate = await play.gate(pod);
        return gate?.state === 'Held' ? gate : undefined;
      }),
    refused: (pod: string) =>
      eventually(`a refusal of ${pod}`, async () => {
        const gate = await play.gate(pod);
        return gate?.state === 'Refused' ? gate.message : undefined;
      }),
    becomes: ({ kind, name }: Named, wanted: object) =>
      eventually(`${kind} ${name} is ${JSON.stringify(wanted)}`, async () => {
        const state = await play.stateOf(kind, name);
        return JSON.stringify(state) === JSON.stringify({ ...state, ...wanted }) && state;
      }),
  };
};

const apps = (namespace: string, ...named: readonly (Named & { replicas?: number; nodeName?: string })[]) =>
  named.map(({ kind, ...rest }) => application(kind, { namespace, ...rest }));

const held = (...holders: readonly string[]) => ({
  replicas: 0,
  holders: holders.map((name) => `BackupPolicy/${name}`),
  labelled: 'true',
});

test('workloads of every kind are down, without pods, while the dump runs, and as before after it', async () => {
  const namespace = 'kinds';
  const { run, end, gate, opened, becomes, podsOf } = await stage(
    namespace,
    [shop, queue, nightly],
    apps(namespace, { ...shop, replicas: 3 }, { ...queue, replicas: 1 }, nightly),
  );
  await eventually('pods', async () => (await podsOf('shop')) === 3 && (await podsOf('queue')) === 1);
  const pod = await run('agama-local-copy', 'dump-1');
  const first = await opened(pod);
  for (const each of [shop, queue, nightly]) await becomes(each, held('agama'));
  expect(await podsOf('shop')).toBe(0);
  expect(await podsOf('queue')).toBe(0);
  await eventually('the operator says again that they are down', async () => {
    const now = await gate(pod);
    return now?.state === 'Held' && now.asOf > first.asOf && now.since === first.since;
  });
  await end(pod, 'dump-1');
  expect(await becomes(shop, free(3))).toEqual(free(3));
  expect(await becomes(queue, free(1))).toEqual(free(1));
  expect(await becomes(nightly, free(1))).toEqual(free(1));
  await eventually('pods again', async () => (await podsOf('shop')) === 3);
  const events = await cluster.list(namespace, 'events');
  expect(events.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['WorkloadStopped', 'WorkloadReleased']));
}, 90_000);

test('what was down before stays down', async () => {
  const namespace = 'down-before';
  const { run, end, opened, becomes } = await stage(
    namespace,
    [shop, nightly],
    apps(namespace, { ...shop, replicas: 0 }, { ...nightly, replicas: 0 }),
  );
  const pod = await run('agama-local-copy', 'dump-1');
  await opened(pod);
  await end(pod, 'dump-1');
  expect(await becomes(shop, free(0))).toEqual(free(0));
  expect(await becomes(nightly, free(0))).toEqual(free(0));
}, 60_000);

test('a run that finds a local copy stops nothing; one that has to dump does', async () => {
  const namespace = 'decided';
  const { run, becomes, opened, stateOf } = await stage(namespace, [shop], apps(namespace, { ...shop, replicas: 2 }));
  await run('agama-full', 'full-1', { dumps: false });
  await quietly(4);
  expect(await stateOf('Deployment', 'shop')).toEqual(free(2));
  const pod = await run('agama-full', 'full-2', { dumps: true });
  await becomes(shop, held('agama'));
  await opened(pod);
}, 60_000);

test('a workload that is not there: the dump is refused by its name, and nothing is stopped', async () => {
  const namespace = 'missing';
  const { run, refused, stateOf } = await stage(
    namespace,
    [shop, { kind: 'Deployment', name: 'gone' }],
    apps(namespace, shop),
  );
  const pod = await run('agama-local-copy', 'dump-1');
  expect(await refused(pod)).toBe('There is no Deployment gone in the namespace.');
  expect(await stateOf('Deployment', 'shop')).toEqual(free(3));
}, 60_000);

test('pods that take their time to end are waited for', async () => {
  const namespace = 'slow';
  const slow = { ...shop, replicas: 1, nodeName: 'silent' };
  const { run, opened, becomes, gate } = await stage(namespace, [shop], apps(namespace, slow));
  const name = await eventually('a pod', async () => {
    const [found] = await cluster.list(namespace, 'pods', '--selector', 'app=shop');
    return found?.metadata.name;
  });
  const pod = await run('agama-local-copy', 'dump-1');
  await becomes(shop, held('agama'));
  // It is being deleted, and the Deployment's own status counts it no more.
  await quietly(10);
  expect(await gate(pod)).toBeUndefined();
  await cluster.plane.kubectl(['delete', 'pod', name, '--namespace', namespace, '--force', '--grace-period=0']);
  await opened(pod);
}, 90_000);

test('a Job of a CronJob that is under way is waited for', async () => {
  const namespace = 'job-under-way';
  const { run, opened, becomes, gate } = await stage(namespace, [nightly], apps(namespace, nightly));
  await cluster.plane.kubectl(['create', 'job', 'tonight', '--from=cronjob/nightly', '--namespace', namespace]);
  const pod = await run('agama-local-copy', 'dump-1');
  await becomes(nightly, held('agama'));
  await quietly(10);
  expect(await gate(pod)).toBeUndefined();
  await cluster.plane.kubectl(['delete', 'job', 'tonight', '--namespace', namespace]);
  await opened(pod);
}, 90_000);

test('a person who scales meanwhile is not overwritten, and the dump does not count', async () => {
  const namespace = 'person';
  const { run, end, opened, refused, becomes, scale } = await stage(namespace, [shop], apps(namespace, shop));
  const pod = await run('agama-local-copy', 'dump-1');
  await opened(pod);
  await scale('Deployment', 'shop', 5);
  expect(await refused(pod)).toContain('Deployment shop was started by somebody else');
  expect(await becomes(shop, free(5))).toEqual(free(5));
  await end(pod, 'dump-1');
  await quietly(3);
  expect(await becomes(shop, free(5))).toEqual(free(5));
}, 60_000);

test('a person who scales up and down again keeps the last word', async () => {
  const namespace = 'person-down';
  const { run, opened, refused, becomes, scale } = await stage(namespace, [shop], apps(namespace, shop));
  const pod = await run('agama-local-copy', 'dump-1');
  await opened(pod);
  await operator.stop('SIGKILL');
  await scale('Deployment', 'shop', 5);
  await scale('Deployment', 'shop', 0);
  operator = await start();
  // It has no pods and no replicas: only that it was changed tells.
  expect(await refused(pod)).toContain('was started and stopped by somebody else');
  expect(await becomes(shop, free(0))).toEqual(free(0));
}, 60_000);

test('what was down before, and is started and stopped by a person meanwhile, is noticed', async () => {
  const namespace = 'down-before-person';
  const { run, opened, refused, becomes, scale } = await stage(
    namespace,
    [shop],
    apps(namespace, { ...shop, replicas: 0 }),
  );
  const pod = await run('agama-local-copy', 'dump-1');
  await opened(pod);
  await operator.stop('SIGKILL');
  await scale('Deployment', 'shop', 1);
  await scale('Deployment', 'shop', 0);
  operator = await start();
  expect(await refused(pod)).toContain('was started and stopped by somebody else');
  expect(await becomes(shop, free(0))).toEqual(free(0));
}, 60_000);

test('two policies stop one workload: the last that lets go puts it back', async () => {
  const namespace = 'two';
  const { run, end, opened, becomes, policy } = await stage(namespace, [shop], apps(namespace, shop));
  await policy('other');
  const first = await run('agama-local-copy', 'dump-1');
  await opened(first);
  const second = await run('other-local-copy', 'dump-2');
  await opened(second);
  await becomes(shop, held('agama', 'other'));
  await end(first, 'dump-1');
  await becomes(shop, held('other'));
  await end(second, 'dump-2');
  expect(await becomes(shop, free(3))).toEqual(free(3));
}, 60_000);

describe('put back, whatever happens', () => {
  const down = async (namespace: string) => {
    const played = await stage(namespace, [shop], apps(namespace, shop));
    const pod = await played.run('agama-local-copy', 'dump-1');
    await played.opened(pod);
    await played.becomes(shop, held('agama'));
    return { ...played, pod };
  };

  test('the pod is lost', async () => {
    const { becomes, pod } = await down('pod-lost');
    await cluster.plane.kubectl(['delete', 'pod', pod, '--namespace', 'pod-lost', '--force', '--grace-period=0']);
    expect(await becomes(shop, free(3))).toEqual(free(3));
  }, 60_000);

  test('the run is cancelled: its Job is deleted', async () => {
    const { becomes } = await down('cancelled');
    await cluster.plane.kubectl(['delete', 'job', 'dump-1', '--namespace', 'cancelled']);
    expect(await becomes(shop, free(3))).toEqual(free(3));
  }, 60_000);

  test('the policy is deleted', async () => {
    const { becomes } = await down('deleted');
    await cluster.plane.kubectl(['delete', 'bp', 'agama', '--namespace', 'deleted']);
    expect(await becomes(shop, free(3))).toEqual(free(3));
  }, 60_000);

  test('quiesce is taken out of the policy: once the dump has ended', async () => {
    const { becomes, end, pod, stateOf } = await down('taken-out');
    await cluster.policy({ namespace: 'taken-out' });
    await quietly(3);
    expect(await stateOf('Deployment', 'shop')).toEqual(held('agama'));
    await end(pod, 'dump-1');
    expect(await becomes(shop, free(3))).toEqual(free(3));
  }, 60_000);

  test('the operator is killed, and the dump ends meanwhile', async () => {
    const { becomes, end, pod } = await down('killed');
    await operator.stop('SIGKILL');
    await end(pod, 'dump-1');
    operator = await start();
    expect(await becomes(shop, free(3))).toEqual(free(3));
  }, 60_000);

  test('the operator is killed and comes back while the dump runs: nothing is started under it', async () => {
    const { becomes, end, gate, opened, pod } = await down('killed-between');
    const before = await opened(pod);
    await operator.stop('SIGKILL');
    operator = await start();
    await eventually('the same hold goes on', async () => {
      const now = await gate(pod);
      return now?.state === 'Held' && now.since === before.since && now.asOf > before.asOf;
    });
    await end(pod, 'dump-1');
    expect(await becomes(shop, free(3))).toEqual(free(3));
  }, 60_000);
});

test('without the right to stop workloads the policy is Stalled, and says what to do', async () => {
  const namespace = 'not-allowed';
  await operator.stop();
  operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig });
  await cluster.namespace(namespace);
  await cluster.policy({ namespace, spec: { quiesce: { workloads: [shop] } } });
  const stalled = await eventually('Stalled', async () =>
    conditionOf(await cluster.get('bp', 'agama', '--namespace', namespace), 'Stalled'),
  );
  expect(stalled).toMatchObject({ status: 'True', message: expect.stringContaining('quiesce.enabled=true') });
}, 60_000);
