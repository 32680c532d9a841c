import { KubeConfig } from '@kubernetes/client-node';
import { Registry } from 'prom-client';
import { readConfig, type Config } from './config.ts';
import { createClient, type KubeClient } from './kube/client.ts';
import { systemClock } from './kube/clock.ts';
import { createController } from './kube/controller.ts';
import { createEventRecorder } from './kube/events.ts';
import { collectProcessMetrics, startHealthServer } from './kube/health.ts';
import { alwaysLeader } from './kube/lease.ts';
import { createLogger, type Logger } from './kube/logger.ts';
import { createManager } from './kube/manager.ts';
import { createKubeMetrics } from './kube/metrics.ts';
import { getObject } from './kube/objects.ts';
import { createTransport } from './kube/transport.ts';
import { nameOf } from './kube/types.ts';
import type { Caches } from './policy/caches.ts';
import { createPolicyReconciler } from './policy/reconcile.ts';
import { resources } from './policy/resources.ts';
import { createWatches } from './policy/watches.ts';

/** The composition root: everything is made here and handed on; no module keeps state of its own. */

// Owner markers in repositories name the cluster by this UID, which no two clusters share.
const clusterIdentity = async (client: KubeClient, signal: AbortSignal): Promise<string> => {
  const namespace = await getObject(client, resources.namespace, { name: 'kube-system' }, { signal });
  const uid = namespace?.metadata.uid;
  if (uid === undefined) throw new Error('The namespace kube-system is not there, and its UID identifies the cluster.');
  return uid;
};

const loadKubeConfig = (): KubeConfig => {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  return kubeConfig;
};

const runOperator = async (config: Config, logger: Logger, stop: AbortSignal): Promise<void> => {
  const registry = new Registry();
  collectProcessMetrics(registry);
  const metrics = createKubeMetrics(registry);
  const client = createClient({ transport: createTransport(loadKubeConfig()), metrics });
  const settings = {
    images: config.images,
    imagePullPolicy: config.imagePullPolicy,
    cluster: await clusterIdentity(client, stop),
  };
  const scopes = config.namespaces.length === 0 ? [{}] : config.namespaces.map((namespace) => ({ namespace }));
  const watches = scopes.map((scope) => ({ scope, ...createWatches({ client, logger, metrics, ...scope }) }));
  const cachesOf = (key: string): Caches | undefined =>
    watches.find(({ scope }) => !('namespace' in scope) || scope.namespace === nameOf(key).namespace)?.caches;

  const events = createEventRecorder({ client, logger, metrics, component: 'holdfast', instance: config.instance });
  const policies = createController({
    name: 'backuppolicy',
    kind: resources.policy.kind,
    workers: config.workers,
    reconcile: createPolicyReconciler({ client, cachesOf, events, settings, clock: systemClock }),
    logger,
    metrics,
  });
  for (const { attach } of watches) attach(policies);

  const manager = createManager({
    reflectors: watches.flatMap(({ reflectors }) => reflectors),
    controllers: [policies],
    leadership: alwaysLeader,
    logger,
  });
  const health = await startHealthServer({
    port: config.port,
    live: manager.live,
    ready: manager.ready,
    registry,
    logger,
  });
  logger.info({ port: health.port, namespaces: config.namespaces }, 'holdfast starts');
  try {
    const cause = await manager.run(stop);
    logger.info({ cause }, 'holdfast stops');
  } finally {
    await events.flush();
    await health.close();
    client.close();
  }
};

const main = async (): Promise<void> => {
  const config = readConfig(process.env);
  const logger = createLogger({ level: config.logLevel });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => stop.abort(new Error(signal)));
  }
  await runOperator(config, logger, stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
    logger.info({ err: error }, 'holdfast stops before it was started');
  });
};

main().catch((error: unknown) => {
  createLogger().fatal({ err: error }, 'holdfast ends');
  process.exitCode = 1;
});
