import { fileURLToPath } from 'node:url';
import type { Cluster } from '../cluster/cluster.ts';
import { buildImages, loadImages, type ImageSpec } from '../cluster/images.ts';
import { imageNames, type Images } from '../../src/workloads/images.ts';
import type { Progress } from '../cluster/progress.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The registry and tag of what is built here: a node never asks elsewhere for them. */
export const imageRegistry = 'localhost/holdfast';
export const imageTag = 'dev';

const nameOf = (image: string): string => `${imageRegistry}/${image}:${imageTag}`;

/** Holdfast's own images and the servers', by short name. */
export const images = {
  operator: nameOf('operator'),
  ...(Object.fromEntries(imageNames.map((name) => [name, nameOf(name)])) as Images),
  mariadb: nameOf('mariadb-server'),
  influxdbServer: nameOf('influxdb-server'),
  gitHost: nameOf('git-host'),
  backupHost: nameOf('backup-host'),
} as const;

/** The servers that tests and demo back up from and to. */
export const serverSpecs: readonly ImageSpec[] = [
  { name: images.mariadb, context: `${root}test/images/mariadb` },
  { name: images.influxdbServer, context: `${root}test/images/influxdb` },
  { name: images.gitHost, context: `${root}test/images/git-host` },
  { name: images.backupHost, context: `${root}test/images/ssh-host` },
];

const specs: readonly ImageSpec[] = [
  { name: images.operator, context: root, target: 'operator' },
  ...imageNames.map((name) => ({ name: images[name], context: root, target: name })),
  ...serverSpecs,
];

/** Builds every image and brings it into the cluster; what did not change since is passed over. */
export const prepareImages = async (cluster: Cluster, progress: Progress): Promise<void> => {
  await buildImages(specs, progress);
  await loadImages(
    cluster,
    specs.map(({ name }) => name),
  );
};
