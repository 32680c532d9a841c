import { sleep, type Clock, type Timer } from './clock.ts';
import { isAlreadyExists, isConflict, isNotFound, LeadershipLostError, messageOf } from './errors.ts';
import type { Moment, TermFence } from './fence.ts';
import type { Term } from './lease.ts';
import type { LeaseView } from './lease-view.ts';
import type { Logger } from './logger.ts';

export interface TermOptions {
  readonly view: LeaseView;
  /** Opened and shut here. */
  readonly fence: TermFence;
  /** How long after the start of the last successful renewal the leadership is lost, in milliseconds. */
  readonly renewDeadlineMs: number;
  /** Between two renewals, in milliseconds. */
  readonly retryMs: number;
  /** Called in the very moment in which the leadership is lost. */
  readonly onLost: (error: LeadershipLostError) => void;
  /** Called once, however the term ends. */
  readonly onEnd: () => void;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A term that began with a write sent at `start`: renews the lease until it is lost, given back or left. */
export function startTerm(options: TermOptions, start: Moment): Term {
  const { view, fence, renewDeadlineMs, retryMs, logger, clock } = options;
  const lost = new AbortController();
  const ended = new AbortController();
  let timer: Timer | undefined;
  let failure = '';

  const end = (why: string): void => {
    timer?.cancel();
    fence.shut(why);
    ended.abort();
    options.onEnd();
  };
  const lose = (why: string): void => {
    end(why);
    const error = new LeadershipLostError(why);
    lost.abort(error);
    options.onLost(error);
  };
  /** Whether the term is over; loses it when its time is up. */
  const over = (): boolean => {
    if (ended.signal.aborted) return true;
    if (fence.leftMs() > 0) return false;
    lose(`the lease was not renewed for ${Math.round(renewDeadlineMs / 100) / 10} s${failure}`);
    return true;
  };
  const arm = (): void => {
    timer?.cancel();
    timer = clock.setTimer(fence.leftMs(), () => {
      if (!over()) arm();
    });
  };

  const lookAndKeep = async (refusal: unknown): Promise<Moment> => {
    const { kind } = await view.look();
    if (over()) throw refusal;
    const holder = view.lastRecord()?.holder ?? '';
    // An earlier write whose answer was lost is refused likewise, and so is one of a Lease that somebody edited or deleted.
    if (kind === 'renew' || kind === 'create' || holder === view.identity) return await view.hold('keep');
    lose(holder === '' ? 'somebody gave the lease back' : `${holder} holds the lease`);
    throw refusal;
  };
  const renew = async (): Promise<void> => {
    try {
      const renewedAt = await view.hold('keep').catch((error: unknown) => {
        if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) return lookAndKeep(error);
        throw error;
      });
      if (ended.signal.aborted) return;
      failure = '';
      fence.extend(renewedAt);
      if (!over()) arm();
    } catch (error) {
      if (ended.signal.aborted) return;
      failure = `: ${messageOf(error)}`;
      logger.warn({ err: error, leftMs: Math.round(fence.leftMs()) }, 'the lease could not be renewed: trying again');
    }
  };
  const keepRenewing = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await sleep(clock, retryMs, ended.signal);
      // In a process that was stopped and goes on, this turn may come before that of the timer.
      if (!over()) await renew();
    }
  };

  fence.extend(start);
  if (!over()) arm();
  const renewing = keepRenewing();

  return {
    lost: lost.signal,
    async release() {
      if (over()) return;
      end('this process gave the leadership back');
      try {
        await renewing;
        await view.giveBack();
        logger.info('the lease is given back');
      } catch (error) {
        logger.warn({ err: error }, 'the lease could not be given back: the next leader waits until it has run out');
      }
    },
    abandon() {
      if (!ended.signal.aborted) end('this process is ending');
    },
  };
}
