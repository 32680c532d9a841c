import net from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { createClient, type Method } from '../../../src/kube/client.ts';
import { LeadershipLostError } from '../../../src/kube/errors.ts';
import { createEventRecorder } from '../../../src/kube/events.ts';
import type { WriteFence } from '../../../src/kube/fence.ts';
import { createLogger } from '../../../src/kube/logger.ts';
import { createTransport, type Transport } from '../../../src/kube/transport.ts';
import { failureOf, sendJson, startApiServer, statusBody, type ApiServerOptions, type Handler } from './api-server.ts';

const lost = new LeadershipLostError('x holds the lease');

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

const serve = async (handler: Handler, options: ApiServerOptions) => {
  const server = await startApiServer(handler, options);
  cleanups.push(() => server.stop());
  return server;
};

/** Shut once `isShut()`. */
const fenceOf = (isShut: () => boolean): WriteFence => ({
  check() {
    if (isShut()) throw lost;
  },
});
const shut = fenceOf(() => true);

test.each<{ method: Method; leaves: boolean }>([
  { method: 'GET', leaves: true },
  { method: 'POST', leaves: false },
  { method: 'PUT', leaves: false },
  { method: 'PATCH', leaves: false },
  { method: 'DELETE', leaves: false },
])('behind a shut fence $method leaves: $leaves', async ({ method, leaves }) => {
  const server = await serve((_request, response) => sendJson(response, 200, {}), { fence: shut });
  const request = server.client.request({ method, path: '/x', body: method === 'GET' ? undefined : {} });
  const refusal = await request.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refusal).toBe(leaves ? undefined : lost);
  expect([server.requests.length, server.connections()]).toEqual(leaves ? [1, 1] : [0, 0]);
});

test('an open fence lets writes through, over old and new connections', async () => {
  const server = await serve((_request, response) => sendJson(response, 200, {}), {
    fence: fenceOf(() => false),
  });
  for (let i = 0; i < 3; i += 1) await server.client.request({ method: 'PATCH', path: '/x', body: { a: 'ä' } });
  expect([server.requests.length, server.connections()]).toEqual([3, 1]);
});

test('it is asked again before each retry', async () => {
  let answered = 0;
  const server = await serve(
    (_request, response) => {
      answered += 1;
      sendJson(response, 429, statusBody(429, 'TooManyRequests'), { 'retry-after': '0' });
    },
    { fence: fenceOf(() => answered >= 2) },
  );
  const error = await failureOf(server.client.request({ method: 'PATCH', path: '/x', body: {} }));
  expect(error).toBe(lost);
  expect(server.requests).toHaveLength(2);
});

test('it is asked after the wait in the limiter', async () => {
  let isShut = false;
  const turn = Promise.withResolvers<void>();
  const server = await serve((_request, response) => sendJson(response, 200, {}), {
    fence: fenceOf(() => isShut),
    limiter: { acquire: () => turn.promise.then(() => () => {}), pause: () => {} },
  });
  const failure = failureOf(server.client.request({ method: 'PATCH', path: '/x', body: {} }));
  isShut = true;
  turn.resolve();
  expect(await failure).toBe(lost);
  expect(server.requests).toEqual([]);
});

test('it is asked before any transport is', async () => {
  let sent = 0;
  const transport: Transport = {
    send: () => {
      sent += 1;
      return Promise.reject(new Error('not to be sent'));
    },
    close: () => {},
  };
  const client = createClient({ transport, fence: shut });
  expect(await failureOf(client.request({ method: 'DELETE', path: '/x' }))).toBe(lost);
  expect(sent).toBe(0);
});

/** The way to a server that takes connections and says nothing: with https, the handshake never ends. */
const silentServer = async (scheme: 'http' | 'https') => {
  const received: Buffer[] = [];
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (chunk) => received.push(chunk)).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromOptions({
    clusters: [{ name: 'c', server: `${scheme}://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: 'u' }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  const transport = createTransport(kubeConfig);
  cleanups.push(async () => {
    transport.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { transport, received };
};

test('shut while the connection is being opened: not one byte of the write leaves', async () => {
  const { transport, received } = await silentServer('http');
  let isShut = false;
  let asked = 0;
  const fence: WriteFence = {
    check() {
      asked += 1;
      if (isShut) throw lost;
      // A connection takes longer than that.
      setImmediate(() => {
        isShut = true;
      });
    },
  };
  const client = createClient({ transport, fence });
  const error = await failureOf(client.request({ method: 'PATCH', path: '/x', body: {}, timeLimitMs: 5000 }));
  expect(error).toBe(lost);
  expect([asked, Buffer.concat(received).length]).toEqual([2, 0]);
});

test('with TLS it is asked when the handshake is done, and not before', async () => {
  const { transport } = await silentServer('https');
  let asked = 0;
  const fence: WriteFence = {
    check() {
      asked += 1;
    },
  };
  const client = createClient({ transport, fence });
  const error = await failureOf(client.request({ method: 'PATCH', path: '/x', body: {}, timeLimitMs: 300 }));
  expect(error).toMatchObject({ code: 'TimeLimit' });
  expect(asked).toBe(1);
});

test('Events that were recorded before the loss are not written after it', async () => {
  let isShut = false;
  const server = await serve(
    (_request, response) => {
      isShut = true;
      sendJson(response, 201, {});
    },
    { fence: fenceOf(() => isShut) },
  );
  const logger = createLogger({ level: 'silent' });
  const events = createEventRecorder({ client: server.client, logger, component: 'c', instance: 'i' });
  const subject = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'a', uid: 'u' };
  for (const reason of ['First', 'Second', 'Third']) events.record(subject, { type: 'Normal', reason, message: 'm' });
  await events.flush();
  expect(server.requests).toHaveLength(1);
});
