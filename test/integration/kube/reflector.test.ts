import type { KubeClient } from '../../../src/kube/client.ts';
import { createObject, deleteObject } from '../../../src/kube/objects.ts';
import { applyObject, fieldManager } from '../../../src/kube/apply.ts';
import { startControlPlane, type ControlPlane } from '../../cluster/control-plane.ts';
import { clientOf, configMap, configMaps, eventually, logger, watchConfigMaps, type Watching } from './support.ts';

let plane: ControlPlane;
let client: KubeClient;
let watching: Watching | undefined;

beforeAll(async () => {
  plane = await startControlPlane();
  client = clientOf(plane.kubeconfig);
}, 120_000);

afterEach(async () => {
  await watching?.stop();
  watching = undefined;
});

afterAll(async () => {
  client?.close();
  await plane?.stop();
});

const create = (group: string, name: string, data: Record<string, string> = {}) =>
  createObject(client, configMaps, configMap(name, data, { group }), { fieldManager });
const remove = (name: string) => deleteObject(client, configMaps, { namespace: 'default', name });
const keys = () => [...(watching?.reflector.store.keys() ?? [])].sort();

test('lists in pages and has everything, without managedFields', async () => {
  const names = Array.from({ length: 23 }, (_, i) => `page-${String(i).padStart(2, '0')}`);
  await Promise.all(names.map((name) => create('pages', name)));
  const paths: string[] = [];
  const spying: KubeClient = {
    ...client,
    request: (request) => {
      paths.push(`${request.query?.['limit']} ${request.query?.['continue'] === undefined ? 'first' : 'next'}`);
      return client.request(request);
    },
  };
  watching = watchConfigMaps(spying, 'pages', { tuning: { pageSize: 10 } });
  await watching.reflector.synced;
  expect(paths).toEqual(['10 first', '10 next', '10 next']);
  expect(keys()).toEqual(names.map((name) => `default/${name}`));
  const [object] = watching.reflector.store.list();
  expect(object).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
  expect(object?.metadata).not.toHaveProperty('managedFields');
});

test('tells of what is added, changed and deleted, with the old and the last state', async () => {
  watching = watchConfigMaps(client, 'changes');
  await watching.reflector.synced;
  await create('changes', 'changing', { a: '1' });
  await applyObject(client, configMaps, configMap('changing', { a: '2' }, { group: 'changes' }));
  await remove('changing');
  const { events } = watching;
  await eventually('three events', () => events.length === 3);
  expect(events).toMatchObject([
    { type: 'added', key: 'default/changing', object: { data: { a: '1' } } },
    { type: 'modified', object: { data: { a: '2' } }, old: { data: { a: '1' } } },
    { type: 'deleted', object: { data: { a: '2' } } },
  ]);
  expect(keys()).toEqual([]);
});

test('an object deleted and made again while the API server was away is another object', async () => {
  const first = await create('reborn', 'phoenix');
  // Frozen: this reflector's requests wait until both have happened, and it is a new list that finds them.
  const thawed = Promise.withResolvers<void>();
  const gate: { frozen?: Promise<void> } = {};
  const freezing: KubeClient = {
    ...client,
    request: async (request) => {
      await gate.frozen;
      return client.request(request);
    },
  };
  watching = watchConfigMaps(freezing, 'reborn', {
    tuning: { watchMinMs: 1000, watchMaxMs: 1000, relistMs: 1, backoffBaseMs: 50, backoffCapMs: 50 },
  });
  const { events, reflector } = watching;
  await reflector.synced;
  gate.frozen = thawed.promise;
  await plane.restartApiserver();
  await remove('phoenix');
  const second = await create('reborn', 'phoenix');
  thawed.resolve();
  await eventually('the new UID', () => reflector.store.entry('default/phoenix')?.uid === second.metadata.uid);
  expect(events.map(({ type, object }) => [type, object.metadata.uid])).toEqual([
    ['added', first.metadata.uid],
    ['deleted', first.metadata.uid],
    ['added', second.metadata.uid],
  ]);
}, 90_000);

test('handlers and projections that throw cost nothing but a log line', async () => {
  watching = watchConfigMaps(client, 'throwing', {
    project: (raw) => {
      if (raw.metadata.name === 'unreadable') throw new Error('unreadable');
      return raw;
    },
  });
  watching.reflector.onEvent(() => {
    throw new Error('a bad handler');
  });
  watching.reflector.onEvent(async () => {
    await Promise.reject(new Error('a bad async handler'));
  });
  const heard: string[] = [];
  watching.reflector.onEvent(({ key }) => heard.push(key));
  await create('throwing', 'unreadable');
  await watching.reflector.synced;
  await create('throwing', 'fine');
  await eventually('the readable one', () => keys().includes('default/fine'));
  expect(keys()).toEqual(['default/fine']);
  expect(heard).toEqual(['default/fine']);
});

test('a killed API server: what happened meanwhile is seen, once each', async () => {
  await create('restart', 'before');
  watching = watchConfigMaps(client, 'restart', { tuning: { backoffBaseMs: 50, backoffCapMs: 500 } });
  await watching.reflector.synced;
  const { events } = watching;
  await create('restart', 'during');
  await remove('before');
  await plane.restartApiserver();
  await create('restart', 'after');
  await eventually('the object made after', () => keys().includes('default/after'));
  expect(keys()).toEqual(['default/after', 'default/during']);
  expect(events.map(({ type, key }) => `${type} ${key}`).sort()).toEqual([
    'added default/after',
    'added default/before',
    'added default/during',
    'deleted default/before',
  ]);
}, 90_000);

test('410: a watch whose start is too far behind leads to a new list', async () => {
  await create('gone', 'old');
  const ends: string[] = [];
  watching = watchConfigMaps(client, 'gone', {
    tuning: { backoffBaseMs: 50, backoffCapMs: 500 },
    metrics: {
      queueDepth: () => {},
      reconciled: () => {},
      apiRequest: () => {},
      watchEnded: (_resource, reason) => ends.push(reason),
      stored: () => {},
      eventDropped: () => {},
      leading: () => {},
    },
  });
  await watching.reflector.synced;
  // Changes this watch never hears of move the version on; a new API server knows no history from before its start.
  for (let i = 0; i < 5; i += 1) await create('others', `noise-${i}`);
  await plane.restartApiserver();
  await create('gone', 'new');
  await eventually('the new object', () => keys().includes('default/new'));
  expect(keys()).toEqual(['default/new', 'default/old']);
  expect(ends).toContain('expired');
}, 90_000);

test('a server restored from an older snapshot: what it no longer has is dropped, and new changes are seen', async () => {
  await create('snapshot', 'kept');
  const snapshot = await plane.snapshot();
  watching = watchConfigMaps(client, 'snapshot', { tuning: { backoffBaseMs: 50, backoffCapMs: 500 } });
  await watching.reflector.synced;
  await create('snapshot', 'lost');
  // So many versions ahead that a watch from there would hear nothing of what comes next.
  for (let i = 0; i < 20; i += 1)
    await applyObject(client, configMaps, configMap('lost', { i: String(i) }, { group: 'snapshot' }));
  await eventually('the object that will be lost', () => keys().length === 2);
  await snapshot.restore();
  await eventually('the lost object is gone', () => keys().length === 1);
  await create('snapshot', 'next');
  await eventually('the next change', () => keys().includes('default/next'));
  expect(keys()).toEqual(['default/kept', 'default/next']);
}, 120_000);

test('stopping while it lists leaves no watch behind', async () => {
  const opened: string[] = [];
  const spying: KubeClient = {
    ...client,
    stream: (request) => {
      opened.push(request.path);
      return client.stream(request);
    },
  };
  watching = watchConfigMaps(spying, 'stopped', { logger });
  await watching.stop();
  expect(opened).toEqual([]);
  expect(watching.reflector.hasSynced()).toBe(false);
});
