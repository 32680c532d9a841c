import { sleep, systemClock, type Clock } from './clock.ts';
import { isAlreadyExists, isConflict, type LeadershipLostError } from './errors.ts';
import type { Moment, TermFence } from './fence.ts';
import type { HealthCheck } from './health.ts';
import type { Leadership } from './lease.ts';
import type { LeaseClient } from './lease-client.ts';
import { createLeaseView } from './lease-view.ts';
import type { Logger } from './logger.ts';
import { noMetrics, type KubeMetrics } from './metrics.ts';
import { startTerm } from './term.ts';

/** How long what lasts in an election, in milliseconds. */
export interface LeaseDurations {
  /** Others wait this long after the last change that they saw before they take the lease. */
  readonly leaseMs: number;
  /** The leader gives up when it could not renew for so long: it has stopped before others begin. */
  readonly renewDeadlineMs: number;
  /** Between two looks or renewals; looks come up to a fifth later. */
  readonly retryMs: number;
  /** Of one request, so that a renewal that got stuck leaves time for another. */
  readonly requestMs: number;
}

/** From the length of the lease in whole seconds; 15 gives what Kubernetes' own components have: 15 s, 10 s and 2 s. */
export function leaseDurations(seconds: number): LeaseDurations {
  const leaseMs = seconds * 1000;
  return { leaseMs, renewDeadlineMs: (leaseMs * 2) / 3, retryMs: (leaseMs * 2) / 15, requestMs: leaseMs / 3 };
}

export interface ElectorOptions {
  /** By a client of its own: renewals must not wait behind other requests, nor be held up by the fence. */
  readonly lease: LeaseClient;
  /** Of this process alone: a restarted process must not take its predecessor's lease for its own. */
  readonly identity: string;
  readonly durations: LeaseDurations;
  /** Its `validMs` is the renew deadline. */
  readonly fence: TermFence;
  /** Called in the very moment in which the leadership is lost: the process should end. */
  readonly onLost: (error: LeadershipLostError) => void;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly metrics?: KubeMetrics;
  readonly random?: () => number;
}

export interface Elector extends Leadership {
  /** Fails when the lease ran out and this process still takes itself for the leader: only a restart helps. */
  readonly health: HealthCheck;
}

// Looks of several followers should not fall together.
const jitterShare = 0.2;

/**
 * Leader election on a coordination.k8s.io/v1 Lease, with the semantics of client-go's: a follower takes the lease when
 * its record did not change for the lease's duration on the follower's own monotonic clock; the clocks of two machines
 * are never compared. Every write has the resourceVersion of the last look as its precondition.
 */
export function createElector(options: ElectorOptions): Elector {
  const { lease, identity, durations, fence, logger, clock = systemClock } = options;
  const { metrics = noMetrics, random = Math.random } = options;
  const { leaseMs, renewDeadlineMs, retryMs } = durations;
  const view = createLeaseView({ lease, identity, leaseMs, clock });
  let leads = false;
  let toldHolder: string | undefined;

  const setLeads = (now: boolean): void => {
    leads = now;
    metrics.leading(now);
  };
  const tellHolder = (holder: string): void => {
    if (holder === toldHolder) return;
    toldHolder = holder;
    logger.info({ holder, identity }, 'standing by: another process leads');
  };
  const tryToLead = async (): Promise<Moment | undefined> => {
    try {
      const decision = await view.look();
      if (decision.kind !== 'wait') return await view.hold(decision.kind === 'renew' ? 'keep' : 'take');
      tellHolder(decision.holder);
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) logger.debug({ err: error }, 'another process was faster');
      else logger.warn({ err: error }, 'standing by: the lease cannot be read or written');
    }
    return undefined;
  };

  return {
    async acquire(signal) {
      setLeads(false);
      for (;;) {
        signal.throwIfAborted();
        // Not cut short by the signal: a lease that was taken must be known, to be given back.
        const start = await tryToLead();
        if (start !== undefined) {
          setLeads(true);
          logger.info({ identity, transitions: view.lastRecord()?.transitions }, 'the lease is held');
          const { onLost } = options;
          const onEnd = (): void => setLeads(false);
          const term = startTerm({ view, fence, renewDeadlineMs, retryMs, onLost, onEnd, logger, clock }, start);
          if (!signal.aborted) return term;
          await term.release();
        }
        await sleep(clock, retryMs * (1 + jitterShare * random()), signal);
      }
    },
    health: {
      name: 'lease renewed',
      check() {
        if (!leads) return { ok: true, detail: 'standing by' };
        const agoMs = fence.elapsedMs();
        return { ok: agoMs < leaseMs, detail: `${Math.round(agoMs / 1000)} s ago` };
      },
    },
  };
}
