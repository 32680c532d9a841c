import type { IncomingMessage } from 'node:http';
import { buffer, json } from 'node:stream/consumers';
import { decode, decodeMultiStream } from '@msgpack/msgpack';
import { z } from 'zod';
import { RunError } from '../../../errors/run-error.ts';
import { errorCode } from '../../disk.ts';
import { ask, versionAt } from './http.ts';

/** How long a sign of life is waited for, and the answer to a small question of a server that is busy. */
const pingMs = 10_000;
const answerMs = 60_000;

const series = z.object({
  name: z.string().default(''),
  tags: z.record(z.string(), z.string()).default({}),
  columns: z.array(z.string()),
  // Up to ten thousand rows: their values are looked at where they are used.
  values: z.custom<unknown[][]>((value) => Array.isArray(value)).default([]),
});

const answer = z.object({
  error: z.string().optional(),
  results: z
    .array(
      z.object({
        series: z.array(series).default([]),
        /** Whether more of the same statement follows. */
        partial: z.boolean().default(false),
        error: z.string().optional(),
      }),
    )
    .default([]),
});
type Answer = z.output<typeof answer>;

/** Rows of one series; a long series comes in several parts. */
export type SeriesPart = z.output<typeof series>;

/** An error that the server answered a statement with. */
export class StatementError extends Error {
  override readonly name = 'StatementError';
}

/** Where the HTTP API is and who asks; without an account, the server must ask for none. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly account?: { readonly username: string; readonly password: string } | undefined;
}

/** The HTTP API of an InfluxDB 1.x server. @throws RunError SourceUnreachable, AccessDenied, PrivilegeMissing; StatementError */
export interface InfluxServer {
  /** As the server calls itself. */
  version(signal: AbortSignal): Promise<string>;
  /** The answer to a small statement, a series after another. */
  show(statement: string, signal: AbortSignal): Promise<SeriesPart[]>;
  /**
   * The answer to a statement of any size, as it comes. It throws when the answer stops before its end.
   * @param database the one that a statement means which names none
   */
  select(statement: string, signal: AbortSignal, database?: string): AsyncGenerator<SeriesPart>;
}

export const createServer = ({ host, port, account }: ServerOptions): InfluxServer => {
  const address = `${host}:${port}`;
  const who = account === undefined ? 'nobody, since no credentialsSecretRef is set' : `"${account.username}"`;
  // An account goes to the server that the policy names, and nowhere else.
  const headers: Record<string, string> =
    account === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}` };

  const unreachable = (error: unknown): RunError => {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const code = errorCode(cause);
    const words = cause instanceof Error ? cause.message : String(cause);
    return new RunError(
      'SourceUnreachable',
      `The InfluxDB server's HTTP API at ${address} does not answer${code === undefined ? '' : ` (${code})`}: ${words}.`,
      { cause: error },
    );
  };

  /** Turns whatever breaks on the way into SourceUnreachable, but for the end of the run. */
  const reached = async <T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof RunError || error instanceof StatementError ? error : unreachable(error);
    }
  };

  const query = (statement: string, signal: AbortSignal, parameters: Record<string, string>, accept: string) => {
    const form = new URLSearchParams({ q: statement, epoch: 'ns', ...parameters });
    return ask({ host, port, path: '/query', headers: { ...headers, accept }, form }, signal);
  };

  const refuse = async (response: IncomingMessage): Promise<void> => {
    const { statusCode: status = 0 } = response;
    if (status >= 200 && status < 300) return;
    const body = answer.safeParse(await bodyOf(response).catch(() => undefined));
    if (status >= 300 && status < 400) throw new Error(`it sends to another server (HTTP status ${status})`);
    const words = (body.success ? body.data.error : undefined) ?? `HTTP status ${status}`;
    if (status === 401 || /create admin user first/.test(words)) {
      throw new RunError('AccessDenied', `The server ${address} refused ${who}: ${words}.`);
    }
    if (status === 403) {
      throw new RunError('PrivilegeMissing', `The server ${address} refused a question of ${who}: ${words}.`);
    }
    throw new StatementError(words);
  };

  return {
    version: (signal) =>
      reached(async () => {
        const inTime = AbortSignal.any([signal, AbortSignal.timeout(pingMs)]);
        const version = await versionAt({ host, port, headers }, inTime);
        if (/^v?1\./.test(version)) return version;
        const found = version === '' ? 'no InfluxDB answers there' : `version ${version} answers there`;
        throw new RunError('SourceUnreachable', `InfluxDB 1.x was expected at ${address}, but ${found}.`);
      }, signal),
    show: (statement, signal) =>
      reached(async () => {
        const inTime = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
        const response = await query(statement, inTime, {}, 'application/json');
        await refuse(response);
        return seriesOf(answer.parse(await json(response)));
      }, signal),
    async *select(statement, signal, database) {
      const parameters = { chunked: 'true', ...(database !== undefined && { db: database }) };
      const response = await reached(() => query(statement, signal, parameters, 'application/x-msgpack'), signal);
      try {
        await reached(() => refuse(response), signal);
        if (!isMessagePack(response)) {
          throw new StatementError('the server does not answer in MessagePack, as it does from version 1.4 on');
        }
        // 64-bit numbers as they are: a JavaScript number would round them.
        const messages = decodeMultiStream<undefined>(response, { useBigInt64: true });
        let ended = false;
        for (;;) {
          const next = await reached(() => messages.next(), signal);
          if (next.done === true) break;
          const message = answer.parse(next.value);
          ended = message.results.every(({ partial }) => !partial);
          yield* seriesOf(message);
        }
        if (!ended) throw new RunError('SourceUnreachable', `The server ${address} ended an answer before its end.`);
      } finally {
        response.destroy();
      }
    },
  };
};

const isMessagePack = ({ headers }: IncomingMessage): boolean => headers['content-type'] === 'application/x-msgpack';

/** An error is answered in the form that was asked for. */
const bodyOf = async (response: IncomingMessage): Promise<unknown> =>
  isMessagePack(response) ? decode(await buffer(response)) : json(response);

const seriesOf = ({ error, results }: Answer): SeriesPart[] => {
  const words = error ?? results.find((result) => result.error !== undefined)?.error;
  if (words !== undefined) throw new StatementError(words);
  return results.flatMap(({ series }) => series);
};

/** The answer to a question that the server may refuse; then it is as if it had answered otherwise. */
export const unlessRefused = async <T, U>(answer: Promise<T>, otherwise: U): Promise<T | U> => {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof StatementError) return otherwise;
    throw error;
  }
};

/** The rows of all series, a value by the name of its column. */
export const rowsOf = (parts: readonly SeriesPart[]): Record<string, unknown>[] =>
  parts.flatMap(({ columns, values }) =>
    values.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]]))),
  );

/** `influxdb 1.6.7` of what a server calls itself: `1.6.7~rc0`, `v1.8.10`. */
export const serverName = (version: string): string => `influxdb ${/\d+(?:\.\d+)*/.exec(version)?.[0] ?? version}`;
