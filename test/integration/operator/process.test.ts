import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import {
  conditionOf,
  eventually,
  quietly,
  startOperatorCluster,
  type OperatorCluster,
} from '../../support/operator/cluster.ts';
import { runToEnd, startOperator, type RunningOperator } from '../../support/operator/operator.ts';

// The operator as a process: how it starts, says what is wrong, answers, logs and ends; and that it stays in its namespaces.

let cluster: OperatorCluster;

beforeAll(async () => {
  cluster = await startOperatorCluster();
}, 180_000);

afterAll(() => cluster?.stop());

const kubeconfig = (): string => cluster.plane.kubeconfig;

const withOperator = async (
  options: Partial<Parameters<typeof startOperator>[0]>,
  work: (operator: RunningOperator) => Promise<void>,
): Promise<number | null> => {
  const operator = await startOperator({ kubeconfig: kubeconfig(), ...options });
  try {
    await work(operator);
  } finally {
    await operator.stop();
  }
  return operator.stop();
};

const ready = (namespace: string): Promise<true> =>
  eventually(`policy in ${namespace} is Ready`, async () => {
    const policy = await cluster.get('bp', 'agama', '--namespace', namespace);
    return conditionOf(policy, 'Ready')?.['status'] === 'True';
  });

/** The administrator's kubeconfig with another address. */
const pointedTo = async (server: string, directory: string): Promise<string> => {
  const config = JSON.parse(await cluster.plane.kubectl(['config', 'view', '--raw', '--output=json']));
  config.clusters[0].cluster.server = server;
  const path = join(directory, 'config');
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
};

describe('what it cannot start with', () => {
  test.each([
    { environment: { HOLDFAST_IMAGE_MYSQL: undefined }, says: 'HOLDFAST_IMAGE_MYSQL', reason: 'no image' },
    { environment: { HOLDFAST_NAMESPACES: 'a,,b' }, says: 'HOLDFAST_NAMESPACES', reason: 'a namespace without a name' },
    { environment: { HOLDFAST_PORT: 'http' }, says: 'HOLDFAST_PORT', reason: 'no port' },
  ])('$reason: it ends with 1 and names the variable', async ({ environment, says }) => {
    const { code, log, stray } = await runToEnd({ kubeconfig: kubeconfig(), environment });
    expect(code).toBe(1);
    expect(stray).toEqual([]);
    expect(log).toMatchObject([{ level: 'fatal', err: { message: expect.stringContaining(says) } }]);
  });

  test('an account that may not read the identity of the cluster: it ends with 1 and the server’s words', async () => {
    const nobody = await cluster.plane.kubeconfigFor('nobody');
    const { code, log } = await runToEnd({ kubeconfig: nobody });
    expect(code).toBe(1);
    expect(log).toMatchObject([{ level: 'fatal', err: { message: expect.stringMatching(/kube-system.*forbidden/) } }]);
  });

  test('no API server: it ends with 1 and the address', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-kubeconfig-'));
    const { code, log } = await runToEnd({ kubeconfig: await pointedTo('https://127.0.0.1:9', directory) });
    await rm(directory, { recursive: true });
    expect(code).toBe(1);
    expect(JSON.stringify(log)).toMatch(/ECONNREFUSED/);
  });
});

test('it answers on its port, logs JSON that names resources, and SIGTERM ends it with 0', async () => {
  await cluster.namespace('shop');
  const operator = await startOperator({ kubeconfig: kubeconfig() });
  try {
    await cluster.policy({ namespace: 'shop' });
    await ready('shop');
    for (const path of ['/healthz', '/readyz']) {
      const response = await fetch(`${operator.url}${path}`);
      expect([path, response.status]).toEqual([path, 200]);
      expect(await response.text()).toMatch(/\[\+\] backuppolicies/);
    }
    const metrics = await (await fetch(`${operator.url}/metrics`)).text();
    expect(metrics).toMatch(/holdfast_api_requests_total\{verb="PATCH",code="20\d"\} \d/);
    expect(metrics).toMatch(/holdfast_cached_objects\{resource="backuppolicies"\} 1/);
    // Names of users' objects are no labels of metrics.
    expect(metrics).not.toMatch(/agama|shop/);
    expect((await fetch(`${operator.url}/else`)).status).toBe(404);
    expect(operator.log).toContainEqual(
      expect.objectContaining({
        msg: 'applied',
        level: 'info',
        kind: 'BackupPolicy',
        namespace: 'shop',
        name: 'agama',
        object: 'agama-full',
      }),
    );
  } finally {
    const before = Date.now();
    expect(await operator.stop('SIGTERM')).toBe(0);
    expect(Date.now() - before).toBeLessThan(10_000);
  }
  expect(operator.stray).toEqual([]);
  expect(operator.log.at(-1)).toMatchObject({ msg: 'holdfast stops', cause: 'stopped' });
  for (const { time } of operator.log) expect(time).toMatch(/^20\d\d-\d\d-\d\dT/);
  const port = Number(new URL(operator.url).port);
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow('fetch failed');
});

test('SIGTERM ends it also while the API server says nothing', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-kubeconfig-'));
  try {
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const config = await pointedTo(`https://127.0.0.1:${port}`, directory);
    const before = Date.now();
    const { code } = await runToEnd({ kubeconfig: config, stopWhen: () => sockets.length > 0 });
    expect(code).toBe(0);
    expect(Date.now() - before).toBeLessThan(15_000);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
    await rm(directory, { recursive: true });
  }
});

test('SIGINT ends it likewise', async () => {
  const operator = await startOperator({ kubeconfig: kubeconfig() });
  expect(await operator.stop('SIGINT')).toBe(0);
});

test('it outlives a restart of the API server, and goes on', async () => {
  await cluster.namespace('outlives');
  const code = await withOperator({}, async () => {
    await cluster.plane.restartApiserver();
    await cluster.policy({ namespace: 'outlives' });
    await eventually(
      'Ready',
      async () => {
        const policy = await cluster.get('bp', 'agama', '--namespace=outlives');
        return conditionOf(policy, 'Ready')?.['status'] === 'True';
      },
      60_000,
    );
  });
  expect(code).toBe(0);
}, 150_000);

/** The rules of the chart's Roles, as the chart has them; that for the Lease is in the namespace `holdfast`. */
const grant = async (user: string, namespaces: readonly string[]): Promise<void> => {
  await cluster.namespace('holdfast');
  const values = ['template', 'holdfast', 'charts/holdfast', '--namespace', 'holdfast'];
  const set = namespaces.flatMap((namespace, index) => ['--set', `namespaces[${index}]=${namespace}`]);
  const manifest = await cluster.plane.helm([...values, ...set]);
  const objects = parseAllDocuments(manifest).map((document) => document.toJS());
  const rbac = objects.filter((object) => /^(Cluster)?Role(Binding)?$/.test(object?.kind ?? ''));
  const bound = rbac.map((object) =>
    object.subjects === undefined
      ? object
      : { ...object, subjects: [{ kind: 'User', name: user, apiGroup: 'rbac.authorization.k8s.io' }] },
  );
  await cluster.apply(...bound);
};

test('HOLDFAST_NAMESPACES: with the chart’s Roles in two namespaces it works there, and touches no third', async () => {
  for (const namespace of ['one', 'two', 'three']) await cluster.namespace(namespace);
  await grant('operator', ['one', 'two']);
  const account = await cluster.plane.kubeconfigFor('operator');
  const mark = await cluster.mark();
  const environment = { HOLDFAST_NAMESPACES: 'one,two', HOLDFAST_LEASE_NAMESPACE: 'holdfast' };
  const code = await withOperator({ kubeconfig: account, environment }, async (operator) => {
    for (const namespace of ['one', 'two', 'three']) await cluster.policy({ namespace });
    await ready('one');
    await ready('two');
    await quietly(2);
    expect(operator.log.filter(({ level }) => level !== 'info')).toEqual([]);
  });
  expect(code).toBe(0);
  expect(await cluster.list('three', 'cronjobs,pvc')).toEqual([]);
  expect(await cluster.get('bp', 'agama', '--namespace=three')).not.toHaveProperty('status');
  const writes = await cluster.writes(mark);
  expect(new Set(writes.map(({ namespace }) => namespace))).toEqual(new Set(['one', 'two']));
  // 409 may come: a status worked out from an older version is refused and worked out anew.
  expect(writes.filter(({ code }) => code >= 400 && code !== 409)).toEqual([]);
});

test('the chart’s Roles are enough for all of it: the Lease, CronJobs that go, Events', async () => {
  await cluster.namespace('four');
  await grant('operator-four', ['four']);
  const account = await cluster.plane.kubeconfigFor('operator-four');
  const environment = { HOLDFAST_NAMESPACES: 'four', HOLDFAST_LEASE_NAMESPACE: 'holdfast' };
  await withOperator({ kubeconfig: account, environment }, async (operator) => {
    await cluster.policy({ namespace: 'four' });
    await ready('four');
    await cluster.plane.kubectl([
      'patch',
      'bp',
      'agama',
      '--namespace=four',
      '--type=merge',
      '--patch',
      JSON.stringify({ spec: { schedule: { incremental: null }, podTemplate: null } }),
    ]);
    await eventually('gone', async () => (await cluster.list('four', 'cronjobs')).length === 2);
    await cluster.policy({ namespace: 'four', spec: { podTemplate: {} } });
    await eventually('the Event', async () =>
      (await cluster.list('four', 'events')).some(({ reason }) => reason === 'Stalled'),
    );
    expect(operator.log.filter(({ level }) => level !== 'info')).toEqual([]);
  });
});
