import { KubeConfig } from '@kubernetes/client-node';
import { createClient, type ClientOptions, type KubeClient } from '../../../src/kube/client.ts';
import { createLogger } from '../../../src/kube/logger.ts';
import {
  createReflector,
  type ObjectEvent,
  type Reflector,
  type ReflectorOptions,
} from '../../../src/kube/reflector.ts';
import { createTransport } from '../../../src/kube/transport.ts';
import type { KubeObject, ResourceType } from '../../../src/kube/types.ts';

export const configMaps: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
export const deployments: ResourceType = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};
export const namespaces: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

/** Quiet unless a test is looked into: HOLDFAST_TEST_LOG=debug. */
export const logger = createLogger({ level: process.env['HOLDFAST_TEST_LOG'] ?? 'silent' });

export function clientOf(kubeconfig: string, options: Partial<ClientOptions> = {}): KubeClient {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return createClient({ transport: createTransport(config), ...options });
}

export function configMap(name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', labels }, data };
}

/** What a promise was rejected with. @throws {Error} it was not */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const result = await work.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (result === undefined) throw new Error('nothing failed');
  return result.error;
}

/** Waits until the condition holds. @throws {Error} it did not within the time, with what was there instead */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 25_000,
): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

export interface Watching {
  readonly reflector: Reflector<KubeObject>;
  readonly events: ObjectEvent<KubeObject>[];
  /** Stops and waits until it has stopped. */
  stop(): Promise<void>;
}

/** A running reflector of ConfigMaps in `default` with a label, which keeps the tests of a file apart. */
export function watchConfigMaps(
  client: KubeClient,
  group: string,
  options: Partial<ReflectorOptions<KubeObject>> = {},
): Watching {
  const reflector = createReflector<KubeObject>({
    client,
    type: configMaps,
    namespace: 'default',
    labelSelector: `group=${group}`,
    project: (raw) => raw,
    logger,
    ...options,
  });
  const events: ObjectEvent<KubeObject>[] = [];
  reflector.onEvent((event) => events.push(event));
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  return {
    reflector,
    events,
    async stop() {
      stop.abort(new Error('the test is over'));
      await running;
    },
  };
}
