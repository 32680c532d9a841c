import { backoffMs } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { sleep, systemClock, type Clock } from './clock.ts';
import { isExpired } from './errors.ts';
import { createEventSink, type Incoming, type ObjectEvent } from './events-of.ts';
import { listAll, newestVersion, type Listed } from './list.ts';
import type { Logger } from './logger.ts';
import { noMetrics, type KubeMetrics } from './metrics.ts';
import { createPlaces, type Places } from './places.ts';
import { createStore, type IndexFunctions, type Store } from './store.ts';
import type { KubeObject, ResourceType } from './types.ts';
import { isNewer } from './version.ts';
import { watchOnce, type WatchEnd } from './watch.ts';

export { keysOfEvent, type ObjectEvent } from './events-of.ts';

export interface ReflectorOptions<T> {
  readonly client: KubeClient;
  readonly type: ResourceType;
  /** Left out: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** From the raw object (managedFields already dropped) to what is kept of it. An object for which it throws is left out, loudly. */
  readonly project: (raw: KubeObject) => T;
  readonly indexes?: IndexFunctions<T>;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly metrics?: KubeMetrics;
  readonly random?: () => number;
  readonly tuning?: Partial<ReflectorTuning>;
  /** Shared by reflectors that list one after another: the pages of a list take more memory than all that is kept of it. */
  readonly lists?: Places;
}

/** Times in milliseconds. */
export interface ReflectorTuning {
  /** Objects a LIST page. */
  readonly pageSize: number;
  /** A watch is asked to last a random time between these. */
  readonly watchMinMs: number;
  readonly watchMaxMs: number;
  /** A watch silent for longer is taken for dead. Bookmarks come about once a minute, so a live one seldom is. */
  readonly idleLimitMs: number;
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** Everything is listed anew this often, up to a quarter later, which heals an event lost anywhere on the way. */
  readonly relistMs: number;
}

const defaultTuning: ReflectorTuning = {
  pageSize: 500,
  watchMinMs: 5 * 60_000,
  watchMaxMs: 10 * 60_000,
  idleLimitMs: 90_000,
  backoffBaseMs: 500,
  backoffCapMs: 30_000,
  relistMs: 30 * 60_000,
};

/** Keeps a {@link Store} equal to what the API server holds of one kind, and tells of every change. */
export interface Reflector<T> {
  readonly type: ResourceType;
  readonly store: Store<T>;
  /** Called for each change, after the store has it, and first for what is there already. What a handler throws is logged and goes no further. */
  onEvent(handler: (event: ObjectEvent<T>) => void): void;
  /** Lists and watches until the signal aborts; never rejects. To be called once. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Takes what the server answered to a write of our own into the store, so that the next look at it is not at what was before: a watch may
   * be behind by much. Passed over once the watch has gone past it. `silent` sends no event.
   */
  remember(raw: KubeObject, options?: { readonly silent?: boolean }): void;
  /** Resolves once the first list is in the store and the handlers have seen it. Never rejects. */
  readonly synced: Promise<void>;
  hasSynced(): boolean;
  /** When the loop last did anything, failed attempts included, on the monotonic clock: for liveness. */
  lastActivityMs(): number;
  /** When the API server was last heard, on the monotonic clock; undefined before the first time. */
  lastContactMs(): number | undefined;
}

export function createReflector<T>(options: ReflectorOptions<T>): Reflector<T> {
  const { client, type, clock = systemClock, metrics = noMetrics, random = Math.random } = options;
  const { lists = createPlaces(1) } = options;
  const tuning = { ...defaultTuning, ...options.tuning };
  const logger = options.logger.child({ resource: type.plural });
  const store = createStore(options.indexes);
  const sink = createEventSink({ type, store, project: options.project, logger });
  const { promise: synced, resolve: markSynced } = Promise.withResolvers<void>();
  const scope = { client, type, namespace: options.namespace };
  const selectors = { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector };

  let isSynced = false;
  let version: string | undefined;
  let relistAtMs = 0;
  let failures = 0;
  /** The last watch did not end as it should: what answers now need not be what answered then. */
  let suspect = false;
  let activityMs = clock.monotonicMs();
  /** Waits for its turn to list: not what liveness is about. */
  let queued = false;
  let contactMs: number | undefined;

  const heard = (): void => {
    activityMs = clock.monotonicMs();
    contactMs = activityMs;
    metrics.stored(type.plural, store.size);
  };

  const list = async (signal: AbortSignal): Promise<string> => {
    const { pageSize } = tuning;
    queued = true;
    const release = await lists.take(signal).finally(() => {
      queued = false;
    });
    let listed: Listed<Incoming<T>>;
    try {
      listed = await listAll({ ...scope, ...selectors, pageSize, keep: sink.read, signal });
    } finally {
      release();
    }
    const { items, resourceVersion } = listed;
    sink.replace(items);
    // Not all at once, nor all replicas at the same time.
    relistAtMs = clock.monotonicMs() + tuning.relistMs * (1 + random() / 4);
    isSynced = true;
    markSynced();
    heard();
    return resourceVersion;
  };

  /** A server restored from an older snapshot counts on from below our version, and a watch from there would be silent for ever. */
  const wentBackwards = async (from: string, signal: AbortSignal): Promise<boolean> => {
    const newest = await newestVersion({ ...scope, signal });
    return isNewer(from, newest);
  };

  const watch = async (from: string, signal: AbortSignal): Promise<WatchEnd> => {
    const wantedMs = tuning.watchMinMs + random() * (tuning.watchMaxMs - tuning.watchMinMs);
    const untilRelistMs = Math.max(1000, relistAtMs - clock.monotonicMs());
    return watchOnce({
      ...scope,
      ...selectors,
      from,
      signal,
      timeoutSeconds: Math.ceil(Math.min(wantedMs, untilRelistMs) / 1000),
      idleLimitMs: tuning.idleLimitMs,
      handle: (event) => sink.apply(event),
      progress: (resourceVersion) => {
        version = resourceVersion;
        failures = 0;
      },
      heard,
      clock,
    });
  };

  const step = async (signal: AbortSignal): Promise<void> => {
    if (version === undefined || clock.monotonicMs() >= relistAtMs) version = await list(signal);
    else if (suspect && (await wentBackwards(version, signal))) {
      logger.warn({ from: version }, 'the API server counts from an older version: listing anew');
      version = await list(signal);
    }
    suspect = false;
    const end = await watch(version, signal);
    suspect = end !== 'closed';
    metrics.watchEnded(type.plural, end);
    if (end === 'expired') {
      version = undefined;
      logger.info('the watch is too far behind: listing anew');
    }
    // A server that ends each watch at once must not be asked again without a wait.
    failures = end === 'closed' || end === 'silent' ? 0 : failures + 1;
    if (end === 'tooShort' || end === 'expired') await pause(signal);
  };

  const pause = (signal: AbortSignal): Promise<void> => {
    const waitMs = backoffMs(Math.max(0, failures - 1), {
      baseMs: tuning.backoffBaseMs,
      capMs: tuning.backoffCapMs,
      random,
    });
    return sleep(clock, waitMs, signal);
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      activityMs = clock.monotonicMs();
      try {
        await step(signal);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        suspect = true;
        if (isExpired(error)) version = undefined;
        metrics.watchEnded(type.plural, isExpired(error) ? 'expired' : 'error');
        logger.warn({ err: error, failures }, `cannot ${version === undefined ? 'list' : 'watch'}: trying again`);
        await pause(signal);
      }
    }
  };

  return {
    type,
    store,
    onEvent: sink.onEvent,
    run,
    remember(raw, how) {
      const { resourceVersion = '' } = raw.metadata;
      // Gone past: the store has what came of it, which may be that the object is gone again.
      if (version !== undefined && isNewer(resourceVersion, version)) sink.remember(raw, how);
    },
    synced,
    hasSynced: () => isSynced,
    lastActivityMs: () => (queued ? clock.monotonicMs() : activityMs),
    lastContactMs: () => contactMs,
  };
}
