import type { Controller } from './controller.ts';
import { sleep, systemClock, type Clock } from './clock.ts';
import type { HealthCheck } from './health.ts';
import type { Leadership } from './lease.ts';
import type { Logger } from './logger.ts';
import type { Reflector } from './reflector.ts';

/** What the manager needs of a reflector, whatever it reflects. */
export type AnyReflector = Pick<Reflector<unknown>, 'type' | 'run' | 'synced' | 'hasSynced' | 'lastActivityMs'>;

export interface ManagerOptions {
  readonly reflectors: readonly AnyReflector[];
  readonly controllers: readonly Controller[];
  readonly leadership: Leadership;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** How long reconciles under way may go on after a stop, in milliseconds; default 20 s. */
  readonly drainMs?: number;
  /** Writes out what reconciles left behind, such as Events; awaited before the leadership is given back. */
  readonly flush?: () => Promise<void>;
  /** How long that may take, in milliseconds; default 5 s. */
  readonly flushMs?: number;
}

/** Why the manager stopped. */
export type StopCause = 'stopped' | 'leadershipLost';

export interface Manager {
  /**
   * Fills the caches, waits for the leadership, reconciles until the signal aborts, and drains. Followers keep their
   * caches warm. After `leadershipLost` the process should end: another leads.
   */
  run(signal: AbortSignal): Promise<StopCause>;
  /** For /healthz. */
  readonly live: readonly HealthCheck[];
  /** For /readyz. */
  readonly ready: readonly HealthCheck[];
}

// What a reconcile that ignores its signal may still take before it is left behind.
const abortGraceMs = 2000;
// Longer than any silence a reflector allows itself: idle limit, request limits and the longest backoff together.
const stuckReflectorMs = 5 * 60_000;

export function createManager(options: ManagerOptions): Manager {
  const { reflectors, controllers, leadership, logger, clock = systemClock, drainMs = 20_000 } = options;
  const { flush = () => Promise.resolve(), flushMs = 5000 } = options;

  const reconcileUntil = async (signal: AbortSignal): Promise<StopCause> => {
    const term = await leadership.acquire(signal);
    const abort = new AbortController();
    const lose = (): void => abort.abort(new Error('the leadership is lost'));
    if (term.lost.aborted) lose();
    term.lost.addEventListener('abort', lose, { once: true });
    logger.info('leading: controllers start');
    const running = Promise.all(controllers.map((controller) => controller.run({ stop: signal, abort: abort.signal })));
    await aborted(signal, abort.signal);
    const drained = (await drain(running, abort)) && (await within(clock, flush(), flushMs));
    term.lost.removeEventListener('abort', lose);
    if (term.lost.aborted) return 'leadershipLost';
    if (drained) await term.release();
    else {
      logger.warn('the leadership is not given back, for something may still be written: it runs out by itself');
      term.abandon();
    }
    return term.lost.aborted ? 'leadershipLost' : 'stopped';
  };

  /** Whether everything ended by itself: an aborted request may still be carried out by the server. */
  const drain = async (running: Promise<unknown>, abort: AbortController): Promise<boolean> => {
    if (!abort.signal.aborted && (await within(clock, running, drainMs))) return true;
    if (!abort.signal.aborted) logger.warn({ drainMs }, 'reconciles did not end in time and are aborted');
    abort.abort(new Error('shutting down'));
    if (!(await within(clock, running, abortGraceMs))) logger.error('a reconcile ignores that it was aborted');
    return false;
  };

  return {
    async run(signal) {
      const caches = new AbortController();
      const reflecting = Promise.all(reflectors.map((reflector) => reflector.run(caches.signal)));
      try {
        await Promise.race([Promise.all(reflectors.map(({ synced }) => synced)), aborted(signal)]);
        if (signal.aborted) return 'stopped';
        logger.info({ kinds: reflectors.map(({ type }) => type.kind) }, 'caches are filled');
        return await reconcileUntil(signal);
      } catch (error) {
        if (signal.aborted) return 'stopped';
        throw error;
      } finally {
        caches.abort(new Error('shutting down'));
        await reflecting;
      }
    },
    live: [
      ...reflectors.map((reflector) => reflectorAlive(reflector, clock)),
      ...controllers.map((controller) => controllerAlive(controller)),
    ],
    ready: reflectors.map((reflector) => ({
      name: `${reflector.type.plural} listed`,
      check: () => ({ ok: reflector.hasSynced() }),
    })),
  };
}

function reflectorAlive(reflector: AnyReflector, clock: Clock): HealthCheck {
  return {
    name: `${reflector.type.plural} watched`,
    check() {
      const silentMs = clock.monotonicMs() - reflector.lastActivityMs();
      return { ok: silentMs < stuckReflectorMs, detail: `last activity ${Math.round(silentMs / 1000)} s ago` };
    },
  };
}

// A reconcile is aborted at its limit: one that is still there at twice the limit will never end.
function controllerAlive(controller: Controller): HealthCheck {
  return {
    name: `${controller.name} progresses`,
    check() {
      const oldestMs = controller.oldestMs();
      return { ok: oldestMs < 2 * controller.timeLimitMs, detail: `oldest reconcile ${Math.round(oldestMs / 1000)} s` };
    },
  };
}

function aborted(...signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}

async function within(clock: Clock, work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const done = new AbortController();
  try {
    return await Promise.race([work.then(() => true), sleep(clock, limitMs, done.signal).then(() => false)]);
  } finally {
    // Not before: it would end the wait too, and win.
    done.abort();
  }
}
