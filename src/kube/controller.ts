import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { createDeadline } from './deadline.ts';
import { systemClock, type Clock } from './clock.ts';
import { resourceLogger, type Logger } from './logger.ts';
import { noMetrics, type KubeMetrics, type ReconcileOutcome } from './metrics.ts';
import { createQueue, type WorkQueue } from './queue.ts';
import type { ObjectEvent, Reflector } from './reflector.ts';
import { nameOf } from './types.ts';

/** What one reconcile is given. */
export interface ReconcileContext {
  readonly key: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** Aborts on shutdown (after the drain time), when the leadership is lost, and when the reconcile takes too long. */
  readonly signal: AbortSignal;
  /** Names the resource on every line. */
  readonly logger: Logger;
  /** Failures in a row before this run. */
  readonly failures: number;
}

export interface ReconcileResult {
  /** Look again after this long, in milliseconds, whether or not anything changes. */
  readonly requeueAfterMs?: number | undefined;
  /** What was seen was behind: look again with waits that grow, as after a failure, but without reporting one. */
  readonly lookAgain?: boolean;
}

export interface ControllerOptions {
  /** Also the `controller` label of the metrics. */
  readonly name: string;
  /** The kind that the keys name, for the logs. */
  readonly kind: string;
  /** Keys worked on at the same time; default 2. */
  readonly workers?: number;
  /** Makes the world as the object says; called again until it does not throw. Gone objects come too: look into the store. */
  readonly reconcile: (context: ReconcileContext) => Promise<ReconcileResult | void>;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly metrics?: KubeMetrics;
  readonly random?: () => number;
  /** First and longest wait after a failure, in milliseconds; default 500 ms and 5 min. */
  readonly backoffBaseMs?: number;
  readonly backoffCapMs?: number;
  /** A reconcile is aborted after this long, in milliseconds; default 5 min. */
  readonly timeLimitMs?: number;
}

/** Runs a reconcile function for each key that an event points to. */
export interface Controller {
  readonly name: string;
  /** Each event of the reflector adds the keys that `keys` makes of it; by default the object's own. */
  watch<T>(reflector: Reflector<T>, keys?: (event: ObjectEvent<T>) => readonly string[]): void;
  /** Looks at a key again, for a reason that is no event. */
  enqueue(key: string, afterMs?: number): void;
  /** Works until `stop` aborts, then finishes what is under way; `abort` makes that stop too. Never rejects. */
  run(signals: { readonly stop: AbortSignal; readonly abort: AbortSignal }): Promise<void>;
  /** Keys that wait. */
  depth(): number;
  /** How long the oldest reconcile has been under way, in milliseconds; 0 when none is. */
  oldestMs(): number;
  readonly timeLimitMs: number;
}

export function createController(options: ControllerOptions): Controller {
  const { name, kind, workers = 2, clock = systemClock, metrics = noMetrics, random = Math.random } = options;
  const { timeLimitMs = 5 * 60_000, backoffBaseMs = 500, backoffCapMs = 5 * 60_000 } = options;
  const logger = options.logger.child({ controller: name });
  const queue = createQueue({
    clock,
    backoff: { baseMs: backoffBaseMs, capMs: backoffCapMs, random },
    onDepth: (depth) => metrics.queueDepth(name, depth),
  });

  const reconcile = async (key: string, abort: AbortSignal): Promise<ReconcileOutcome> => {
    const { namespace, name: objectName } = nameOf(key);
    const resource = resourceLogger(logger, { kind, namespace, name: objectName });
    const deadline = createDeadline(clock, timeLimitMs, abort);
    const failures = queue.failures(key);
    try {
      const { signal } = deadline;
      const result = await options.reconcile({ key, namespace, name: objectName, signal, logger: resource, failures });
      return settle(queue, key, result ?? {});
    } catch (error) {
      if (abort.aborted) return 'aborted';
      const retryMs = Math.round(queue.addRateLimited(key));
      const err = deadline.expired() ? new Error(`not done after ${timeLimitMs} ms`, { cause: error }) : error;
      resource.error({ err, failures: failures + 1, retryMs }, 'reconcile failed: trying again');
      return 'failed';
    } finally {
      deadline.dispose();
    }
  };

  const work = async (abort: AbortSignal): Promise<void> => {
    for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
      // A reconcile that has nothing to write awaits nothing: ten thousand of them, one after another, would keep every timer and every
      // answer waiting, and the lease would be lost.
      await yieldToEventLoop();
      const startMs = clock.monotonicMs();
      const outcome = await reconcile(key, abort);
      queue.done(key);
      metrics.reconciled(name, outcome, (clock.monotonicMs() - startMs) / 1000);
    }
  };

  return {
    name,
    watch(reflector, keys = ({ key }) => [key]) {
      reflector.onEvent((event) => {
        for (const key of keys(event)) queue.add(key);
      });
    },
    enqueue: (key, afterMs = 0) => queue.addAfter(key, afterMs),
    async run({ stop, abort }) {
      if (stop.aborted || abort.aborted) queue.shutDown();
      stop.addEventListener('abort', queue.shutDown, { once: true });
      abort.addEventListener('abort', queue.shutDown, { once: true });
      await Promise.all(Array.from({ length: workers }, () => work(abort)));
      stop.removeEventListener('abort', queue.shutDown);
      abort.removeEventListener('abort', queue.shutDown);
    },
    depth: () => queue.depth(),
    oldestMs: () => Math.max(0, ...queue.processing().values()),
    timeLimitMs,
  };
}

function settle(queue: WorkQueue, key: string, { requeueAfterMs, lookAgain }: ReconcileResult): ReconcileOutcome {
  if (lookAgain === true) {
    queue.addRateLimited(key);
    return 'requeued';
  }
  queue.forget(key);
  if (requeueAfterMs === undefined) return 'done';
  queue.addAfter(key, requeueAfterMs);
  return 'requeued';
}
