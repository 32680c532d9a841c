import { createConnection, type Connection } from 'mariadb';
import { RunError } from '../../../errors/run-error.ts';
import { errorCode } from '../../disk.ts';

export type { Connection } from 'mariadb';

const connectTimeoutMs = 10_000;

/** Where the server is and who asks. */
export interface Account {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/** As mariadb-dump sets its session, so that both read the same: UTC, no modes, no limits. */
const session = [
  "SET SESSION time_zone = '+00:00', sql_mode = '', sql_quote_show_create = 1",
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
];

/**
 * Opens a connection that is destroyed when the signal aborts.
 * @throws RunError SourceUnreachable, AccessDenied
 */
export const connect = async (
  { host, port, username, password }: Account,
  signal: AbortSignal,
): Promise<Connection> => {
  signal.throwIfAborted();
  let connection: Connection;
  try {
    connection = await createConnection({
      host,
      port,
      user: username,
      password,
      connectTimeout: connectTimeoutMs,
      charset: 'utf8mb4',
      dateStrings: true,
      bigIntAsNumber: false,
      permitLocalInfile: false,
      // Rows of facts are small; what is larger is an error of the query.
      maxAllowedPacket: 64 * 1024 * 1024,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw connectFailure(error, { host, port, username });
  }
  const destroy = (): void => connection.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  connection.on('end', () => signal.removeEventListener('abort', destroy));
  // A lost connection fails the query that is running; without a listener it would end the process.
  connection.on('error', () => undefined);
  try {
    for (const statement of session) await connection.query(statement);
  } catch (error) {
    connection.destroy();
    throw connectFailure(error, { host, port, username });
  }
  return connection;
};

/** Does something with a connection and closes it. */
export const withConnection = async <T>(
  account: Account,
  signal: AbortSignal,
  work: (connection: Connection) => Promise<T>,
): Promise<T> => {
  const connection = await connect(account, signal);
  try {
    return await work(connection);
  } finally {
    connection.destroy();
  }
};

/** The number of an error of the server. */
export const serverError = (error: unknown): number | undefined => {
  if (typeof error !== 'object' || error === null || !('errno' in error)) return undefined;
  return typeof error.errno === 'number' && error.errno > 0 ? error.errno : undefined;
};

/** The server's words for an error, without the statement and the connection that the driver adds. */
export const serverMessage = (error: unknown): string => {
  if (typeof error === 'object' && error !== null && 'sqlMessage' in error && typeof error.sqlMessage === 'string') {
    return error.sqlMessage;
  }
  return error instanceof Error ? error.message : String(error);
};

// 1045, 1698: password; 1044: database; 1130: host; 1820, 1862, 4151: expired or locked; 1251, 1524: way of authentication.
const denied = new Set([1044, 1045, 1130, 1251, 1524, 1698, 1820, 1862, 4151]);

const connectFailure = (error: unknown, { host, port, username }: Omit<Account, 'password'>): RunError => {
  const words = serverMessage(error).replaceAll(/\s+/g, ' ');
  if (denied.has(serverError(error) ?? 0)) {
    const detail = `The server ${host}:${port} refused the account "${username}": ${words}.`;
    return new RunError('AccessDenied', detail, { cause: error });
  }
  const code = errorCode(error);
  return new RunError(
    'SourceUnreachable',
    `The server ${host}:${port} does not answer${code === undefined ? '' : ` (${code})`}: ${words}.`,
    { cause: error },
  );
};
