import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { createClient, type ClientOptions, type KubeClient } from '../../../src/kube/client.ts';
import { createTransport } from '../../../src/kube/transport.ts';

export type Handler = (request: http.IncomingMessage, response: http.ServerResponse, count: number) => void;

/** An HTTP server on loopback that answers as a test needs it, faults included, and a client of it. */
export interface ApiServer {
  readonly client: KubeClient;
  readonly requests: http.IncomingMessage[];
  /** Connections accepted so far. */
  connections(): number;
  /** Connections open now. */
  open(): Promise<number>;
  stop(): Promise<void>;
}

export interface ApiServerOptions extends Partial<ClientOptions> {
  readonly user?: object;
}

export async function startApiServer(
  handler: Handler,
  { user = {}, ...options }: ApiServerOptions = {},
): Promise<ApiServer> {
  const requests: http.IncomingMessage[] = [];
  let connections = 0;
  const server = http.createServer((request, response) => {
    requests.push(request);
    handler(request, response, requests.length);
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromOptions({
    clusters: [{ name: 'c', server: `http://127.0.0.1:${port}/prefix`, skipTLSVerify: true }],
    users: [{ name: 'u', ...user }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  const client = createClient({ transport: createTransport(kubeConfig), ...options });
  return {
    client,
    requests,
    connections: () => connections,
    open: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
    stop: async () => {
      client.close();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

export function sendJson(
  response: http.ServerResponse,
  status: number,
  body: unknown,
  headers: http.OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function statusBody(code: number, reason: string, message = 'said no') {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
}

/** What a promise was rejected with. @throws {Error} it was not */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const result = await work.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (result === undefined) throw new Error('nothing failed');
  return result.error;
}
