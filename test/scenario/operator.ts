import { fileURLToPath } from 'node:url';
import { imageNames } from '../../src/workloads/images.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { images as servers, imageRegistry, imageTag } from './images.ts';

const chart = fileURLToPath(new URL('../../charts/holdfast', import.meta.url));

/** Where the operator lives. */
export const operatorNamespace = 'holdfast';

/** Installs the operator by its Helm chart, or upgrades it, and waits until it is ready. */
export const installOperator = async ({ helm, kubectl }: Cluster): Promise<void> => {
  const keys = [['image', 'operator'], ...imageNames.map((name) => [`images.${name}`, name])];
  const images = keys.map(([key, name]) => [`${key}.repository=${imageRegistry}/${name}`, `${key}.tag=${imageTag}`]);
  const sandboxes = [
    { engine: 'mariadb', release: '10.11', image: servers.mariadb },
    { engine: 'influxdb', release: '1.6', image: servers.influxdbServer },
  ];
  const values = [
    ...[...images.flat(), 'logLevel=debug', 'quiesce.enabled=true'].flatMap((value) => ['--set', value]),
    '--set-json',
    `verification.sandboxImages=${JSON.stringify(sandboxes)}`,
  ];
  await helm(
    [
      'upgrade',
      '--install',
      'holdfast',
      chart,
      '--namespace',
      operatorNamespace,
      '--create-namespace',
      ...values,
      '--wait',
      '--timeout',
      '3m',
    ],
    { timeoutMs: 240_000 },
  );
  // The tag of an image that was built anew is the same: the pods are replaced so that they run what was built.
  await kubectl(['rollout', 'restart', 'deployment', '--namespace', operatorNamespace]);
  await kubectl(['rollout', 'status', 'deployment', '--namespace', operatorNamespace, '--timeout', '180s'], {
    timeoutMs: 200_000,
  });
};
