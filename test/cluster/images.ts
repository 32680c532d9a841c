import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from './cluster.ts';
import { ClusterError } from './error.ts';
import { ensureBase } from './images/bases.ts';
import { contentHash } from './images/content.ts';
import { baseImages } from './images/dockerfile.ts';
import { runBuild } from './images/run-build.ts';
import { CONTENT_LABEL, contentLabel, findStore, type Store } from './images/store.ts';
import { withLock } from './lock.ts';
import { ensureDebianPackages, IMAGE_PACKAGES } from './packages.ts';
import { cacheDirectory } from './paths.ts';
import { createProgress, type Progress } from './progress.ts';

export { BUSYBOX_IMAGE } from './image-names.ts';
export { ensureBusyboxImage } from './images/small.ts';

/** An image to build. */
export type ImageSpec = {
  /** With its registry, so that it means the same to buildah, Docker and a node: `localhost/holdfast-operator:dev`. */
  name: string;
  /** The directory that COPY copies from. */
  context: string;
  /** `Dockerfile` in the context unless told. */
  dockerfile?: string;
  /** The stage to build; the last one unless told. */
  target?: string;
};

/** Whether a name says where the image lives: without, each tool adds a registry of its own. */
export const isQualifiedName = (name: string): boolean =>
  /^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9.-]+:\d+)\/.+:[\w.-]+$/.test(name);

/**
 * Builds images from Dockerfiles, one after another, by a Docker engine or by buildah. Whatever was built before from the same content is
 * passed over.
 *
 * @throws ClusterError with the end of the build's output
 */
export const buildImages = async (
  specs: readonly ImageSpec[],
  progress: Progress = createProgress(),
): Promise<void> => {
  for (const { name } of specs) {
    if (isQualifiedName(name)) continue;
    throw new ClusterError(
      `The image name ${name} lacks a registry or a tag.`,
      `Name it localhost/${name}:dev, for example.`,
    );
  }
  const store = await findStore();
  if (store === 'buildah') await ensureDebianPackages(IMAGE_PACKAGES, progress);
  // Two builds of one image at once would do the same work twice.
  await withLock(join(cacheDirectory(), 'images.lock'), async () => {
    for (const spec of specs) await buildImage(store, spec, progress);
  });
};

const buildImage = async (store: Store, spec: ImageSpec, progress: Progress): Promise<void> => {
  const { name, context, target, dockerfile = join(context, 'Dockerfile') } = spec;
  const text = await readFile(dockerfile, 'utf8');
  const baseIds: string[] = [];
  for (const image of baseImages(text)) baseIds.push(await ensureBase(store, image, progress));

  const hash = await contentHash({ context, dockerfile: text, target, baseIds });
  if ((await contentLabel(name, store)) === hash) return;
  const build = {
    name,
    context,
    dockerfile,
    labels: { [CONTENT_LABEL]: hash },
    ...(target === undefined ? {} : { target }),
  };
  await progress.task(`Building image ${name}`, (detail) => runBuild(store, build, detail));
};

/** Brings images that were built here into a cluster. */
export const loadImages = async (cluster: Pick<Cluster, 'loadImages'>, names: readonly string[]): Promise<void> =>
  await cluster.loadImages(names);
