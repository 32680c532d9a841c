import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';
import { isRecord } from './types.ts';

export interface HttpRequest {
  readonly method: string;
  /** Path and query, below the server's own path prefix if it has one. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
  /** Called when the connection stands, right before the first byte leaves; when it throws, nothing leaves. */
  readonly guard?: (() => void) | undefined;
}

/** Sends one HTTP request and hands back the answer's head; the caller reads or destroys the body. */
export interface Transport {
  send(request: HttpRequest): Promise<http.IncomingMessage>;
  /** Closes the idle connections. */
  close(): void;
}

// Below the API server's own idle limit (90 s): this side closes first, so a request rarely meets a dying connection.
const idleSocketMs = 60_000;
// A peer that vanished without a word is noticed by TCP itself after this and some probes.
const tcpKeepAliveMs = 30_000;

/**
 * HTTP/1.1 with keep-alive over a kubeconfig: client certificates, bearer tokens, exec plugins, token files, proxies.
 *
 * Credentials are asked for at each request, so that rotated tokens and certificates take effect; node's agent keeps
 * connections apart by the TLS material they were opened with. It is node:https and not `fetch`, because fetch takes
 * neither an https.Agent nor client certificates without a dispatcher from the very version of undici inside Node.
 */
export function createTransport(kubeConfig: KubeConfig): Transport {
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) throw new Error('The kubeconfig has no current cluster: set current-context, or KUBECONFIG');
  const server = new URL(cluster.server);
  const prefix = server.pathname.replace(/\/+$/, '');
  const secure = server.protocol === 'https:';
  const agentOptions = { keepAlive: true, keepAliveMsecs: tcpKeepAliveMs, timeout: idleSocketMs };
  const agent = secure ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  const credentials = singleFlight(async () => {
    const options: https.RequestOptions = {};
    await kubeConfig.applyToHTTPSOptions(options);
    return options;
  });

  return {
    async send({ method, path, headers, body, signal, guard }) {
      const options = await credentials();
      signal.throwIfAborted();
      const request = (secure ? https : http).request({
        ...options,
        ...(cluster.proxyUrl === undefined ? { agent } : {}),
        protocol: server.protocol,
        hostname: server.hostname.replace(/^\[|\]$/g, ''),
        port: server.port === '' ? undefined : server.port,
        method,
        path: `${prefix}${path}`,
        headers: { ...trimmedHeaders(options.headers), ...headers },
        signal,
      });
      return new Promise((resolve, reject) => {
        request.once('socket', (socket) => socket.setKeepAlive(true, tcpKeepAliveMs));
        request.once('response', resolve);
        // Stays for the request's whole life: an 'error' without a listener would end the process.
        request.on('error', (error) => reject(withReuse(error, request.reusedSocket)));
        if (guard === undefined) request.end(body);
        else request.once('socket', (socket) => whenConnected(socket, () => endGuarded(request, body, guard)));
      });
    },
    close: () => agent.destroy(),
  };
}

// Synchronous from the guard to the write: no event comes between them.
function endGuarded(request: http.ClientRequest, body: string | undefined, guard: () => void): void {
  if (request.destroyed) return;
  try {
    guard();
  } catch (error) {
    request.destroy(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  request.end(body);
}

// Opening a connection takes turns of the event loop, during which what was allowed may cease to be.
function whenConnected(socket: Socket, go: () => void): void {
  if (socket instanceof TLSSocket && Reflect.get(socket, 'secureConnecting') === true) socket.once('secureConnect', go);
  else if (socket.connecting) socket.once('connect', go);
  else go();
}

/** Whether a request failed because the kept-alive connection it was given had died: a read may simply be sent again. */
export function diedOnReuse(error: unknown): boolean {
  return isRecord(error) && error['reusedSocket'] === true;
}

function withReuse(error: Error, reusedSocket: boolean): Error {
  return Object.assign(error, { reusedSocket });
}

// A token file usually ends in a newline, which node refuses in a header.
function trimmedHeaders(headers: https.RequestOptions['headers']): http.OutgoingHttpHeaders {
  if (headers === undefined || Array.isArray(headers)) return {};
  const trimmed = Object.entries(headers).map(([name, value]) => [
    name,
    typeof value === 'string' ? value.trim() : value,
  ]);
  return Object.fromEntries(trimmed);
}

// Without it, requests that start together would each run the exec plugin.
function singleFlight<T>(run: () => Promise<T>): () => Promise<T> {
  let flight: Promise<T> | undefined;
  return () => {
    flight ??= run().finally(() => {
      flight = undefined;
    });
    return flight;
  };
}
