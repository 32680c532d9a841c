import { createServer as createHttpServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encode } from '@msgpack/msgpack';
import { createServer, StatementError, type SeriesPart } from '../../../../src/agent/engines/influxdb/server.ts';
import { RunError } from '../../../../src/errors/run-error.ts';

const signal = new AbortController().signal;
const account = { username: 'o"dd us:er', password: 'pässword' };

let http: Server | undefined;

/** A server that answers as a test says. */
const serve = async (answer: RequestListener) => {
  http = createHttpServer(answer);
  await new Promise<void>((resolve) => http?.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return createServer({ host: '127.0.0.1', port, account });
};

afterEach(async () => {
  http?.closeAllConnections();
  await new Promise((resolve) => (http === undefined ? resolve(undefined) : http.close(resolve)));
  http = undefined;
});

const all = async (parts: AsyncGenerator<SeriesPart>): Promise<SeriesPart[]> => {
  const found: SeriesPart[] = [];
  for await (const part of parts) found.push(part);
  return found;
};

const reasonOf = (error: unknown): unknown => {
  if (error instanceof RunError) return error.reason;
  return error instanceof StatementError ? `StatementError: ${error.message}` : error;
};

const message = (values: unknown[][], partial: boolean) => ({
  results: [{ statement_id: 0, series: [{ name: 'm', tags: { t: 'a' }, columns: ['time', 'v'], values }], partial }],
});

const msgpack = { 'content-type': 'application/x-msgpack' };

test('an answer in parts is read to its end, with 64-bit numbers as they are', async () => {
  const server = await serve((_request, reply) => {
    reply.writeHead(200, msgpack);
    reply.write(encode(message([[1n, 2n ** 63n - 1n]], true), { useBigInt64: true }));
    reply.end(encode(message([[2n, -5]], false), { useBigInt64: true }));
  });
  const parts = await all(server.select('SELECT', signal));
  expect(parts.flatMap(({ values }) => values)).toEqual([
    [1n, 2n ** 63n - 1n],
    [2n, -5],
  ]);
  expect(parts[0]?.tags).toEqual({ t: 'a' });
});

test.each([
  {
    reason: 'more was announced',
    body: encode(message([[1, 1]], true)),
    expected: 'SourceUnreachable',
  },
  { reason: 'nothing came at all', body: new Uint8Array(), expected: 'SourceUnreachable' },
  {
    reason: 'the last part is cut',
    body: encode(message([[1, 1]], false)).subarray(0, -5),
    expected: 'SourceUnreachable',
  },
  {
    reason: 'an error in the middle',
    body: Buffer.concat([
      encode(message([[1, 1]], true)),
      encode({ results: [{ statement_id: 0, error: 'timeout' }] }),
    ]),
    expected: 'StatementError: timeout',
  },
])('an answer that is not whole is no answer: $reason', async ({ body, expected }) => {
  const server = await serve((_request, reply) => void reply.writeHead(200, msgpack).end(body));
  await expect(all(server.select('SELECT', signal)).catch((error: unknown) => reasonOf(error))).resolves.toBe(expected);
});

test('an answer in another form than asked for is none', async () => {
  const server = await serve(
    (_request, reply) => void reply.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  );
  await expect(all(server.select('SELECT', signal))).rejects.toThrow('MessagePack');
});

test('the account goes to the server that was named, and to no other that it names', async () => {
  const asked: (string | undefined)[] = [];
  const server = await serve((request, reply) => {
    asked.push(request.headers.authorization);
    reply.writeHead(307, { location: '/elsewhere' }).end();
  });
  await expect(server.show('SHOW DATABASES', signal).catch((error: unknown) => reasonOf(error))).resolves.toBe(
    'SourceUnreachable',
  );
  expect(asked).toEqual([`Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`]);
});

test.each([
  { status: 401, body: '{"error":"authorization failed"}', expected: 'AccessDenied' },
  { status: 403, body: '{"error":"create admin user first or disable authentication"}', expected: 'AccessDenied' },
  { status: 403, body: '{"error":"reader not authorized, requires admin privilege"}', expected: 'PrivilegeMissing' },
  { status: 400, body: '{"error":"error parsing query"}', expected: 'StatementError: error parsing query' },
  { status: 200, body: '{"results":[{"error":"database not found"}]}', expected: 'StatementError: database not found' },
  { status: 502, body: '<html>', expected: 'StatementError: HTTP status 502' },
  { status: 200, body: '<html>', expected: 'SourceUnreachable' },
  { status: 200, body: '{"results":"none"}', expected: 'SourceUnreachable' },
])('a refusal is told by what was said: $status $body', async ({ status, body, expected }) => {
  const server = await serve((_request, reply) => void reply.writeHead(status).end(body));
  await expect(server.show('SHOW', signal).catch((error: unknown) => reasonOf(error))).resolves.toBe(expected);
});

test.each([
  { version: '1.6.7~rc0', expected: '1.6.7~rc0' },
  { version: 'v1.11.8', expected: 'v1.11.8' },
  { version: 'v2.7.6', expected: 'SourceUnreachable' },
  { version: undefined, expected: 'SourceUnreachable' },
])('a server of version $version', async ({ version, expected }) => {
  const server = await serve(
    (_request, reply) =>
      void reply.writeHead(204, version === undefined ? {} : { 'X-Influxdb-Version': version }).end(),
  );
  await expect(server.version(signal).catch((error: unknown) => reasonOf(error))).resolves.toBe(expected);
});

test.each([
  { when: 'before it answers', answer: (): void => undefined },
  {
    when: 'in the middle of its answer',
    answer: (reply: ServerResponse): void => {
      reply.writeHead(200, msgpack);
      reply.write(encode(message([[1, 1]], true)));
    },
  },
])('a server that falls silent $when is waited for until the run ends', async ({ answer }) => {
  const stop = new AbortController();
  const server = await serve((_request, reply) => {
    answer(reply);
    setTimeout(() => stop.abort(new Error('the run ends')), 50);
  });
  await expect(all(server.select('SELECT', stop.signal))).rejects.toThrow('the run ends');
});

test('a connection that breaks in the middle of an answer is no end', async () => {
  const server = await serve((_request, reply) => {
    reply.writeHead(200, msgpack);
    reply.write(encode(message([[1, 1]], true)), () => reply.destroy());
  });
  await expect(all(server.select('SELECT', signal)).catch((error: unknown) => reasonOf(error))).resolves.toBe(
    'SourceUnreachable',
  );
});
