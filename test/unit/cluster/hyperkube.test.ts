import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildDetail, cacheKey, KUBERNETES_VERSION, LINKER_FLAGS } from '../../cluster/hyperkube.ts';
import { projectRoot } from '../../cluster/paths.ts';

describe('the key of a cached build', () => {
  const key = cacheKey(['main', 'mod', 'sum'], '-s', 'linux-x64');

  test('is the same for the same input', () => {
    expect(cacheKey(['main', 'mod', 'sum'], '-s', 'linux-x64')).toBe(key);
    expect(key).toMatch(/^[0-9a-f]{16}$/);
  });

  test.each([
    { other: cacheKey(['main2', 'mod', 'sum'], '-s', 'linux-x64'), reason: 'a source' },
    { other: cacheKey(['main', 'mod', 'sum'], '-w', 'linux-x64'), reason: 'the flags' },
    { other: cacheKey(['main', 'mod', 'sum'], '-s', 'linux-arm64'), reason: 'the platform' },
    { other: cacheKey(['mainm', 'od', 'sum'], '-s', 'linux-x64'), reason: 'where one file ends and the next begins' },
  ])('differs with $reason', ({ other }) => {
    expect(other).not.toBe(key);
  });
});

test('the version in the flags is the one in go.mod', async () => {
  const gomod = await readFile(join(projectRoot, 'test/cluster/hyperkube/go.mod'), 'utf8');
  expect(gomod).toContain(`k8s.io/kubernetes ${KUBERNETES_VERSION}\n`);
  expect(LINKER_FLAGS).toContain(`gitVersion=${KUBERNETES_VERSION}`);
});

test.each([
  { seen: { downloaded: 12, compiled: 0 }, expected: '12 modules downloaded' },
  { seen: { downloaded: 12, compiled: 3 }, expected: '3 packages compiled' },
])('progress of the build: $expected', ({ seen, expected }) => {
  expect(buildDetail(seen)).toBe(expected);
});
