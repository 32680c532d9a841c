import { createConnection, type Connection } from 'mariadb';
import { RunError } from '../../../errors/run-error.ts';
import { errorCode } from '../../disk.ts';
import { driverTls, tlsFailure, type Tls } from './tls.ts';

export type { Connection } from 'mariadb';

const connectTimeoutMs = 10_000;

/** Where the server is and who asks. */
export type Account = NetworkAccount | SocketAccount;

/** A server on this machine that lets the account in without a password: the scratch server of a verification. */
export interface SocketAccount {
  readonly socket: string;
  readonly username: string;
}

export interface NetworkAccount {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** What the connection is verified with; missing for one that is not. */
  readonly tls?: Tls | undefined;
}

/** As mariadb-dump sets its session, so that both read the same: UTC, no modes, no limits. MySQL 8 would answer with old counters. */
const session = [
  "SET SESSION time_zone = '+00:00', sql_mode = '', sql_quote_show_create = 1 /*!80000 , information_schema_stats_expiry = 0 */",
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
];

/**
 * Opens a connection that is destroyed when the signal aborts.
 * @throws RunError SourceUnreachable, SourceNotTrusted, AccessDenied; SandboxUnavailable by a socket
 */
export const connect = async (account: Account, signal: AbortSignal): Promise<Connection> => {
  signal.throwIfAborted();
  let connection: Connection;
  try {
    connection = await createConnection({
      ...addressOf(account),
      user: account.username,
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
    throw connectFailure(error, account);
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
    throw connectFailure(error, account);
  }
  return connection;
};

const addressOf = (account: Account) => {
  if ('socket' in account) return { socketPath: account.socket };
  const { host, port, password, tls } = account;
  return { host, port, password, ...(tls !== undefined && { ssl: driverTls(tls, host) }) };
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

// 1045, 1698: password; 1044: database; 1130: host; 1820, 1862, 4151: expired or locked; 1251, 1524: way of authentication; 3159: without TLS.
const denied = new Set([1044, 1045, 1130, 1251, 1524, 1698, 1820, 1862, 3159, 4151]);
/** The driver's word for a password that is handed over on encrypted connections alone (caching_sha2_password). */
const needsTls = new Set(['ER_CANNOT_RETRIEVE_RSA_KEY', 'ER_CLEAR_PASSWORD_WITHOUT_SSL']);

const connectFailure = (error: unknown, account: Account): RunError => {
  const words = serverMessage(error).replaceAll(/\s+/g, ' ');
  const code = errorCode(error);
  if ('socket' in account) {
    const detail = `The scratch server does not let "${account.username}" in by its socket: ${words}.`;
    return new RunError('SandboxUnavailable', detail, { cause: error });
  }
  const { host, port, username } = account;
  const failure = code === undefined ? undefined : tlsFailure(code);
  if (failure !== undefined) {
    // OpenSSL's own words hold addresses of memory; its code says as much.
    const said = code?.startsWith('ERR_SSL_') === true ? code : words;
    const detail = `The server ${host}:${port} and this run do not come to trust each other: ${failure.words} (${said}).`;
    return new RunError(failure.reason, detail, { cause: error });
  }
  if (denied.has(serverError(error) ?? 0)) {
    const detail = `The server ${host}:${port} refused the account "${username}": ${words}.`;
    return new RunError('AccessDenied', detail, { cause: error });
  }
  if (code !== undefined && needsTls.has(code)) {
    const detail = `The server ${host}:${port} takes the password of "${username}" on an encrypted connection alone: set source.mysql.tls.`;
    return new RunError('AccessDenied', detail, { cause: error });
  }
  return new RunError(
    'SourceUnreachable',
    `The server ${host}:${port} does not answer${code === undefined ? '' : ` (${code})`}: ${words}.`,
    { cause: error },
  );
};
