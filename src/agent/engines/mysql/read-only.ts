import { setTimeout as sleep } from 'node:timers/promises';
import { RunError } from '../../../errors/run-error.ts';
import type { RunContext } from '../../run.ts';
import { connect, serverError, serverMessage, type Account, type Connection } from './connect.ts';

/** The server ends a session that was silent for this long, and the lock with it: so writers go on also when a node is lost. */
const silenceSeconds = 30;
const beatMs = 5000;
const answerMs = 10_000;

/** One attempt: while it waits behind a long statement, writers wait behind it. */
const attemptSeconds = 10;
/** Between two attempts writers go on. */
const pauseMs = 10_000;
const longestTrySeconds = 300;

const lockWaitTimeout = 1205;
const accessDenied = 1227;

/** A server that takes no writes, from whatever account, for as long as a session holds its global read lock. */
export interface ReadOnlyServer {
  /** @throws RunError QuiesceFailed: the session, and with it the lock, did not last until now */
  confirm(): Promise<void>;
  /** Lets writers go on; may be called twice. */
  release(): void;
}

type Scope = Pick<RunContext, 'signal' | 'log' | 'remainingSeconds'>;

/**
 * Makes the server read-only by a lock and not by `SET GLOBAL read_only`: the lock goes with the session, however that ends (a killed
 * process, a lost node, a restarted server), it holds back accounts that read_only does not, several runs may hold it at once, and a
 * replica that was read-only before stays so.
 * @throws RunError QuiesceFailed, PrivilegeMissing
 */
export const holdReadOnly = async (account: Account, scope: Scope): Promise<ReadOnlyServer> => {
  const session = await connect(account, scope.signal);
  try {
    await session.query(`SET SESSION wait_timeout = ${silenceSeconds}, lock_wait_timeout = ${attemptSeconds}`);
    await takeLock(session, account, scope);
  } catch (error) {
    session.destroy();
    scope.signal.throwIfAborted();
    throw error instanceof RunError
      ? error
      : failed(`the server did not become read-only: ${serverMessage(error)}`, error);
  }
  scope.log.info('the server is read-only');
  return keepHeld(session, scope);
};

const failed = (why: string, cause?: unknown): RunError =>
  new RunError('QuiesceFailed', `The source could not be kept still: ${why}.`, { cause });

const takeLock = async (session: Connection, { username }: Account, scope: Scope): Promise<void> => {
  const giveUp = performance.now() + Math.min(longestTrySeconds, scope.remainingSeconds()) * 1000;
  for (;;) {
    try {
      await session.query('FLUSH TABLES WITH READ LOCK');
      return;
    } catch (error) {
      if (serverError(error) === accessDenied) {
        const detail = `The account "${username}" lacks RELOAD on *.*, which quiesce.readOnly takes its lock with.`;
        throw new RunError('PrivilegeMissing', detail, { cause: error });
      }
      if (serverError(error) !== lockWaitTimeout) throw error;
      if (performance.now() + pauseMs > giveUp) {
        throw failed('statements that write, and do not end, kept the global read lock away', error);
      }
      scope.log.warn('the global read lock is not to be had yet: trying again', { seconds: pauseMs / 1000 });
      await sleep(pauseMs, undefined, { signal: scope.signal });
    }
  }
};

const keepHeld = (session: Connection, { log }: Scope): ReadOnlyServer => {
  const since = Date.now();
  let released = false;
  const beat = setInterval(() => void session.ping().catch(() => undefined), beatMs);
  session.on('end', () => {
    clearInterval(beat);
    if (!released) log.error('the session that keeps the server read-only has ended', { afterMs: Date.now() - since });
  });
  return {
    // The lock lasts exactly as long as its session, and nothing connects a session anew: one that answers held it all the time.
    async confirm() {
      const over = new AbortController();
      try {
        await Promise.race([
          session.ping(),
          sleep(answerMs, undefined, { signal: over.signal }).then(() => Promise.reject(new Error('no answer'))),
        ]);
      } catch (error) {
        throw failed('the session that kept the server read-only ended before the dump did', error);
      } finally {
        over.abort();
      }
    },
    release() {
      clearInterval(beat);
      if (released) return;
      released = true;
      session.destroy();
      log.info('writers go on', { lockedMilliseconds: Date.now() - since });
    },
  };
};
