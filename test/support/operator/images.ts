import { imageNames, imageVariable, type Images } from '../../../src/workloads/images.ts';

/** Images that need not be anywhere: for tests in which no pod runs. */
export const testImages = Object.fromEntries(imageNames.map((name) => [name, `registry.test/${name}:1`])) as Images;

/** The same as the operator is told. */
export const imageEnvironment: Readonly<Record<string, string>> = Object.fromEntries(
  imageNames.map((name) => [imageVariable(name), testImages[name]]),
);

/** What builders are given in such tests. */
export const testSettings = {
  images: testImages,
  imagePullPolicy: 'IfNotPresent',
  quiesceWorkloads: true,
  cluster: 'cluster-uid',
} as const;
