import { isQualifiedName } from '../../cluster/images.ts';
import { qualified, standInFor } from '../../cluster/images/bases.ts';
import { isCopied } from '../../cluster/images/content.ts';
import { baseImages, copiedPaths } from '../../cluster/images/dockerfile.ts';
import { buildArguments } from '../../cluster/images/run-build.ts';

const DOCKERFILE = `# syntax comment: FROM nothing
ARG BASE=node:24-bookworm-slim
FROM \${BASE} AS build
COPY package.json \\
  package-lock.json ./
COPY --chmod=755 ./src/ ./src
FROM --platform=linux/amd64 debian:bookworm-slim AS tools
FROM build AS operator
COPY --from=build /app /app
FROM scratch
`;

test('the base images of a Dockerfile are those that are no stage of it', () => {
  expect(baseImages(DOCKERFILE)).toEqual(['node:24-bookworm-slim', 'debian:bookworm-slim']);
});

test('the paths it copies from the context', () => {
  expect(copiedPaths(DOCKERFILE)).toEqual(['package.json', 'package-lock.json', 'src']);
});

test.each([
  { line: 'COPY . .', reason: 'the whole context' },
  { line: 'COPY src/*.ts ./', reason: 'a pattern' },
  { line: 'COPY $FILES ./', reason: 'a variable' },
  { line: 'COPY ["a file", "./"]', reason: 'the form with quotes' },
])('unknown, so every file counts: $reason', ({ line }) => {
  expect(copiedPaths(`FROM scratch\n${line}\n`)).toBeUndefined();
});

test.each([
  { file: 'src/a.ts', copied: ['src'], expected: true, reason: 'inside' },
  { file: 'src', copied: ['src'], expected: true, reason: 'the path itself' },
  { file: 'src2/a.ts', copied: ['src'], expected: false, reason: 'only begins alike' },
  { file: 'test/a.ts', copied: undefined, expected: true, reason: 'unknown: everything' },
])('$file of $copied: $reason', ({ file, copied, expected }) => {
  expect(isCopied(file, copied)).toBe(expected);
});

test.each([
  { image: 'debian:bookworm-slim', expected: 'debian' },
  { image: 'docker.io/library/node:24-bookworm-slim', expected: 'node' },
  { image: 'node:24.21.0-bookworm-slim', expected: 'node' },
  { image: 'node:22-bookworm-slim', expected: undefined },
  { image: 'quay.io/debian:bookworm-slim', expected: undefined },
])('the stand-in for $image is $expected', ({ image, expected }) => {
  expect(standInFor(image)).toBe(expected);
});

test.each([
  ['debian:bookworm-slim', 'docker.io/library/debian:bookworm-slim'],
  ['grafana/grafana:1', 'docker.io/grafana/grafana:1'],
  ['quay.io/a/b:1', 'quay.io/a/b:1'],
  ['localhost/a:1', 'localhost/a:1'],
])('%s in full is %s', (image, expected) => {
  expect(qualified(image)).toBe(expected);
});

test.each([
  { name: 'localhost/holdfast/operator:dev', valid: true, reason: 'complete' },
  { name: 'registry:5000/a:1', valid: true, reason: 'a registry with a port' },
  { name: 'operator:dev', valid: false, reason: 'no registry: Docker, buildah and a node each add their own' },
  { name: 'holdfast/operator:dev', valid: false, reason: 'holdfast is no registry' },
  { name: 'localhost/operator', valid: false, reason: 'no tag' },
])('$name: $reason', ({ name, valid }) => {
  expect(isQualifiedName(name)).toBe(valid);
});

describe('the arguments of a build', () => {
  const build = { name: 'localhost/a:1', context: '/c', dockerfile: '/c/Dockerfile', target: 't', labels: { k: 'v' } };
  const mounts = [{ from: '/ca', to: '/etc/ca' }];
  const common = ['--file', '/c/Dockerfile', '--tag', 'localhost/a:1', '--target', 't', '--label', 'k=v'];

  test('for docker: what this machine needs is not its business', () => {
    expect(buildArguments('docker', build, mounts)).toEqual(['build', ...common, '/c']);
  });

  test('for buildah: only base images that are there, and the mounts', () => {
    const first = ['build', '--isolation', 'chroot', '--layers', '--pull-never'];
    expect(buildArguments('buildah', build, mounts)).toEqual([...first, ...common, '--volume', '/ca:/etc/ca:ro', '/c']);
  });
});
