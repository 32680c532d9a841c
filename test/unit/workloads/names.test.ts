import * as fc from 'fast-check';
import { runKinds } from '../../../src/api/v1alpha1/recovery-points.ts';
import { claimName, cronJobName, fitName, podHostname, policyLabelValue } from '../../../src/workloads/names.ts';

const label = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const labelValue = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;

const alphanumeric = fc.constantFrom(...'abz019');
const inner = fc.string({ unit: fc.constantFrom(...'az09-'), maxLength: 70, size: 'max' });
const part = fc
  .tuple(alphanumeric, inner, alphanumeric)
  .map(([first, middle, last]) => `${first}${middle}${last}`.slice(0, 63).replace(/-+$/, ''));

/** Every name that the API server takes for a policy: an RFC 1123 subdomain of up to 253 characters. */
const policyName = fc.array(part, { minLength: 1, maxLength: 8, size: 'max' }).map((parts) =>
  parts
    .join('.')
    .slice(0, 253)
    .replace(/[.-]+$/, ''),
);

test('the generator makes names that the API server takes, long ones too', () => {
  const names = fc.sample(policyName, 300);
  expect(names.filter((name) => !subdomain.test(name))).toEqual([]);
  expect(names.some((name) => name.length > 200)).toBe(true);
  expect(names.some((name) => name.length < 20)).toBe(true);
});

test('every policy name gives names that Kubernetes takes', () => {
  fc.assert(
    fc.property(policyName, fc.constantFrom('a', 'shop', 'n'.repeat(63)), (name, namespace) => {
      for (const kind of runKinds) {
        expect(cronJobName(name, kind)).toMatch(subdomain);
        // The CronJob controller adds 11 characters, and the Job's name is a label of its pods.
        expect(cronJobName(name, kind).length).toBeLessThanOrEqual(52);
      }
      expect(claimName(name)).toMatch(subdomain);
      expect(claimName(name).length).toBeLessThanOrEqual(63);
      expect(policyLabelValue(name)).toMatch(labelValue);
      expect(policyLabelValue(name).length).toBeLessThanOrEqual(63);
      expect(podHostname(namespace, name)).toMatch(label);
      expect(podHostname(namespace, name).length).toBeLessThanOrEqual(63);
    }),
    { numRuns: 500 },
  );
});

test('two policies never share a name, a claim or a host name, however alike they begin', () => {
  fc.assert(
    fc.property(policyName, policyName, fc.nat(200), (one, other, shared) => {
      const alike = `${one.slice(0, shared)}${other}`.slice(0, 253).replace(/[.-]+$/, '');
      fc.pre(one !== alike && subdomain.test(alike));
      for (const kind of runKinds) expect(cronJobName(one, kind)).not.toBe(cronJobName(alike, kind));
      expect(claimName(one)).not.toBe(claimName(alike));
      expect(policyLabelValue(one)).not.toBe(policyLabelValue(alike));
      expect(podHostname('shop', one)).not.toBe(podHostname('shop', alike));
    }),
    { numRuns: 500 },
  );
});

test.each([
  { one: `${'a'.repeat(100)}1`, other: `${'a'.repeat(100)}2`, reason: 'they differ in the last of 101 characters' },
  { one: 'a'.repeat(253), other: 'a'.repeat(252), reason: 'they differ in length alone' },
  { one: `${'a'.repeat(40)}.b`, other: `${'a'.repeat(40)}-b`, reason: 'a dot and a dash' },
])('two long names that begin alike stay two: $reason', ({ one, other }) => {
  for (const kind of runKinds) expect(cronJobName(one, kind)).not.toBe(cronJobName(other, kind));
  expect(claimName(one)).not.toBe(claimName(other));
});

test.each([
  { base: 'short', max: 10, fitted: /^short$/, reason: 'what fits stays as it is' },
  { base: 'exactly-10', max: 10, fitted: /^exactly-10$/, reason: 'the limit itself fits' },
  {
    base: `${'a'.repeat(5)}.....${'b'.repeat(20)}`,
    max: 18,
    fitted: /^aaaaa-[0-9a-f]{8}$/,
    reason: 'no dots before the hash',
  },
  {
    base: `${'a'.repeat(5)}-----${'b'.repeat(20)}`,
    max: 18,
    fitted: /^aaaaa-[0-9a-f]{8}$/,
    reason: 'no dashes before the hash',
  },
])('a name is fitted: $reason', ({ base, max, fitted }) => {
  expect(fitName(base, max)).toMatch(fitted);
  expect(fitName(base, max).length).toBeLessThanOrEqual(max);
});

test('names are the same in every version: what an earlier one made is found again', () => {
  expect(cronJobName('agama', 'LocalCopy')).toBe('agama-local-copy');
  expect(cronJobName('agama', 'Full')).toBe('agama-full');
  expect(cronJobName('agama', 'Incremental')).toBe('agama-incremental');
  expect(cronJobName('a'.repeat(100), 'Full')).toBe(`${'a'.repeat(38)}-28165978-full`);
  expect(claimName('agama')).toBe('agama-holdfast');
  // duplicity refuses to continue a chain that was made on another host.
  expect(podHostname('shop', 'agama')).toBe('holdfast-383cd81155c1113f');
});

test('the host name depends on the namespace: two policies of one name have two', () => {
  expect(podHostname('shop', 'agama')).not.toBe(podHostname('bank', 'agama'));
  expect(podHostname('a', 'b-c')).not.toBe(podHostname('a-b', 'c'));
});
