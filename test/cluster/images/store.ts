import { execa } from 'execa';

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

/** Writes an image as an archive that containerd imports. */
export const exportImage = async (name: string, archive: string): Promise<void> => {
  if ((await findStore()) === 'docker') await execa('docker', ['save', '--output', archive, name]);
  // Docker's form of archive: its layers are not compressed, which takes most of the time of an OCI archive.
  else await execa('buildah', ['push', '--quiet', name, `docker-archive:${archive}:${name}`]);
};
