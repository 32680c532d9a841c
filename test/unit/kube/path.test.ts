import { queryString, resourcePath } from '../../../src/kube/path.ts';

const pods = { group: '', version: 'v1', plural: 'pods' };
const jobs = { group: 'batch', version: 'v1', plural: 'jobs' };

test.each([
  { parts: { type: pods }, path: '/api/v1/pods', reason: 'all namespaces of the core group' },
  { parts: { type: pods, namespace: 'a' }, path: '/api/v1/namespaces/a/pods', reason: 'one namespace' },
  { parts: { type: jobs, namespace: 'a', name: 'b' }, path: '/apis/batch/v1/namespaces/a/jobs/b', reason: 'a group' },
  {
    parts: { type: jobs, namespace: 'a', name: 'b', subresource: 'status' },
    path: '/apis/batch/v1/namespaces/a/jobs/b/status',
    reason: 'a subresource',
  },
  {
    parts: { type: { group: '', version: 'v1', plural: 'nodes' }, name: 'n' },
    path: '/api/v1/nodes/n',
    reason: 'cluster-scoped',
  },
  {
    parts: { type: pods, namespace: 'a', name: 'x/../../secrets?y' },
    path: '/api/v1/namespaces/a/pods/x%2F..%2F..%2Fsecrets%3Fy',
    reason: 'a name cannot leave its segment',
  },
  { parts: { type: pods, namespace: '', name: 'b' }, path: '/api/v1/pods/b', reason: 'an empty namespace is none' },
])('$reason: $path', ({ parts, path }) => {
  expect(resourcePath(parts)).toBe(path);
});

test.each(['', '.', '..'])('the name %p is refused: URL parsing would turn it into another path', (name) => {
  expect(() => resourcePath({ type: pods, namespace: 'a', name })).toThrow(TypeError);
});

test('queries are encoded, and what is undefined is left out', () => {
  expect(queryString({ a: 'x&y=z', b: undefined, c: true, d: 5 })).toBe('?a=x%26y%3Dz&c=true&d=5');
  expect(queryString({ a: undefined })).toBe('');
});
