import type { RunContext } from '../../run.ts';
import { connect, serverMessage, type Account, type Connection } from './connect.ts';
import { holdReadOnly, type ReadOnlyServer } from './read-only.ts';

/** How long the lock is waited for: while it waits behind a long statement, others wait behind it. */
const lockWaitSeconds = 10;

/** A snapshot that the dump can be given as well. */
export interface SharedSnapshot {
  /** Its transaction reads the snapshot; to be destroyed by whoever took it. */
  readonly connection: Connection;
  /** Lets writers go on. To be called as soon as the dump has its snapshot; may be called twice. */
  release(): void;
  /** Set when nothing is written until `release`: then what has no snapshot stands still as well. */
  readonly still?: Pick<ReadOnlyServer, 'confirm'>;
}

/**
 * Stops writers for a moment and opens a snapshot. Every snapshot that is opened before `release` shows the same state.
 * @returns why not, when the server does not give the lock in time: a backup must not stop the service.
 */
export const openSharedSnapshot = async (
  account: Account,
  { signal, log }: Pick<RunContext, 'signal' | 'log'>,
): Promise<SharedSnapshot | { readonly unknown: string }> => {
  const locker = await connect(account, signal);
  let reader: Connection | undefined;
  try {
    reader = await connect(account, signal);
    await locker.query(`SET SESSION lock_wait_timeout = ${lockWaitSeconds}`);
    await locker.query('FLUSH TABLES WITH READ LOCK');
    const locked = Date.now();
    await reader.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    let held = true;
    return {
      connection: reader,
      release() {
        if (!held) return;
        held = false;
        locker.destroy();
        log.info('writers go on', { lockedMilliseconds: Date.now() - locked });
      },
    };
  } catch (error) {
    locker.destroy();
    reader?.destroy();
    signal.throwIfAborted();
    return { unknown: `the server gave no global read lock (${serverMessage(error)})` };
  }
};

/**
 * Makes the server read-only until `release`, and opens a snapshot: everything that is read meanwhile, by whatever session and engine, is
 * of this one moment.
 * @throws RunError QuiesceFailed, PrivilegeMissing: a dump that was asked to be quiesced is not made otherwise
 */
export const openStillSnapshot = async (account: Account, context: RunContext): Promise<SharedSnapshot> => {
  const still = await holdReadOnly(account, context);
  try {
    const connection = await connect(account, context.signal);
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    return { connection, still, release: () => still.release() };
  } catch (error) {
    still.release();
    throw error;
  }
};
