import type { Clock } from './clock.ts';
import { isConflict } from './errors.ts';
import { momentOf, type Moment } from './fence.ts';
import type { LeaseClient } from './lease-client.ts';
import {
  decide,
  givenBack,
  observe,
  recordOf,
  renewed,
  takenBy,
  type Decision,
  type LeaseRecord,
  type Observation,
} from './lease-record.ts';
import type { KubeObject } from './types.ts';

/** The Lease as one process knows it. */
export interface LeaseView {
  readonly identity: string;
  /** Reads the Lease, and says what this process may do now. */
  look(): Promise<Decision>;
  /**
   * Writes that this process holds the lease, over what was last seen: `take` begins, `keep` renews. Gives the moment
   * before it was sent, since when it surely counts.
   * @throws {ApiError} 409 or 404: somebody else wrote since the last look
   */
  hold(how: 'take' | 'keep'): Promise<Moment>;
  /** Gives the lease back, if it is this process' own. */
  giveBack(): Promise<void>;
  /** As it was last seen, there or not any more. */
  lastRecord(): LeaseRecord | undefined;
}

export interface LeaseViewOptions {
  readonly lease: LeaseClient;
  /** Of this process alone. */
  readonly identity: string;
  readonly leaseMs: number;
  readonly clock: Clock;
}

export function createLeaseView({ lease, identity, leaseMs, clock }: LeaseViewOptions): LeaseView {
  const durationSeconds = leaseMs / 1000;
  let current: KubeObject | undefined;
  let observation: Observation | undefined;

  // As of the answer and not of the question: a holder that wrote in between would be given too little time.
  const remember = (seen: KubeObject | undefined): void => {
    current = seen;
    if (seen !== undefined) observation = observe(observation, recordOf(seen), clock.monotonicMs());
  };

  return {
    identity,
    async look() {
      remember(await lease.read());
      return decide({ identity, present: current !== undefined, observation, nowMs: clock.monotonicMs(), leaseMs });
    },
    async hold(how) {
      const start = momentOf(clock);
      const last = observation?.record;
      const record =
        how === 'take' || last === undefined
          ? takenBy(identity, last, durationSeconds, clock.now())
          : renewed(last, durationSeconds, clock.now());
      remember(await lease.write(current, record));
      return start;
    },
    async giveBack() {
      // An answer that was lost leaves an old resourceVersion behind: another look, and a second try.
      for (let attempt = 1; observation?.record.holder === identity; attempt += 1) {
        try {
          remember(await lease.write(current, givenBack(observation.record, clock.now())));
        } catch (error) {
          if (attempt > 1 || !isConflict(error)) throw error;
          remember(await lease.read());
        }
      }
    },
    lastRecord: () => observation?.record,
  };
}
