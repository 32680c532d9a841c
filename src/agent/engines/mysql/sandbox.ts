import { setTimeout as sleep } from 'node:timers/promises';
import { RunError } from '../../../errors/run-error.ts';
import type { RunContext } from '../../run.ts';
import { connect, serverMessage, withConnection, type Connection, type SocketAccount } from './connect.ts';
import { ownDatabases } from './databases.ts';
import { readProfile, type ServerProfile } from './server.ts';
import { identifier } from './sql.ts';

/** Between two tries while the server starts. */
const pauseMs = 250;

/** Waits until the scratch server answers. @throws RunError SandboxUnavailable */
export const awaitServer = async (
  account: SocketAccount,
  { signal }: Pick<RunContext, 'signal'>,
  seconds: number,
): Promise<ServerProfile> => {
  const giveUp = performance.now() + seconds * 1000;
  for (;;) {
    try {
      const connection = await connect(account, signal);
      try {
        const profile = await readProfile(connection);
        await settle(connection);
        return profile;
      } finally {
        connection.destroy();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (performance.now() >= giveUp) {
        const words = error instanceof RunError ? error.detail : serverMessage(error);
        throw new RunError('SandboxUnavailable', `The scratch server was not there after ${seconds} s. ${words}`, {
          cause: error,
        });
      }
      await sleep(pauseMs, undefined, { signal });
    }
  }
};

/** Rows as large as they come; no event changes what is compared; what is lost in a crash is of no worth. */
const settle = async (connection: Connection): Promise<void> => {
  await connection.query('SET GLOBAL max_allowed_packet = 1073741824');
  await connection.query('SET GLOBAL innodb_flush_log_at_trx_commit = 0');
  const [row]: { scheduler: string }[] = await connection.query('SELECT @@GLOBAL.event_scheduler AS scheduler');
  if (row?.scheduler === 'ON') await connection.query('SET GLOBAL event_scheduler = OFF');
};

/**
 * Whether the server has run since it first answered, at `answeredMs` of performance.now(). One that ends is started anew by kubelet, and is
 * empty then: what is missing in it says nothing about the backup.
 * @throws RunError SandboxUnavailable
 */
export const checkSameLife = async (connection: Connection, answeredMs: number): Promise<void> => {
  const [row]: { Value: string }[] = await connection.query("SHOW GLOBAL STATUS LIKE 'Uptime'");
  const elapsed = (performance.now() - answeredMs) / 1000;
  // Whole seconds: a server that was up when it answered has been up longer than that, but for what is rounded off.
  if (Number(row?.Value) + 1 >= elapsed) return;
  throw new RunError('SandboxUnavailable', 'The scratch server stopped and was started anew, empty.');
};

/** The databases that the scratch server holds. */
export const databasesIn = async (connection: Connection): Promise<string[]> => {
  const rows: Record<string, string>[] = await connection.query('SHOW DATABASES');
  return ownDatabases(rows.flatMap((row) => Object.values(row)));
};

/** @throws RunError SandboxUnavailable: what is in the server would be taken for content of the backup */
export const checkEmpty = async (connection: Connection): Promise<void> => {
  const [found] = await databasesIn(connection);
  if (found === undefined) return;
  throw new RunError('SandboxUnavailable', `The scratch server is not empty: it holds database ${found}.`);
};

/** Drops every database. */
export const emptyServer = async (connection: Connection): Promise<void> => {
  await connection.query('SET SESSION foreign_key_checks = 0');
  for (const name of await databasesIn(connection)) await connection.query(`DROP DATABASE ${identifier(name)}`);
};

/** Does something on the scratch server; when it fails, tells a server that is gone from what went wrong on it. */
export const onSandbox = async <T>(
  account: SocketAccount,
  { signal }: Pick<RunContext, 'signal'>,
  work: (connection: Connection) => Promise<T>,
): Promise<T> => {
  try {
    return await withConnection(account, signal, work);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RunError) throw error;
    await checkAlive(account, { signal });
    throw error;
  }
};

/** @throws RunError SandboxUnavailable */
export const checkAlive = (account: SocketAccount, { signal }: Pick<RunContext, 'signal'>): Promise<void> =>
  withConnection(account, signal, async (connection) => void (await connection.query('SELECT 1')));
