// A whole runtime as a process of its own. Told to stop, it must end by itself: no exit call helps it.
import { Registry } from 'prom-client';
import { fieldManager } from '../../../src/kube/apply.ts';
import { createController } from '../../../src/kube/controller.ts';
import { createEventRecorder } from '../../../src/kube/events.ts';
import { collectProcessMetrics, startHealthServer } from '../../../src/kube/health.ts';
import { alwaysLeader } from '../../../src/kube/lease.ts';
import { createLogger } from '../../../src/kube/logger.ts';
import { createManager } from '../../../src/kube/manager.ts';
import { createKubeMetrics } from '../../../src/kube/metrics.ts';
import { applyIfChanged } from '../../../src/kube/apply.ts';
import { createReflector } from '../../../src/kube/reflector.ts';
import { clientOf, configMap, configMaps } from './support.ts';

const registry = new Registry();
collectProcessMetrics(registry);
const metrics = createKubeMetrics(registry);
const logger = createLogger();
const client = clientOf(process.env['KUBECONFIG'] ?? '', { metrics });
const reflector = createReflector({
  client,
  type: configMaps,
  namespace: 'default',
  project: (raw) => raw,
  logger,
  metrics,
});
const recorder = createEventRecorder({ client, logger, component: fieldManager, instance: 'test', metrics });

// Copies each ConfigMap labelled `copy`.
const controller = createController({
  name: 'copies',
  kind: 'ConfigMap',
  logger,
  metrics,
  reconcile: async ({ namespace, name, signal }) => {
    const original = reflector.store.get(namespace, name);
    if (original?.metadata.labels?.['copy'] === undefined || namespace === undefined) return;
    const desired = configMap(`${name}-copy`, { from: name });
    const { action } = await applyIfChanged(
      client,
      configMaps,
      desired,
      reflector.store.get(namespace, `${name}-copy`),
      { signal },
    );
    if (action === 'unchanged') return;
    const subject = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name, uid: original.metadata.uid ?? '' };
    recorder.record(subject, { type: 'Normal', reason: 'Copied', message: 'a copy was made' });
  },
});
controller.watch(reflector, ({ key }) => [key.replace(/-copy$/, '')]);
const manager = createManager({ reflectors: [reflector], controllers: [controller], leadership: alwaysLeader, logger });

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort(new Error('SIGTERM')));
const health = await startHealthServer({
  port: 0,
  host: '127.0.0.1',
  live: manager.live,
  ready: manager.ready,
  registry,
  logger,
});
process.stdout.write(`listening ${health.port}\n`);
const cause = await manager.run(stop.signal);
await recorder.flush();
await health.close();
client.close();
process.stdout.write(`ended ${cause}\n`);
