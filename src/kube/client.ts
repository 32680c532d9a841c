import type { IncomingMessage } from 'node:http';
import { systemClock, type Clock } from './clock.ts';
import { isSuccess, parseAnswer, readAll, refusal } from './answer.ts';
import { createDeadline, type Deadline } from './deadline.ts';
import { ApiError, codeOf, isApiError, LeadershipLostError, messageOf, TransportError } from './errors.ts';
import type { WriteFence } from './fence.ts';
import { createLimiter, type RequestLimiter } from './limiter.ts';
import { splitLines } from './lines.ts';
import { noMetrics, type KubeMetrics } from './metrics.ts';
import { queryString, type Query } from './path.ts';
import { diedOnReuse, type Transport } from './transport.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface ApiRequest {
  readonly method: Method;
  /** From {@link resourcePath}, or any other path of the API server. */
  readonly path: string;
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default `application/json`; patches need theirs. */
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  /** The whole request, answer included, in milliseconds; default 30 s. */
  readonly timeLimitMs?: number;
}

export interface StreamRequest {
  readonly path: string;
  readonly query?: Query;
  readonly signal: AbortSignal;
  /** A stream silent for longer is taken for dead, in milliseconds. */
  readonly idleLimitMs: number;
}

/** JSON over the Kubernetes API. */
export interface KubeClient {
  /**
   * Sends a request and parses the answer. 429 is waited out as Retry-After says, inside the time limit.
   * @throws {ApiError} the server said no
   * @throws {TransportError} there was no complete answer; a write may have happened
   * @throws {LeadershipLostError} the fence is shut; nothing was sent
   */
  request(request: ApiRequest): Promise<unknown>;
  /**
   * Opens a stream of lines; leaving the loop closes the connection. Iterating throws like {@link request}, and the
   * signal's reason once it aborts.
   */
  stream(request: StreamRequest): Promise<AsyncGenerator<string, void, undefined>>;
  close(): void;
}

export interface ClientOptions {
  readonly transport: Transport;
  readonly clock?: Clock;
  readonly limiter?: RequestLimiter;
  readonly metrics?: KubeMetrics;
  readonly userAgent?: string;
  /** Asked before every write; without one, all may leave. */
  readonly fence?: WriteFence | undefined;
}

const defaultTimeLimitMs = 30_000;
const maxThrottledTries = 5;
/** When 429 comes without Retry-After. */
const defaultRetryAfterSeconds = 1;
/** A server that asks for an hour must not stop everything for one: after this it is asked again. */
const longestPauseSeconds = 60;

export function createClient(options: ClientOptions): KubeClient {
  const { transport, clock = systemClock, metrics = noMetrics, userAgent = 'holdfast', fence } = options;
  const limiter = options.limiter ?? createLimiter({ clock, perSecond: 300, burst: 600, parallel: 16 });

  const send = async (request: ApiRequest, deadline: Deadline): Promise<IncomingMessage> => {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const http = {
      method: request.method,
      path: `${request.path}${queryString(request.query)}`,
      headers: {
        accept: 'application/json',
        'user-agent': userAgent,
        ...(body === undefined ? {} : contentHeaders(body, request.contentType)),
      },
      body,
      signal: deadline.signal,
      ...(request.method === 'GET' ? {} : { guard: fence?.check }),
    };
    // Asked here too, at every try: no connection is opened, and no credential plugin run, for what may not leave.
    http.guard?.();
    return transport.send(http).catch((error: unknown) => {
      // Only reads are repeated here: a write is the caller's to look at again.
      if (request.method === 'GET' && diedOnReuse(error) && !deadline.signal.aborted) return transport.send(http);
      throw error;
    });
  };

  const once = async (request: ApiRequest, deadline: Deadline): Promise<unknown> => {
    const release = await limiter.acquire(deadline.signal);
    const startMs = clock.monotonicMs();
    const count = (code: string): void =>
      metrics.apiRequest(request.method, code, (clock.monotonicMs() - startMs) / 1000);
    try {
      const response = await send(request, deadline);
      const text = await readAll(response);
      count(String(response.statusCode));
      return parseAnswer(`${request.method} ${request.path}`, response, text);
    } catch (error) {
      if (!(error instanceof ApiError)) count(codeOf(error));
      throw error;
    } finally {
      release();
    }
  };

  const withRetries = async (request: ApiRequest, deadline: Deadline): Promise<unknown> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(request, deadline);
      } catch (error) {
        if (!isThrottled(request, error)) throw error;
        limiter.pause(pauseMsFor(error));
        if (attempt >= maxThrottledTries) throw error;
      }
    }
  };

  return {
    async request(request) {
      const deadline = createDeadline(clock, request.timeLimitMs ?? defaultTimeLimitMs, request.signal);
      try {
        return await withRetries(request, deadline);
      } catch (error) {
        throw describe(`${request.method} ${request.path}`, error, deadline, request.signal);
      } finally {
        deadline.dispose();
      }
    },

    async stream({ path, query, signal, idleLimitMs }) {
      const what = `WATCH ${path}`;
      const deadline = createDeadline(clock, idleLimitMs, signal);
      const request: ApiRequest = { method: 'GET', path, query: query ?? {} };
      const startMs = clock.monotonicMs();
      const count = (code: string): void => metrics.apiRequest('WATCH', code, (clock.monotonicMs() - startMs) / 1000);
      try {
        // A watch takes its turn to open, but no place while it is open.
        (await limiter.acquire(deadline.signal))();
        const response = await send(request, deadline);
        count(String(response.statusCode));
        if (!isSuccess(response)) {
          const error = refusal(what, response, await readAll(response));
          if (error.code === 429) limiter.pause(pauseMsFor(error));
          throw error;
        }
        return readLines(what, response, deadline, signal);
      } catch (error) {
        if (!(error instanceof ApiError)) count(codeOf(error));
        deadline.dispose();
        throw describe(what, error, deadline, signal);
      }
    },

    close: () => transport.close(),
  };
}

async function* readLines(
  what: string,
  response: IncomingMessage,
  deadline: Deadline,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  try {
    response.setEncoding('utf8');
    // Leaving this loop, however that happens, destroys the response.
    for await (const line of splitLines(response, () => deadline.extend())) yield line;
  } catch (error) {
    throw describe(what, error, deadline, signal);
  } finally {
    deadline.dispose();
  }
}

// Throttled requests were not carried out, so writes may be repeated too; 503 leaves that open for writes.
function isThrottled({ method }: ApiRequest, error: unknown): error is ApiError {
  if (isApiError(error, 429)) return true;
  return method === 'GET' && isApiError(error, 503) && error.retryAfterSeconds !== undefined;
}

function pauseMsFor({ retryAfterSeconds = defaultRetryAfterSeconds }: ApiError): number {
  return Math.min(retryAfterSeconds, longestPauseSeconds) * 1000;
}

function contentHeaders(body: string, contentType = 'application/json'): Record<string, string> {
  return { 'content-type': contentType, 'content-length': String(Buffer.byteLength(body)) };
}

function describe(what: string, error: unknown, deadline: Deadline, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (deadline.expired()) return new TransportError(what, 'TimeLimit', 'no answer within the time limit', error);
  if (error instanceof ApiError || error instanceof TransportError || error instanceof LeadershipLostError)
    return error;
  return new TransportError(what, codeOf(error), messageOf(error), error);
}
