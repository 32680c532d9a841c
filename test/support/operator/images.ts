import type { SandboxImage } from '../../../src/workloads/sandbox-images.ts';
import { imageNames, imageVariable, type Images } from '../../../src/workloads/images.ts';

/** Images that need not be anywhere: for tests in which no pod runs. */
export const testImages = Object.fromEntries(imageNames.map((name) => [name, `registry.test/${name}:1`])) as Images;

/** Scratch servers that need not be anywhere either. */
const testSandboxImages: readonly SandboxImage[] = [
  { engine: 'mariadb', release: '10.11', image: 'registry.test/mariadb:10.11' },
  { engine: 'mariadb', release: '11.4', image: 'registry.test/mariadb:11.4' },
  { engine: 'mysql', release: '8.4', image: 'registry.test/mysql:8.4' },
  { engine: 'influxdb', release: '1.8', image: 'registry.test/influxdb:1.8' },
];

/** The same as the operator is told. */
export const imageEnvironment: Readonly<Record<string, string>> = {
  ...Object.fromEntries(imageNames.map((name) => [imageVariable(name), testImages[name]])),
  HOLDFAST_SANDBOX_IMAGES: testSandboxImages
    .map(({ engine, release, image }) => `${engine}/${release}=${image}`)
    .join(','),
};

/** What builders are given in such tests. */
export const testSettings = {
  images: testImages,
  imagePullPolicy: 'IfNotPresent',
  quiesceWorkloads: true,
  sandboxImages: testSandboxImages,
  cluster: 'cluster-uid',
} as const;
