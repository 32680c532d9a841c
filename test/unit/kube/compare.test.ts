import * as fc from 'fast-check';
import { causeToApply, withHash } from '../../../src/kube/apply.ts';
import { appliedHash, firstDifference } from '../../../src/kube/compare.ts';

test.each([
  {
    desired: { a: 1 },
    observed: { a: 1, b: 2 },
    path: undefined,
    reason: 'fields of others and defaults do not count',
  },
  { desired: { a: { b: 1 } }, observed: { a: { b: 2 } }, path: 'a.b', reason: 'a nested value differs' },
  { desired: { a: { b: 1 } }, observed: {}, path: 'a', reason: 'a block is gone' },
  { desired: { suspend: false }, observed: {}, path: undefined, reason: 'the server leaves out zero values' },
  {
    desired: { suspend: false },
    observed: { suspend: true },
    path: 'suspend',
    reason: 'a zero value that is not zero',
  },
  { desired: { replicas: 0 }, observed: { replicas: 3 }, path: 'replicas', reason: 'zero replicas, and three there' },
  { desired: { suspend: true }, observed: {}, path: 'suspend', reason: 'a set value is gone' },
  { desired: { args: ['a', 'b'] }, observed: { args: ['a'] }, path: 'args', reason: 'an atomic list is shorter' },
  { desired: { args: ['a'] }, observed: { args: ['a', 'b'] }, path: 'args', reason: 'an atomic list is longer' },
  {
    desired: { args: ['a', 'b'] },
    observed: { args: ['b', 'a'] },
    path: 'args.0',
    reason: 'the order of an atomic list',
  },
  { desired: { args: [] }, observed: { args: ['x'] }, path: 'args', reason: 'emptied by us, filled by another' },
  {
    desired: { ingress: [{ from: [] }] },
    observed: { ingress: [{}] },
    path: undefined,
    reason: 'elements are compared as parts',
  },
  { desired: { env: [] }, observed: {}, path: undefined, reason: 'an empty list is left out' },
  { desired: { labels: {} }, observed: {}, path: undefined, reason: 'an empty map is left out' },
  { desired: { emptyDir: {} }, observed: {}, path: 'emptyDir', reason: 'an empty struct means something' },
  { desired: { emptyDir: {} }, observed: { emptyDir: {} }, path: undefined, reason: 'and is there' },
  {
    desired: { creationTimestamp: null },
    observed: { creationTimestamp: '2026' },
    path: undefined,
    reason: 'null asks for nothing',
  },
  {
    desired: { containers: [{ name: 'a' }] },
    observed: { containers: [{ name: 'sidecar' }, { name: 'a' }] },
    path: undefined,
    reason: 'an injected container',
  },
  {
    desired: { containers: [{ name: 'a', image: 'x' }] },
    observed: { containers: [{ name: 'a', image: 'y' }] },
    path: 'containers.["a"].image',
    reason: 'another image',
  },
  {
    desired: { initContainers: [{ name: 'a' }, { name: 'b' }] },
    observed: { initContainers: [{ name: 'b' }, { name: 'a' }] },
    path: 'initContainers',
    reason: 'init containers in another order',
  },
  {
    desired: {
      volumeMounts: [
        { name: 'v', mountPath: '/a' },
        { name: 'v', mountPath: '/b' },
      ],
    },
    observed: { volumeMounts: [{ name: 'v', mountPath: '/a' }] },
    path: 'volumeMounts.["/b"]',
    reason: 'mounts are told apart by path',
  },
  {
    desired: { finalizers: ['a'] },
    observed: { finalizers: ['b', 'a'] },
    path: undefined,
    reason: 'a set may hold others',
  },
  {
    desired: { limits: { cpu: '1000m' } },
    observed: { limits: { cpu: '1' } },
    path: undefined,
    reason: 'the same quantity',
  },
  {
    desired: { limits: { memory: '0.5Gi' } },
    observed: { limits: { memory: '512Mi' } },
    path: undefined,
    reason: 'the same quantity in binary',
  },
  {
    desired: { limits: { cpu: 2 } },
    observed: { limits: { cpu: '2' } },
    path: undefined,
    reason: 'a quantity as a number',
  },
  {
    desired: { limits: { memory: '1G' } },
    observed: { limits: { memory: '1Gi' } },
    path: 'limits.memory',
    reason: 'G is not Gi',
  },
  {
    desired: { annotations: { a: '1000m' } },
    observed: { annotations: { a: '1' } },
    path: 'annotations.a',
    reason: 'text is not a quantity',
  },
  { desired: { a: '1' }, observed: { a: 1 }, path: 'a', reason: 'a text is not a number' },
])('$reason', ({ desired, observed, path }) => {
  expect(firstDifference(desired, observed)).toBe(path);
});

test('a field may have a name that every object of JavaScript knows', () => {
  const [desired, observed]: unknown[] = JSON.parse('[{"constructor":[{"a":1}]},{"constructor":[{"a":2}]}]');
  expect(firstDifference(desired, observed)).toBe('constructor.0.a');
});

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => (value === null ? {} : value));

test('what is there and more is no difference', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json), fc.string(), (desired, extra) => {
      expect(firstDifference(desired, structuredClone(desired))).toBeUndefined();
      const more = extra in desired ? desired : { ...desired, [extra]: 1 };
      expect(firstDifference(desired, more)).toBeUndefined();
    }),
  );
});

test('any one changed leaf is found', () => {
  const leaf = fc.oneof(fc.string({ minLength: 1 }), fc.integer({ min: 1 }), fc.constant(true));
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,5}$/), { minLength: 1, maxLength: 5 }),
      leaf,
      leaf,
      (path, a, b) => {
        fc.pre(a !== b);
        const build = (value: unknown): unknown =>
          path.reduceRight((inner: unknown, name) => ({ [name]: inner }), value);
        fc.pre(!path.some((name) => ['limits', 'requests', 'capacity', 'hard'].includes(name)));
        expect(firstDifference(build(a), build(b))).toBe(path.join('.'));
        expect(firstDifference(build(a), build(undefined))).toBeDefined();
      },
    ),
  );
});

const manifest = (data: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', annotations: { other: 'x' } },
  data,
});

test('the hash does not depend on the order of the fields', () => {
  expect(appliedHash(manifest({ a: '1', b: '2' }))).toBe(appliedHash(manifest({ b: '2', a: '1' })));
  expect(appliedHash(manifest({ a: '1' }))).not.toBe(appliedHash(manifest({ a: '2' })));
});

test.each([
  { observed: undefined, cause: 'absent', reason: 'not there' },
  { observed: manifest({ a: '1' }), cause: 'desired changed', reason: 'there, but never applied by us' },
  { observed: withHash(manifest({ a: '1' })), cause: undefined, reason: 'as applied' },
  {
    observed: withHash(manifest({ a: '1', b: '2' })),
    cause: 'desired changed',
    reason: 'a field no longer desired is still there',
  },
  { observed: { ...withHash(manifest({ a: '1' })), data: { a: 'x' } }, cause: 'data.a', reason: 'drifted' },
])('$reason → $cause', ({ observed, cause }) => {
  expect(causeToApply(withHash(manifest({ a: '1' })), observed)).toBe(cause);
});
