import { RunError } from '../../../../errors/run-error.ts';
import { withConnection, type Account, type Connection } from '../connect.ts';

/** Held by the one session that exchanges or puts back, on the whole server. */
const lockName = 'holdfast restore';
/** Held by the client that the session above has at work: it may outlive who started it, until its statement is done. */
const clientLock = 'holdfast restore client';

/** How long another one is waited for: one that was killed is noticed by the server when its statement ends. */
const waitSeconds = 60;

/** For the session of a client: it waits for one that a killed restore left behind. */
export const clientSession = `@holdfast_client = GET_LOCK('${clientLock}', ${waitSeconds})`;

/**
 * Does something that no other restore on this server may do meanwhile: neither one that runs, nor what a killed one left running.
 * @throws RunError ExchangeFailed when another one does not end
 */
export const fenced = <T>(
  account: Account,
  signal: AbortSignal,
  work: (connection: Connection) => Promise<T>,
): Promise<T> =>
  // The locks go with the session.
  withConnection(account, signal, async (connection) => {
    await connection.query('SET SESSION wait_timeout = 86400');
    await takeLock(connection, lockName);
    await takeLock(connection, clientLock);
    await connection.query(`DO RELEASE_LOCK('${clientLock}')`);
    return work(connection);
  });

const takeLock = async (connection: Connection, name: string): Promise<void> => {
  const [row]: { got: string | null }[] = await connection.query(
    `SELECT CAST(GET_LOCK('${name}', ${waitSeconds}) AS CHAR) AS got`,
  );
  if (row?.got === '1') return;
  throw new RunError('ExchangeFailed', 'Another restore is at work on this server.');
};
