import { controllerKey } from '../../../src/kube/owner.ts';

const owner = { apiVersion: 'example.dev/v1', kind: 'Policy', name: 'p', uid: 'u', controller: true };

test.each([
  { owners: [owner], key: 'ns/p', reason: 'the controlling owner' },
  { owners: [{ ...owner, apiVersion: 'example.dev/v2' }], key: 'ns/p', reason: 'the version does not count' },
  { owners: [{ ...owner, apiVersion: 'other.dev/v1' }], key: undefined, reason: 'another group’s kind of that name' },
  { owners: [{ ...owner, controller: false }], key: undefined, reason: 'an owner that does not control' },
  { owners: [{ ...owner, kind: 'Other' }, owner], key: 'ns/p', reason: 'one of several' },
  { owners: undefined, key: undefined, reason: 'no owner' },
])('$reason', ({ owners, key }) => {
  expect(controllerKey({ metadata: { namespace: 'ns', ownerReferences: owners } }, 'Policy', 'example.dev')).toBe(key);
});
