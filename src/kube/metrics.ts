import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** How a reconcile ended. */
export type ReconcileOutcome = 'done' | 'requeued' | 'failed' | 'aborted';

/** What the runtime counts. Labels hold kinds, verbs and codes only: never names of users' objects. */
export interface KubeMetrics {
  queueDepth(controller: string, depth: number): void;
  reconciled(controller: string, outcome: ReconcileOutcome, seconds: number): void;
  /** `code` is the HTTP status, or the transport's error code when there was no answer. */
  apiRequest(verb: string, code: string, seconds: number): void;
  watchEnded(resource: string, reason: string): void;
  stored(resource: string, objects: number): void;
  eventDropped(reason: string): void;
  leading(leads: boolean): void;
}

/** Counts nothing. */
export const noMetrics: KubeMetrics = {
  queueDepth: () => {},
  reconciled: () => {},
  apiRequest: () => {},
  watchEnded: () => {},
  stored: () => {},
  eventDropped: () => {},
  leading: () => {},
};

/** Registers the runtime's metrics on `registry`. Once a registry: prom-client throws on a second registration. */
export function createKubeMetrics(registry: Registry): KubeMetrics {
  const registers = [registry];
  const depth = new Gauge({
    name: 'holdfast_queue_depth',
    help: 'Keys that wait for a reconcile now.',
    labelNames: ['controller'],
    registers,
  });
  const reconciles = new Histogram({
    name: 'holdfast_reconcile_duration_seconds',
    help: 'How long reconciles took, by how they ended.',
    labelNames: ['controller', 'outcome'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  const requests = new Counter({
    name: 'holdfast_api_requests_total',
    help: 'Requests to the Kubernetes API, by verb and status code (or transport error).',
    labelNames: ['verb', 'code'],
    registers,
  });
  const requestSeconds = new Histogram({
    name: 'holdfast_api_request_duration_seconds',
    help: 'How long requests to the Kubernetes API took; for a watch, until it was established.',
    labelNames: ['verb'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 30],
    registers,
  });
  const watches = new Counter({
    name: 'holdfast_watch_ends_total',
    help: 'Watches that ended, by why; each is followed by another watch or a new list.',
    labelNames: ['resource', 'reason'],
    registers,
  });
  const objects = new Gauge({
    name: 'holdfast_cached_objects',
    help: 'Objects held in the cache.',
    labelNames: ['resource'],
    registers,
  });
  const dropped = new Counter({
    name: 'holdfast_events_dropped_total',
    help: 'Kubernetes Events not written, by why.',
    labelNames: ['reason'],
    registers,
  });
  const leader = new Gauge({
    name: 'holdfast_leader',
    help: '1 while this process leads and works on policies, 0 while it stands by.',
    registers,
  });
  return {
    queueDepth: (controller, value) => depth.set({ controller }, value),
    reconciled: (controller, outcome, seconds) => reconciles.observe({ controller, outcome }, seconds),
    apiRequest: (verb, code, seconds) => {
      requests.inc({ verb, code });
      requestSeconds.observe({ verb }, seconds);
    },
    watchEnded: (resource, reason) => watches.inc({ resource, reason }),
    stored: (resource, count) => objects.set({ resource }, count),
    eventDropped: (reason) => dropped.inc({ reason }),
    leading: (leads) => leader.set(leads ? 1 : 0),
  };
}
