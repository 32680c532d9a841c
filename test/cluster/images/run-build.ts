import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { ClusterError } from '../error.ts';
import type { Store } from './store.ts';

/** One build, all of it known. */
export type Build = {
  name: string;
  context: string;
  dockerfile: string;
  target?: string;
  labels: Readonly<Record<string, string>>;
};

/** A file of this machine shown to the build's commands. */
export type BuildMount = { from: string; to: string };

/** The arguments for docker or buildah. */
export const buildArguments = (store: Store, build: Build, mounts: readonly BuildMount[]): string[] => [
  ...(store === 'docker' ? ['build'] : ['build', '--isolation', 'chroot', '--layers', '--pull-never']),
  '--file',
  build.dockerfile,
  '--tag',
  build.name,
  ...(build.target === undefined ? [] : ['--target', build.target]),
  ...Object.entries(build.labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]),
  ...(store === 'docker' ? [] : mounts.flatMap(({ from, to }) => ['--volume', `${from}:${to}:ro`])),
  build.context,
];

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/** Beside the image's own bundle: mounted over that, it would keep the package ca-certificates from being installed. */
const BUILD_CERTIFICATES = '/etc/ssl/build-certificates.crt';

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * Builds an image. buildah's commands see this machine's certificates, and npm and pip are told of them: where a proxy with a certificate of its own
 * stands before the registries, the image's own would not do. What stays in the image of it is an empty file in each place.
 *
 * @throws ClusterError with the end of the build's output
 */
export const runBuild = async (store: Store, build: Build, detail: (text: string) => void): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-build-'));
  try {
    const [npmrc, pipConfig] = [join(directory, 'npmrc'), join(directory, 'pip.conf')];
    await writeFile(npmrc, `cafile=${BUILD_CERTIFICATES}\n`);
    await writeFile(pipConfig, `[global]\ncert = ${BUILD_CERTIFICATES}\n`);
    const mounts = (await exists(CERTIFICATES))
      ? [
          { from: CERTIFICATES, to: BUILD_CERTIFICATES },
          { from: npmrc, to: '/usr/local/etc/npmrc' },
          { from: pipConfig, to: '/etc/pip.conf' },
        ]
      : [];
    const run = execa(store, buildArguments(store, build, mounts), { reject: false, all: true, stdin: 'ignore' });
    for await (const line of run.iterable({ from: 'all' })) detail(line.slice(0, 100));
    const result = await run;
    if (!result.failed) return;
    throw new ClusterError(
      `Building image ${build.name} failed:\n${result.all.split('\n').slice(-30).join('\n')}`,
      `See ${build.dockerfile}; the base images and what is missing of them are explained in docs/cluster.md.`,
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
