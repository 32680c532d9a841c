import { setTimeout as sleep } from 'node:timers/promises';
import { withConnection, type Connection, type NetworkAccount } from '../connect.ts';
import { momentOf, type Moment } from './moment.ts';

/** What was open at a moment, or just after it. */
interface Look {
  readonly moment: Moment;
  /** Transactions that may have written something, or may yet. */
  readonly open: ReadonlySet<string>;
}

/** InnoDB's list has an end, which it does not show; of so many it surely is not there yet. */
const most = 1000;
/** InnoDB shows the same list again until nobody has read it for 100 ms. */
const pauseMs = 150;
const tries = 8;

/**
 * A moment such that every transaction that was open then is over now. What it has changed is seen by whoever reads from now on, and what
 * is changed later is changed by a transaction that began after the moment. Undefined when that is not so within a second, or cannot be told.
 * @throws the server's error: without the PROCESS privilege it does not show transactions
 */
export const momentWithoutOpen = async (account: NetworkAccount, signal: AbortSignal): Promise<Moment | undefined> => {
  let first: Look | undefined;
  for (let left = tries; left > 0; left -= 1) {
    const look = await withConnection(account, signal, lookOnce);
    first ??= look;
    if (first !== undefined && look !== undefined && isOver(first.open, look)) return first.moment;
    await sleep(pauseMs, undefined, { signal });
  }
  return undefined;
};

const isOver = (before: ReadonlySet<string>, { open }: Look): boolean => ![...before].some((each) => open.has(each));

const lookOnce = async (connection: Connection): Promise<Look | undefined> => {
  const moment = await momentOf(connection);
  await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
  const rows: Listed[] = await connection.query(
    `SELECT CAST(trx_mysql_thread_id AS CHAR) AS thread, CAST(trx_started AS CHAR) AS started,
       CAST(trx_is_read_only AS CHAR) AS \`reads\`, CAST(trx_mysql_thread_id = CONNECTION_ID() AS CHAR) AS own
     FROM information_schema.INNODB_TRX`,
  );
  const open = openIn(rows);
  return open && { moment, open };
};

/** A transaction as the server lists it. */
export interface Listed {
  readonly thread: string;
  readonly started: string;
  /** 1: it can write nothing, as long as it lasts. */
  readonly reads: string;
  /** 1: it is that of the session that asks. */
  readonly own: string;
}

/**
 * Those of others that may have written something, or may yet. Undefined: the list is one of before, since the transaction of the session that asks
 * is not in it, or it may not be whole. Pure.
 */
export const openIn = (rows: readonly Listed[]): ReadonlySet<string> | undefined => {
  if (rows.length >= most || !rows.some(({ own }) => own === '1')) return undefined;
  const others = rows.filter(({ own, reads }) => own !== '1' && reads !== '1');
  // A session that begins another one in the same second counts as one whose transaction is still open.
  return new Set(others.map(({ thread, started }) => `${thread} ${started}`));
};
