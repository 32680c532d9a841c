import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { ApiError, isConflict, isExpired, isNotFound, TransportError } from '../../../src/kube/errors.ts';
import { failureOf, sendJson, startApiServer, statusBody, type ApiServer } from './api-server.ts';

let server: ApiServer;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-client-'));
});

afterEach(async () => {
  jest.useRealTimers();
  await server.stop();
  await rm(directory, { recursive: true });
});

const get = (path = '/api/v1/x') => server.client.request({ method: 'GET', path, timeLimitMs: 5000 });
const patch = () => server.client.request({ method: 'PATCH', path: '/api/v1/x', body: { a: 'ä' }, timeLimitMs: 5000 });

test('sends JSON below the server prefix and keeps the connection', async () => {
  server = await startApiServer((_request, response) => sendJson(response, 200, { ok: 'ä' }));
  expect(await get('/api/v1/x')).toEqual({ ok: 'ä' });
  expect(await patch()).toEqual({ ok: 'ä' });
  expect(server.requests.map(({ url }) => url)).toEqual(['/prefix/api/v1/x', '/prefix/api/v1/x']);
  expect(server.requests[1]?.headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '10' });
  expect(server.connections()).toBe(1);
});

test.each([
  { code: 404, reason: 'NotFound', is: isNotFound },
  { code: 409, reason: 'Conflict', is: isConflict },
  { code: 410, reason: 'Expired', is: isExpired },
])('$code $reason is an ApiError with what the server said', async ({ code, reason, is }) => {
  server = await startApiServer((_request, response) => sendJson(response, code, statusBody(code, reason)));
  const error = await failureOf(get());
  expect(is(error)).toBe(true);
  expect(error).toMatchObject({ code, reason, serverMessage: 'said no' });
  expect(String(error)).toContain('GET /api/v1/x');
});

test('an answer that is no Status is an ApiError all the same', async () => {
  server = await startApiServer((_request, response) => response.writeHead(502).end('<html>bad gateway'));
  expect(await failureOf(get())).toMatchObject({ code: 502, reason: '', serverMessage: '<html>bad gateway' });
});

test('a success that is not JSON is an error', async () => {
  server = await startApiServer((_request, response) => response.writeHead(200).end('{"cut": '));
  expect(await failureOf(get())).toMatchObject({ name: 'TransportError', code: 'BadAnswer' });
});

test.each(['GET', 'PATCH'])('429 is waited out as Retry-After says, also for %s', async (method) => {
  server = await startApiServer((_request, response, count) =>
    count === 1
      ? sendJson(response, 429, statusBody(429, 'TooManyRequests'), { 'retry-after': '1' })
      : sendJson(response, 200, {}),
  );
  const startMs = performance.now();
  await (method === 'GET' ? get() : patch());
  expect(server.requests).toHaveLength(2);
  expect(performance.now() - startMs).toBeGreaterThan(900);
});

test('a Retry-After beyond the time limit ends with the limit', async () => {
  server = await startApiServer((_request, response) =>
    sendJson(response, 429, statusBody(429, 'TooManyRequests'), { 'retry-after': '3600' }),
  );
  const error = await failureOf(server.client.request({ method: 'GET', path: '/x', timeLimitMs: 300 }));
  expect(error).toMatchObject({ name: 'TransportError', code: 'TimeLimit' });
  expect(server.requests).toHaveLength(1);
});

test('a server that asks for an hour stops everybody for a minute', async () => {
  const pauses: number[] = [];
  const limiter = { acquire: () => Promise.resolve(() => {}), pause: (ms: number) => void pauses.push(ms) };
  server = await startApiServer(
    (_request, response, count) =>
      count === 1
        ? sendJson(response, 429, statusBody(429, 'TooManyRequests'), { 'retry-after': '3600' })
        : sendJson(response, 200, {}),
    { limiter },
  );
  await get();
  expect(pauses).toEqual([60_000]);
});

test('503 is repeated for reads only: a write may have happened', async () => {
  server = await startApiServer((_request, response, count) =>
    count % 2 === 1
      ? sendJson(response, 503, statusBody(503, 'ServiceUnavailable'), { 'retry-after': '0' })
      : sendJson(response, 200, {}),
  );
  await get();
  expect(server.requests).toHaveLength(2);
  expect(await failureOf(patch())).toBeInstanceOf(ApiError);
  expect(server.requests).toHaveLength(3);
});

test('a server that never answers is given up after the time limit', async () => {
  server = await startApiServer(() => {});
  const error = await failureOf(server.client.request({ method: 'GET', path: '/x', timeLimitMs: 200 }));
  expect(error).toMatchObject({ code: 'TimeLimit' });
});

test('an answer that stops in the middle is given up after the time limit', async () => {
  server = await startApiServer((_request, response) => response.writeHead(200).write('{"a":'));
  const error = await failureOf(server.client.request({ method: 'GET', path: '/x', timeLimitMs: 200 }));
  expect(error).toMatchObject({ code: 'TimeLimit' });
});

test('an answer cut off is an error and not a short answer', async () => {
  server = await startApiServer((_request, response) => {
    response.writeHead(200, { 'transfer-encoding': 'chunked' }).write('{}');
    setImmediate(() => response.destroy());
  });
  expect(await failureOf(get())).toBeInstanceOf(TransportError);
});

test('aborting rejects with the reason and closes the connection', async () => {
  server = await startApiServer(() => {});
  const stop = new AbortController();
  const request = server.client.request({ method: 'GET', path: '/x', signal: stop.signal });
  while (server.requests.length === 0) await new Promise(setImmediate);
  stop.abort(new Error('enough'));
  expect(await failureOf(request)).toMatchObject({ message: 'enough' });
  while ((await server.open()) > 0) await new Promise(setImmediate);
});

test('a kept connection that died meanwhile costs a read nothing', async () => {
  server = await startApiServer((request, response) => {
    // Not announced: the client believes the connection to be alive.
    response.once('finish', () => setTimeout(() => request.socket.resetAndDestroy(), 1));
    sendJson(response, 200, {});
  });
  await get();
  await get();
  await get();
  expect(server.requests).toHaveLength(3);
});

test('a write on a kept connection that dies is not sent again: it may have been carried out', async () => {
  server = await startApiServer((request, response) => {
    if (request.method === 'PATCH') request.socket.resetAndDestroy();
    else sendJson(response, 200, {});
  });
  await get();
  expect(await failureOf(patch())).toBeInstanceOf(TransportError);
  expect(server.requests).toHaveLength(2);
});

test('a refused connection names the request and the cause', async () => {
  server = await startApiServer(() => {});
  const { client } = server;
  await server.stop();
  const error = await failureOf(client.request({ method: 'GET', path: '/api/v1/x' }));
  expect(error).toMatchObject({ name: 'TransportError', code: 'ECONNREFUSED' });
  expect(String(error)).toContain('GET /api/v1/x');
});

test('a rotated token file takes effect, and its newline is not sent', async () => {
  const tokenFile = join(directory, 'token');
  await writeFile(tokenFile, 'first\n');
  server = await startApiServer((_request, response) => sendJson(response, 200, {}), {
    user: { authProvider: { name: 'tokenFile', config: { tokenFile } } },
  });
  await get();
  await writeFile(tokenFile, 'second\n');
  const now = Date.now();
  jest.spyOn(Date, 'now').mockReturnValue(now + 120_000);
  jest.useFakeTimers({
    now: now + 120_000,
    doNotFake: [
      'setTimeout',
      'setImmediate',
      'clearTimeout',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setInterval',
      'clearInterval',
      'clearImmediate',
      'hrtime',
    ],
  });
  await get();
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second']);
});

test('an exec plugin is run once for requests that start together', async () => {
  const runs = join(directory, 'runs');
  const plugin = join(directory, 'plugin.mjs');
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'from-exec' },
  };
  await writeFile(
    plugin,
    `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(runs)}, 'x'); console.log(${JSON.stringify(JSON.stringify(credential))});`,
  );
  server = await startApiServer((_request, response) => sendJson(response, 200, {}), {
    user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [plugin] } },
  });
  await Promise.all([get(), get(), get()]);
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill('Bearer from-exec'));
  expect(await readFile(runs, 'utf8')).toBe('x');
});

test('a stream gives whole lines, however they arrive', async () => {
  const text = '{"a":"ä€"}\n\n{"b":2}\n{"cut';
  server = await startApiServer((_request, response) => {
    const bytes = Buffer.from(text);
    void (async () => {
      for (const byte of bytes) {
        response.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      response.end();
    })();
  });
  const lines = await server.client.stream({ path: '/x', signal: new AbortController().signal, idleLimitMs: 5000 });
  const seen: string[] = [];
  for await (const line of lines) seen.push(line);
  expect(seen).toEqual(['{"a":"ä€"}', '{"b":2}']);
});

test('a stream that falls silent is given up; one that speaks now and then is not', async () => {
  server = await startApiServer((_request, response) => {
    let said = 0;
    const timer = setInterval(() => {
      said += 1;
      response.write('{}\n');
      if (said === 6) clearInterval(timer);
    }, 100);
  });
  const stream = await server.client.stream({ path: '/x', signal: new AbortController().signal, idleLimitMs: 400 });
  let lines = 0;
  const read = async (): Promise<void> => {
    for await (const _ of stream) lines += 1;
  };
  expect(await failureOf(read())).toMatchObject({ code: 'TimeLimit' });
  expect(lines).toBe(6);
  while ((await server.open()) > 0) await new Promise(setImmediate);
});

test('leaving a stream closes its connection', async () => {
  server = await startApiServer((_request, response) => response.write('{}\n'));
  const stream = await server.client.stream({ path: '/x', signal: new AbortController().signal, idleLimitMs: 5000 });
  for await (const line of stream) {
    expect(line).toBe('{}');
    break;
  }
  while ((await server.open()) > 0) await new Promise(setImmediate);
});
