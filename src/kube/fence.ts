import type { Clock } from './clock.ts';
import { LeadershipLostError } from './errors.ts';

/** Stands before every write: what may no longer be written does not leave the process. */
export interface WriteFence {
  /** Returns when a write may leave now. @throws {LeadershipLostError} it may not */
  check(): void;
}

/** One point in time on both clocks of this machine. */
export interface Moment {
  readonly monotonicMs: number;
  /** Since 1970. */
  readonly wallMs: number;
}

/** A fence that is open while a term of leadership counts, and shut before, after and whenever in doubt. */
export interface TermFence extends WriteFence {
  /** Opens the fence, or keeps it open: a renewal that was *sent* at `start` succeeded. */
  extend(start: Moment): void;
  /** Shuts the fence until the next {@link extend}. */
  shut(why: string): void;
  /** How long ago the last successful renewal was sent, in milliseconds, on the clock that says more; 0 while shut. */
  elapsedMs(): number;
  /** How long the term still counts on the monotonic clock alone, in milliseconds; 0 and less: it has run out. */
  leftMs(): number;
}

export interface TermFenceOptions {
  readonly clock: Clock;
  /** How long a renewal counts, in milliseconds: less than others wait before they take the lease. */
  readonly validMs: number;
}

export function momentOf(clock: Clock): Moment {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.now().getTime() };
}

/**
 * It asks the clocks at each write and not a timer: in a process that was stopped and goes on, writes and timers that
 * are overdue come in any order.
 */
export function createTermFence({ clock, validMs }: TermFenceOptions): TermFence {
  let renewed: Moment | undefined;
  let shutBecause = 'this process has not become the leader yet';

  const elapsedMs = (): number => {
    if (renewed === undefined) return 0;
    const now = momentOf(clock);
    // The monotonic clock stands still while a virtual machine is suspended; the wall clock may be set back.
    return Math.max(now.monotonicMs - renewed.monotonicMs, now.wallMs - renewed.wallMs);
  };

  return {
    check() {
      if (renewed === undefined) throw new LeadershipLostError(shutBecause);
      const agoMs = elapsedMs();
      if (agoMs < validMs) return;
      throw new LeadershipLostError(
        `the lease was last renewed ${seconds(agoMs)} s ago and a renewal counts for ${seconds(validMs)} s`,
      );
    },
    extend(start) {
      renewed = start;
    },
    shut(why) {
      renewed = undefined;
      shutBecause = why;
    },
    elapsedMs,
    leftMs: () => (renewed === undefined ? 0 : validMs - (clock.monotonicMs() - renewed.monotonicMs)),
  };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
