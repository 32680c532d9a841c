import type { V1CronJob, V1NetworkPolicyIngressRule } from '@kubernetes/client-node';
import * as fc from 'fast-check';
import type { DeepReadonly } from '../../../src/base/types.ts';
import { apiVersionOf, isKubeObject, keyOf, nameOf, type Wire } from '../../../src/kube/types.ts';

test('a key leads back to the name it was made of', () => {
  const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,20}[a-z0-9])?$/);
  fc.assert(
    fc.property(fc.option(name, { nil: undefined }), name, (namespace, name) => {
      expect(nameOf(keyOf({ namespace, name }))).toEqual(namespace === undefined ? { name } : { namespace, name });
    }),
  );
});

test.each([
  { value: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }, is: true, reason: 'an object' },
  {
    value: { apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '1' }, items: [] },
    is: false,
    reason: 'a list has no name',
  },
  { value: { kind: 'Pod', metadata: { name: 'a' } }, is: false, reason: 'no apiVersion' },
  { value: null, is: false, reason: 'nothing' },
  { value: [], is: false, reason: 'an array' },
])('$reason', ({ value, is }) => {
  expect(isKubeObject(value)).toBe(is);
});

test('the core group has no group in its apiVersion', () => {
  expect(apiVersionOf({ group: '', version: 'v1' })).toBe('v1');
  expect(apiVersionOf({ group: 'batch', version: 'v1' })).toBe('batch/v1');
});

test('models as they are on the wire: dates are text, and no name is escaped', () => {
  // What is tested is that this compiles.
  const job: DeepReadonly<Wire<V1CronJob>> = {
    spec: { schedule: '* * * * *', jobTemplate: {} },
    status: { lastScheduleTime: '2026-01-01T00:00:00Z' },
  };
  const rule: Wire<V1NetworkPolicyIngressRule> = { from: [{ podSelector: {} }] };
  expect([job.status?.lastScheduleTime?.length, rule.from?.length]).toEqual([20, 1]);
});
