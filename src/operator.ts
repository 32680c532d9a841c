import { randomUUID } from 'node:crypto';
import { KubeConfig } from '@kubernetes/client-node';
import { Registry } from 'prom-client';
import { readConfig, type Config } from './config.ts';
import { createClient, type KubeClient } from './kube/client.ts';
import { systemClock } from './kube/clock.ts';
import { createController } from './kube/controller.ts';
import { createElector, leaseDurations, type Elector } from './kube/elector.ts';
import type { LeadershipLostError } from './kube/errors.ts';
import { createEventRecorder } from './kube/events.ts';
import { createTermFence, type WriteFence } from './kube/fence.ts';
import { collectProcessMetrics, startHealthServer } from './kube/health.ts';
import { createLeaseClient } from './kube/lease-client.ts';
import { alwaysLeader } from './kube/lease.ts';
import { createLimiter } from './kube/limiter.ts';
import { createLogger, type Logger } from './kube/logger.ts';
import { createManager } from './kube/manager.ts';
import { createKubeMetrics, type KubeMetrics } from './kube/metrics.ts';
import { getObject } from './kube/objects.ts';
import { createPlaces } from './kube/places.ts';
import { createTransport } from './kube/transport.ts';
import { nameOf } from './kube/types.ts';
import type { Caches } from './policy/caches.ts';
import { createPolicyReconciler } from './policy/reconcile.ts';
import { resources } from './policy/resources.ts';
import { createWatches } from './policy/watches.ts';
import { createQuiesce } from './quiesce/quiesce.ts';
import { createConfirm } from './restore/confirm.ts';
import { createRestore } from './restore/restore.ts';
import { createRestoreWatches } from './restore/watches.ts';

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

// Nothing is waited for: whatever goes on here may be somebody else's to do by now.
const endAtOnce = (logger: Logger, error: LeadershipLostError): never => {
  logger.fatal({ err: error }, 'the leadership is lost: this process ends now, and another leads');
  process.exit(1);
};

interface Election {
  readonly elector: Elector;
  readonly fence: WriteFence;
  close(): void;
}

// A transport, a limiter and a client of its own: no other request, and no pause that the server asks of them, delays a renewal.
const createElection = (
  kubeConfig: KubeConfig,
  { namespace, name, seconds }: NonNullable<Config['lease']>,
  { instance, logger, metrics }: { instance: string; logger: Logger; metrics: KubeMetrics },
): Election => {
  const durations = leaseDurations(seconds);
  const client = createClient({
    transport: createTransport(kubeConfig),
    limiter: createLimiter({ clock: systemClock, perSecond: 5, burst: 10, parallel: 2 }),
    metrics,
    userAgent: 'holdfast-leader-election',
  });
  const fence = createTermFence({ clock: systemClock, validMs: durations.renewDeadlineMs });
  const leaseLogger = logger.child({ lease: `${namespace}/${name}` });
  const elector = createElector({
    lease: createLeaseClient(client, { namespace, name }, durations.requestMs),
    // The name of the pod is not enough: a container that was restarted has the name of the one before it.
    identity: `${instance}_${randomUUID()}`,
    durations,
    fence,
    onLost: (error) => endAtOnce(leaseLogger, error),
    logger: leaseLogger,
    metrics,
  });
  return { elector, fence, close: () => client.close() };
};

const runOperator = async (config: Config, logger: Logger, stop: AbortSignal): Promise<void> => {
  const registry = new Registry();
  collectProcessMetrics(registry);
  const metrics = createKubeMetrics(registry);
  const kubeConfig = loadKubeConfig();
  const { instance } = config;
  const election =
    config.lease === undefined ? undefined : createElection(kubeConfig, config.lease, { instance, logger, metrics });
  const client = createClient({ transport: createTransport(kubeConfig), metrics, fence: election?.fence });
  const settings = {
    images: config.images,
    imagePullPolicy: config.imagePullPolicy,
    quiesceWorkloads: config.quiesceWorkloads,
    sandboxImages: config.sandboxImages,
    cluster: await clusterIdentity(client, stop),
  };
  const scopes = config.namespaces.length === 0 ? [{}] : config.namespaces.map((namespace) => ({ namespace }));
  const lists = createPlaces(1);
  const watches = scopes.map((scope) => {
    const restores = createRestoreWatches({ client, logger, metrics, lists, ...scope });
    const { caches, ...others } = createWatches({ client, logger, metrics, lists, ...scope });
    return { scope, restores, ...others, caches: { ...caches, restores } };
  });
  const cachesOf = (key: string): Caches | undefined =>
    watches.find(({ scope }) => !('namespace' in scope) || scope.namespace === nameOf(key).namespace)?.caches;

  const events = createEventRecorder({ client, logger, metrics, component: 'holdfast', instance });
  const policies = createController({
    name: 'backuppolicy',
    kind: resources.policy.kind,
    workers: config.workers,
    reconcile: createPolicyReconciler({ client, cachesOf, events, settings, clock: systemClock }),
    logger,
    metrics,
  });
  for (const { attach, restores } of watches) {
    attach(policies);
    restores.attachPolicies(policies);
  }
  const scopesOfCaches = watches.map(({ scope, caches }) => ({ ...scope, caches }));
  const quiesce = config.quiesceWorkloads
    ? createQuiesce({ client, logger, metrics, events, clock: systemClock, lists, scopes: scopesOfCaches })
    : undefined;
  const restore = createRestore({
    client,
    logger,
    metrics,
    events,
    settings,
    clock: systemClock,
    confirm: createConfirm({ client, clock: systemClock, admission: config.admission }),
    scopes: watches.map(({ scope, caches, restores }, index) => ({
      ...scope,
      caches,
      watches: restores,
      held: quiesce?.held[index],
    })),
  });

  const manager = createManager({
    reflectors: [
      ...watches.flatMap(({ reflectors, restores }) => [...reflectors, ...restores.reflectors]),
      ...(quiesce?.reflectors ?? []),
    ],
    controllers: [policies, restore, ...(quiesce === undefined ? [] : [quiesce.controller])],
    leadership: election?.elector ?? alwaysLeader,
    logger,
    flush: () => events.flush(),
  });
  const health = await startHealthServer({
    port: config.port,
    live: [...manager.live, ...(election === undefined ? [] : [election.elector.health])],
    ready: manager.ready,
    registry,
    logger,
  });
  logger.info({ port: health.port, namespaces: config.namespaces }, 'holdfast starts');
  if (election === undefined) {
    logger.warn('leader election is off, for HOLDFAST_LEASE_NAMESPACE is empty: run one operator only');
    metrics.leading(true);
  }
  try {
    const cause = await manager.run(stop);
    logger.info({ cause }, 'holdfast stops');
  } finally {
    await health.close();
    election?.close();
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
