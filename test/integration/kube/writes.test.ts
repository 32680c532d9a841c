import { appliedHashAnnotation, applyIfChanged, fieldManager } from '../../../src/kube/apply.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { isAlreadyExists, isConflict } from '../../../src/kube/errors.ts';
import { createEventRecorder } from '../../../src/kube/events.ts';
import { createObject, deleteObject, getObject } from '../../../src/kube/objects.ts';
import { writeStatus } from '../../../src/kube/status.ts';
import type { KubeObject, ResourceType } from '../../../src/kube/types.ts';
import { untilEstablished } from '../../cluster/crds.ts';
import { clientOf, configMap, configMaps, deployments, failureOf, logger } from './support.ts';
import { sharedPlane, type SharedPlane } from '../shared-plane.ts';

let plane: SharedPlane;
let client: KubeClient;

beforeAll(async () => {
  plane = await sharedPlane();
  client = clientOf(plane.kubeconfig);
  await plane.kubectl(['apply', '--filename', '-'], { input: JSON.stringify(widgetDefinition) });
  await untilEstablished(plane, 'widgets.test.holdfast.dev');
}, 120_000);

afterAll(async () => {
  client?.close();
});

const named = (name: string) => ({ namespace: 'default', name });

async function existing(type: ResourceType, name: string): Promise<KubeObject> {
  const object = await getObject(client, type, named(name));
  if (object === undefined) throw new Error(`${type.kind} ${name} is not there`);
  return object;
}

function statusSubject({ metadata: { name, uid = '', resourceVersion = '' } }: KubeObject) {
  return { namespace: 'default', name, uid, resourceVersion };
}

/** With much that the server fills in or writes in its own form. */
const deployment = (image = 'registry.example/app:1') => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } },
  spec: {
    replicas: 0,
    paused: false,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        nodeSelector: {},
        hostNetwork: false,
        securityContext: {},
        containers: [
          {
            name: 'app',
            image,
            args: ['--serve', '--port=80'],
            env: [
              { name: 'A', value: '' },
              { name: 'B', value: 'b' },
            ],
            ports: [{ containerPort: 80 }],
            resources: { limits: { cpu: '1000m', memory: '0.5Gi' }, requests: { cpu: 0.5 } },
            volumeMounts: [{ name: 'tmp', mountPath: '/tmp', readOnly: false }],
          },
        ],
        volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '1024Mi' } }],
      },
    },
  },
});

test('server-side apply writes once, then not again', async () => {
  const first = await applyIfChanged(client, deployments, deployment(), undefined);
  expect(first).toMatchObject({ action: 'applied', cause: 'absent' });
  const observed = await existing(deployments, 'web');
  expect(await applyIfChanged(client, deployments, deployment(), observed)).toEqual({ action: 'unchanged' });
  const next = await applyIfChanged(client, deployments, deployment('registry.example/app:2'), observed);
  expect(next).toMatchObject({ action: 'applied', cause: 'desired changed' });
  const last = await existing(deployments, 'web');
  expect(await applyIfChanged(client, deployments, deployment('registry.example/app:2'), last)).toEqual({
    action: 'unchanged',
  });
});

test('a field that the server does not know is refused, not dropped', async () => {
  const misspelled = { ...configMap('misspelled', { a: '1' }), datum: { b: '2' } };
  const error = await failureOf(applyIfChanged(client, configMaps, misspelled, undefined));
  expect(String(error)).toMatch(/datum.*(not declared|unknown)/);
  expect(await getObject(client, configMaps, named('misspelled'))).toBeUndefined();
});

test('a field no longer desired is removed; one that another writer added stays', async () => {
  await applyIfChanged(client, configMaps, configMap('fields', { a: '1', b: '2' }), undefined);
  await plane.kubectl(['patch', 'configmap', 'fields', '--type=merge', '--patch', '{"data":{"theirs":"x"}}']);
  const observed = await existing(configMaps, 'fields');
  expect(await applyIfChanged(client, configMaps, configMap('fields', { a: '1', b: '2' }), observed)).toEqual({
    action: 'unchanged',
  });
  const result = await applyIfChanged(client, configMaps, configMap('fields', { a: '1' }), observed);
  expect(result.cause).toBe('desired changed');
  expect((await existing(configMaps, 'fields'))['data']).toEqual({ a: '1', theirs: 'x' });
});

test('a field that another manager took over is taken back, and named', async () => {
  await applyIfChanged(client, configMaps, configMap('contested', { a: 'ours' }), undefined);
  const theirs = { ...configMap('contested', { a: 'theirs' }) };
  await plane.kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=other', '--filename', '-'], {
    input: JSON.stringify(theirs),
  });
  const observed = await existing(configMaps, 'contested');
  const result = await applyIfChanged(client, configMaps, configMap('contested', { a: 'ours' }), observed);
  expect(result).toMatchObject({ action: 'applied', cause: 'data.a' });
  expect((await existing(configMaps, 'contested'))['data']).toEqual({ a: 'ours' });
});

describe('nothing is applied on stale knowledge', () => {
  const desired = (name: string, value: string) => configMap(name, { a: value });

  test('what was absent must still be absent', async () => {
    await applyIfChanged(client, configMaps, desired('taken', '1'), undefined);
    const refused = await failureOf(applyIfChanged(client, configMaps, desired('taken', '2'), undefined));
    expect(isConflict(refused)).toBe(true);
    expect((await existing(configMaps, 'taken'))['data']).toEqual({ a: '1' });
  });

  test('what was observed must still be there in that version', async () => {
    await applyIfChanged(client, configMaps, desired('moved', '1'), undefined);
    const observed = await existing(configMaps, 'moved');
    await plane.kubectl(['label', 'configmap', 'moved', 'by=another']);
    const refused = await failureOf(applyIfChanged(client, configMaps, desired('moved', '2'), observed));
    expect(isConflict(refused)).toBe(true);
    expect((await existing(configMaps, 'moved'))['data']).toEqual({ a: '1' });
  });

  test('a namesake of what was observed is another object', async () => {
    await applyIfChanged(client, configMaps, desired('again', '1'), undefined);
    const observed = await existing(configMaps, 'again');
    await plane.kubectl(['delete', 'configmap', 'again']);
    const refused = await failureOf(applyIfChanged(client, configMaps, desired('again', '2'), observed));
    expect(isConflict(refused)).toBe(true);
    expect(await getObject(client, configMaps, { namespace: 'default', name: 'again' })).toBeUndefined();
  });
});

test('a field the server does not know is an error, not a silent loss', async () => {
  const wrong = { ...configMap('typo'), dta: { a: '1' } };
  await expect(applyIfChanged(client, configMaps, wrong, undefined)).rejects.toThrow(/dta/);
  await expect(createObject(client, configMaps, wrong, { fieldManager })).rejects.toThrow(/dta/);
  const made = await createObject(client, widgets, widget('typo'), { fieldManager });
  await expect(writeStatus(client, widgets, statusSubject(made), { fase: 'A' }, undefined)).rejects.toThrow(/fase/);
});

test('creating is at most once', async () => {
  await createObject(client, configMaps, configMap('once'), { fieldManager });
  const again = createObject(client, configMaps, configMap('once'), { fieldManager });
  expect(isAlreadyExists(await failureOf(again))).toBe(true);
});

test('a delete meant for one object spares its namesake', async () => {
  const first = await createObject(client, configMaps, configMap('namesake'), { fieldManager });
  const uid = first.metadata.uid ?? '';
  expect(await deleteObject(client, configMaps, named('namesake'), { uid })).toBe('deleted');
  await createObject(client, configMaps, configMap('namesake'), { fieldManager });
  expect(await deleteObject(client, configMaps, named('namesake'), { uid })).toBe('absent');
  const second = await existing(configMaps, 'namesake');
  expect(second.metadata.uid).not.toBe(uid);
  const stale = deleteObject(client, configMaps, named('namesake'), { uid: second.metadata.uid, resourceVersion: '1' });
  expect(isConflict(await failureOf(stale))).toBe(true);
  expect(await deleteObject(client, configMaps, named('not-there'))).toBe('absent');
});

const widgets: ResourceType = {
  group: 'test.holdfast.dev',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};
const text = { type: 'string' };
const widgetDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.test.holdfast.dev' },
  spec: {
    group: 'test.holdfast.dev',
    names: { kind: 'Widget', plural: 'widgets' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                required: ['colour'],
                properties: { colour: text, size: { ...text, default: 'M' } },
              },
              status: {
                type: 'object',
                properties: { phase: text, lastVerified: text, list: { type: 'array', items: text } },
              },
            },
          },
        },
      },
    ],
  },
};
const widget = (name: string) => ({
  apiVersion: 'test.holdfast.dev/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'default', labels: { keep: 'me' } },
  spec: { colour: 'red' },
});

test('status is written only when it differs, as a whole, and the spec stays', async () => {
  const made = await createObject(client, widgets, widget('status'), { fieldManager });
  const first = await writeStatus(
    client,
    widgets,
    statusSubject(made),
    { phase: 'A', lastVerified: 'now', list: ['x'] },
    made['status'],
  );
  expect(first.action).toBe('written');
  const second = await existing(widgets, 'status');
  const same = { phase: 'A', lastVerified: 'now', list: ['x'], left: undefined };
  expect(await writeStatus(client, widgets, statusSubject(second), same, second['status'])).toEqual({
    action: 'unchanged',
  });
  await writeStatus(client, widgets, statusSubject(second), { phase: 'B' }, second['status']);
  const third = await existing(widgets, 'status');
  expect(third['status']).toEqual({ phase: 'B' });
  expect(third['spec']).toEqual({ colour: 'red', size: 'M' });
  expect(third.metadata.labels).toEqual({ keep: 'me' });
  expect(third.metadata.generation).toBe(1);
});

test('a status field that somebody else wrote does not stay', async () => {
  const made = await createObject(client, widgets, widget('forged'), { fieldManager });
  await writeStatus(client, widgets, statusSubject(made), { phase: 'A' }, made['status']);
  await plane.kubectl([
    'patch',
    'widget',
    'forged',
    '--subresource=status',
    '--type=merge',
    '--patch',
    '{"status":{"lastVerified":"today"}}',
  ]);
  const forged = await existing(widgets, 'forged');
  const result = await writeStatus(client, widgets, statusSubject(forged), { phase: 'A' }, forged['status']);
  expect(result.action).toBe('written');
  expect((await existing(widgets, 'forged'))['status']).toEqual({ phase: 'A' });
});

test('a status from a stale look is refused, and so is one for a namesake', async () => {
  const made = await createObject(client, widgets, widget('stale'), { fieldManager });
  await plane.kubectl(['patch', 'widget', 'stale', '--type=merge', '--patch', '{"spec":{"colour":"blue"}}']);
  expect(
    isConflict(await failureOf(writeStatus(client, widgets, statusSubject(made), { phase: 'A' }, undefined))),
  ).toBe(true);
  const now = await existing(widgets, 'stale');
  const other = { ...statusSubject(now), uid: '00000000-0000-0000-0000-000000000000' };
  expect(isConflict(await failureOf(writeStatus(client, widgets, other, { phase: 'A' }, undefined)))).toBe(true);
  expect((await existing(widgets, 'stale'))['status']).toBeUndefined();
});

test('the same event again is counted, also by the next operator, and kubectl describe shows it', async () => {
  const made = await createObject(client, configMaps, configMap('eventful'), { fieldManager });
  const subject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    namespace: 'default',
    name: 'eventful',
    uid: made.metadata.uid ?? '',
  };
  const note = { type: 'Warning', reason: 'BackupFailed', message: 'the disk is full' } as const;
  for (const instance of ['operator-1', 'operator-2']) {
    const recorder = createEventRecorder({ client, logger, component: 'holdfast', instance });
    recorder.record(subject, note);
    recorder.record(subject, note);
    recorder.record(subject, { ...note, message: `another, ${'ä'.repeat(2000)}` });
    await recorder.flush();
  }
  const described = await plane.kubectl(['describe', 'configmap', 'eventful']);
  expect(described).toMatch(/Warning\s+BackupFailed\s+\S+ \(x4 over \S+\)\s+holdfast\s+the disk is full/);
  expect(described).toMatch(/Warning\s+BackupFailed\s+\S+ \(x2 over \S+\)\s+holdfast\s+another, ä+…/);
});

test('an object that is too loud loses events, and nobody else does', async () => {
  const made = await createObject(client, configMaps, configMap('loud'), { fieldManager });
  const recorder = createEventRecorder({ client, logger, component: 'holdfast', instance: 'i', burst: 3 });
  const subject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    namespace: 'default',
    name: 'loud',
    uid: made.metadata.uid ?? '',
  };
  for (let i = 0; i < 10; i += 1) recorder.record(subject, { type: 'Normal', reason: 'Loud', message: `event ${i}` });
  recorder.record({ ...subject, uid: 'another', name: 'quiet' }, { type: 'Normal', reason: 'Quiet', message: 'one' });
  await recorder.flush();
  const reasons = await plane.kubectl(['get', 'events', '--output=jsonpath={.items[*].reason}']);
  expect(reasons.split(' ').filter((reason) => reason === 'Loud')).toHaveLength(3);
  expect(reasons).toContain('Quiet');
});

test('an event that cannot be written harms nobody', async () => {
  const recorder = createEventRecorder({ client, logger, component: 'holdfast', instance: 'i' });
  const subject = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'no-such-namespace', name: 'x', uid: 'u' };
  recorder.record(subject, { type: 'Normal', reason: 'A', message: 'm' });
  await expect(recorder.flush()).resolves.toBeUndefined();
});

test('the hash annotation is the only trace of ours on the object', async () => {
  await applyIfChanged(client, configMaps, configMap('trace'), undefined);
  const { annotations } = (await existing(configMaps, 'trace')).metadata;
  expect(Object.keys(annotations ?? {})).toEqual([appliedHashAnnotation]);
});
