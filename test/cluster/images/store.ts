import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';

/** What keeps images on this machine: a Docker engine, or buildah's storage. */
export type Store = 'docker' | 'buildah';

/** The label with the hash of what an image was built from. */
export const CONTENT_LABEL = 'dev.holdfast.content';

/** Docker when an engine answers, as for clusters. */
export const findStore = async (): Promise<Store> => {
  const docker = await execa('docker', ['info', '--format', '{{.ServerVersion}}'], { reject: false, timeout: 15_000 });
  return docker.failed ? 'buildah' : 'docker';
};

/** The id of an image; undefined when there is none of that name. */
export const imageId = async (name: string, store?: Store): Promise<string | undefined> => {
  const inspect =
    (store ?? (await findStore())) === 'docker'
      ? await execa('docker', ['image', 'inspect', '--format', '{{.Id}}', name], { reject: false })
      : await execa('buildah', ['inspect', '--type', 'image', '--format', '{{.FromImageID}}', name], { reject: false });
  return inspect.failed ? undefined : inspect.stdout;
};

/** The content label of an image; undefined when there is no such image or no label. */
export const contentLabel = async (name: string, store: Store): Promise<string | undefined> => {
  const inspect =
    store === 'docker'
      ? await execa('docker', ['image', 'inspect', '--format', `{{index .Config.Labels "${CONTENT_LABEL}"}}`, name], {
          reject: false,
        })
      : await execa(
          'buildah',
          ['inspect', '--type', 'image', '--format', `{{index .OCIv1.Config.Labels "${CONTENT_LABEL}"}}`, name],
          { reject: false },
        );
  return inspect.failed || inspect.stdout === '' ? undefined : inspect.stdout;
};

const indexSchema = z.looseObject({
  manifests: z.array(z.looseObject({ annotations: z.record(z.string(), z.string()).optional() })),
});

/** The annotations by which an OCI layout names an image, and by which containerd does. */
const REF_NAME = 'org.opencontainers.image.ref.name';
const IMAGE_NAME = 'io.containerd.image.name';

// Containerd would read the names of a layout as tags.
const nameForContainerd = async (layout: string): Promise<void> => {
  const file = join(layout, 'index.json');
  const index = indexSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  const manifests = index.manifests.map((manifest) => ({
    ...manifest,
    annotations: { ...manifest.annotations, [IMAGE_NAME]: manifest.annotations?.[REF_NAME] ?? '' },
  }));
  await writeFile(file, JSON.stringify({ ...index, manifests }));
};

/** Writes images as one archive that containerd imports; a layer that several have is in it once. Layers are not compressed: that takes longer than it saves. */
export const exportImages = async (names: readonly string[], archive: string): Promise<void> => {
  if ((await findStore()) === 'docker') {
    await execa('docker', ['save', '--output', archive, ...names]);
    return;
  }
  const layout = `${archive}.layout`;
  try {
    for (const name of names) {
      await execa('buildah', ['push', '--quiet', '--disable-compression', name, `oci:${layout}:${name}`]);
    }
    await nameForContainerd(layout);
    await execa('tar', ['--create', '--file', archive, '--directory', layout, '.']);
  } finally {
    await rm(layout, { recursive: true, force: true });
  }
};
