import http from 'node:http';
import { collectDefaultMetrics, type Registry } from 'prom-client';
import type { Logger } from './logger.ts';

/** One thing that must hold; `detail` says what does not. */
export interface HealthCheck {
  readonly name: string;
  check(): { readonly ok: boolean; readonly detail?: string };
}

export interface HealthServerOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** Default: all addresses, since the kubelet asks from outside the pod. */
  readonly host?: string;
  /** `/healthz`: this process works. Not that the API server does: a restart would not help. */
  readonly live: readonly HealthCheck[];
  /** `/readyz`: the caches are filled. */
  readonly ready: readonly HealthCheck[];
  /** `/metrics`. */
  readonly registry: Registry;
  readonly logger: Logger;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Event-loop lag, memory, garbage collection, handles. Once a registry. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}

/** Serves /healthz, /readyz and /metrics over plain HTTP. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { port, host, registry, logger } = options;
  const server = http.createServer((request, response) => {
    answer(options, request).then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      (error: unknown) => {
        logger.error({ err: error, url: request.url }, 'a health request failed');
        response.writeHead(500).end();
      },
    );
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, resolve);
  });
  server.on('error', (error) => logger.error({ err: error }, 'the health server failed'));
  const address = server.address();
  logger.debug({ address, contentType: registry.contentType }, 'health server listens');
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function answer({ live, ready, registry }: HealthServerOptions, request: http.IncomingMessage): Promise<Answer> {
  const path = (request.url ?? '').split('?', 1)[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'GET only\n');
  if (path === '/healthz') return report(live);
  if (path === '/readyz') return report(ready);
  if (path === '/metrics') return { status: 200, type: registry.contentType, body: await registry.metrics() };
  return text(404, 'there are /healthz, /readyz and /metrics\n');
}

function report(checks: readonly HealthCheck[]): Answer {
  const results = checks.map(({ name, check }) => ({ name, ...check() }));
  const lines = results.map(
    ({ name, ok, detail }) => `[${ok ? '+' : '-'}] ${name}${detail === undefined ? '' : `: ${detail}`}`,
  );
  return text(results.every(({ ok }) => ok) ? 200 : 503, `${lines.join('\n')}\n`);
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body };
}
