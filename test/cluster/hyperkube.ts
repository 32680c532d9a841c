import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { ClusterError } from './error.ts';
import { withLock } from './lock.ts';
import { cacheDirectory } from './paths.ts';
import { type Progress, silentProgress } from './progress.ts';

/** The programs in the one binary: it acts as the one by whose name it is called. */
export const HYPERKUBE_ROLES = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'coredns',
  'kubectl',
  'helm',
] as const;

/** See `HYPERKUBE_ROLES`. */
export type HyperkubeRole = (typeof HYPERKUBE_ROLES)[number];

/** The built programs: `path('kubectl')` is what to run. */
export type Hyperkube = { directory: string; path: (role: HyperkubeRole) => string };

/** The version of Kubernetes in test/cluster/hyperkube/go.mod. */
export const KUBERNETES_VERSION = 'v1.35.4';

const SOURCE = join(import.meta.dirname, 'hyperkube');
const VERSION_PACKAGE = 'k8s.io/component-base/version';
const [major, minor] = KUBERNETES_VERSION.slice(1).split('.');

/** The linker's flags: without the version the apiserver says v0.0.0 and Helm charts refuse it. */
export const LINKER_FLAGS = [
  '-s',
  '-w',
  `-X ${VERSION_PACKAGE}.gitVersion=${KUBERNETES_VERSION}`,
  `-X ${VERSION_PACKAGE}.gitMajor=${major}`,
  `-X ${VERSION_PACKAGE}.gitMinor=${minor}`,
].join(' ');

/** The name under which a build of these sources with these flags is cached. */
export const cacheKey = (sources: readonly string[], flags: string, platform: string): string => {
  const hash = createHash('sha256');
  // Lengths keep two ways of cutting the same text apart.
  for (const part of [...sources, flags, platform]) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex').slice(0, 16);
};

/** What `go build -v` has done so far, from the lines it wrote: downloads, then one line a compiled package. */
export const buildDetail = ({ downloaded, compiled }: { downloaded: number; compiled: number }): string =>
  compiled === 0 ? `${downloaded} modules downloaded` : `${compiled} packages compiled`;

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * The programs of the embedded cluster, built once (about ten minutes on two cores) and kept in the cache.
 *
 * @throws ClusterError when Go is missing or the build fails
 */
export const ensureHyperkube = async (progress: Progress = silentProgress): Promise<Hyperkube> => {
  const sources = await Promise.all(
    ['main.go', 'go.mod', 'go.sum'].map((name) => readFile(join(SOURCE, name), 'utf8')),
  );
  const key = cacheKey(sources, LINKER_FLAGS, `${process.platform}-${process.arch}`);
  const directory = join(cacheDirectory(), 'hyperkube', key);
  const programs = { directory, path: (role: HyperkubeRole) => join(directory, role) };
  if (await exists(directory)) return programs;

  await withLock(`${directory}.lock`, async () => {
    if (await exists(directory)) return;
    await progress.task(
      `Building Kubernetes ${KUBERNETES_VERSION} from source, once (about 10 minutes on 2 cores)`,
      (detail) => build(directory, detail),
    );
  });
  return programs;
};

const build = async (directory: string, detail: (text: string) => void): Promise<void> => {
  const partial = `${directory}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });

  const binary = join(partial, 'hyperkube');
  const run = execa('go', ['build', '-v', '-trimpath', '-o', binary, '-ldflags', LINKER_FLAGS, '.'], {
    cwd: SOURCE,
    env: { CGO_ENABLED: '0' },
    reject: false,
    stdin: 'ignore',
  });
  const seen = { downloaded: 0, compiled: 0 };
  for await (const line of run.iterable({ from: 'stderr' })) {
    if (line.startsWith('go: downloading')) seen.downloaded += 1;
    else seen.compiled += 1;
    detail(buildDetail(seen));
  }
  const result = await run;
  if (result.failed) {
    await rm(partial, { recursive: true, force: true });
    throw new ClusterError(
      `Building ${SOURCE} failed: ${result.code === 'ENOENT' ? 'Go is not installed' : result.stderr.split('\n').slice(-8).join('\n')}`,
      'Install Go 1.25 or later (https://go.dev/dl/), and see that the Go module proxy can be reached.',
    );
  }
  for (const role of HYPERKUBE_ROLES) await symlink('hyperkube', join(partial, role));
  await rename(partial, directory);
};
