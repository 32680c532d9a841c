import type http from 'node:http';
import { createLogger } from '../../../src/kube/logger.ts';
import { createReflector, type ReflectorTuning } from '../../../src/kube/reflector.ts';
import { sendJson, startApiServer, statusBody, type ApiServer } from './api-server.ts';

// What a real API server does not do when asked; the rest is tested against one, in test/integration.
let server: ApiServer;
let stop: AbortController;
let running: Promise<void>;

afterEach(async () => {
  stop.abort();
  await running;
  await server.stop();
});

const type = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };
const object = (name: string, version: number) => ({
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name, uid: name, resourceVersion: String(version) },
});
const event = (kind: string, body: unknown) => `${JSON.stringify({ type: kind, object: body })}\n`;

interface Script {
  readonly lists: readonly ((response: http.ServerResponse) => void)[];
  readonly watches: readonly ((response: http.ServerResponse) => void)[];
}

/** Answers each list and each watch with the next part of the script; the last part stays. */
async function follow({ lists, watches }: Script, tuning: Partial<ReflectorTuning> = {}) {
  const queries: URLSearchParams[] = [];
  const counts = { list: 0, watch: 0 };
  server = await startApiServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://x').searchParams;
    queries.push(query);
    const part = query.get('watch') === 'true' ? 'watch' : 'list';
    const script = part === 'watch' ? watches : lists;
    script[Math.min(counts[part], script.length - 1)]?.(response);
    counts[part] += 1;
  });
  const reflector = createReflector({
    client: server.client,
    type,
    project: (raw) => raw,
    logger: createLogger({ level: 'silent' }),
    tuning: { backoffBaseMs: 20, backoffCapMs: 100, ...tuning },
  });
  stop = new AbortController();
  running = reflector.run(stop.signal);
  return { reflector, queries, counts };
}

const listOf =
  (version: number, ...items: object[]) =>
  (response: http.ServerResponse) =>
    sendJson(response, 200, {
      kind: 'ConfigMapList',
      apiVersion: 'v1',
      metadata: { resourceVersion: String(version) },
      items,
    });
const refuse = (code: number, reason: string) => (response: http.ServerResponse) =>
  sendJson(response, code, statusBody(code, reason));
const say =
  (...events: string[]) =>
  (response: http.ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const line of events) response.write(line);
  };

async function eventually(holds: () => boolean): Promise<void> {
  const endMs = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > endMs) throw new Error(`not in time: ${holds}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

test('asks for pages of 500, for bookmarks, and for a watch of 5 to 10 minutes', async () => {
  const { reflector, queries } = await follow({ lists: [listOf(7)], watches: [say()] });
  await reflector.synced;
  await eventually(() => queries.length === 2);
  expect(queries[0]?.get('limit')).toBe('500');
  expect(queries[1]?.get('allowWatchBookmarks')).toBe('true');
  expect(queries[1]?.get('resourceVersion')).toBe('7');
  expect(Number(queries[1]?.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
  expect(Number(queries[1]?.get('timeoutSeconds'))).toBeLessThanOrEqual(600);
});

test('a bookmark moves the start of the next watch on', async () => {
  const bookmark = event('BOOKMARK', { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: '90' } });
  const { queries, counts } = await follow({
    lists: [listOf(7)],
    watches: [(response) => void (say(bookmark)(response), response.end()), say()],
  });
  await eventually(() => counts.watch === 2);
  expect(queries.at(-1)?.get('resourceVersion')).toBe('90');
  expect(counts.list).toBe(1);
});

test.each([
  { name: 'as HTTP status', gone: refuse(410, 'Expired') },
  { name: 'as an event', gone: say(event('ERROR', statusBody(410, 'Expired'))) },
])('410 $name: lists anew', async ({ gone }) => {
  const { reflector, counts } = await follow({
    lists: [listOf(7, object('a', 1)), listOf(50, object('b', 40))],
    watches: [gone, say()],
  });
  await eventually(() => counts.watch === 2);
  expect(reflector.store.keys()).toEqual(['b']);
  expect(counts.list).toBe(2);
});

test('a snapshot forgotten between two pages: the whole is asked for in one piece', async () => {
  const firstPage = (response: http.ServerResponse) =>
    sendJson(response, 200, { metadata: { resourceVersion: '7', continue: 'next' }, items: [object('a', 1)] });
  const { reflector, queries } = await follow({
    lists: [firstPage, refuse(410, 'Expired'), listOf(9, object('a', 1), object('b', 2))],
    watches: [say()],
  });
  await reflector.synced;
  expect(reflector.store.keys()).toEqual(['a', 'b']);
  expect(queries.slice(0, 3).map((query) => [query.get('limit'), query.get('continue')])).toEqual([
    ['500', null],
    ['500', 'next'],
    [null, null],
  ]);
});

test('a watch that goes silent is opened anew from where it was', async () => {
  const { reflector, queries, counts } = await follow(
    {
      lists: [listOf(7), listOf(8)],
      watches: [say(event('ADDED', object('a', 8))), say(event('ADDED', object('b', 9)))],
    },
    { idleLimitMs: 200 },
  );
  await eventually(() => reflector.store.size === 2);
  const watched = queries.filter((query) => query.get('watch') === 'true').map((query) => query.get('resourceVersion'));
  expect(watched.slice(0, 2)).toEqual(['7', '8']);
  expect(counts.watch).toBeGreaterThanOrEqual(2);
});

test('a server that ends each watch at once is not flooded', async () => {
  const { counts } = await follow(
    {
      lists: [listOf(7)],
      watches: [(response) => void (say()(response), response.end())],
    },
    { backoffBaseMs: 100, backoffCapMs: 1000 },
  );
  await new Promise((resolve) => {
    setTimeout(resolve, 1000);
  });
  expect(counts.watch).toBeGreaterThan(1);
  expect(counts.watch).toBeLessThan(8);
});

test('an event that is not JSON, and a server that fails for a while, end in the right state', async () => {
  const { reflector, counts } = await follow({
    lists: [refuse(500, 'InternalError'), refuse(403, 'Forbidden'), listOf(7, object('a', 1)), listOf(9)],
    watches: [
      say('{nonsense\n'),
      refuse(500, 'InternalError'),
      say(event('ERROR', statusBody(500, 'InternalError'))),
      say(event('ADDED', object('b', 8))),
    ],
  });
  await eventually(() => reflector.store.size === 2);
  expect(counts.watch).toBe(4);
});

test('an event seen twice is told once; the deletion of a former namesake deletes nothing', async () => {
  const { reflector } = await follow({
    lists: [listOf(7, object('a', 1))],
    watches: [
      say(
        event('ADDED', object('a', 1)),
        event('DELETED', { ...object('a', 8), metadata: { name: 'a', uid: 'former', resourceVersion: '8' } }),
        event('MODIFIED', object('a', 9)),
      ),
    ],
  });
  const events: string[] = [];
  reflector.onEvent(({ type: change, key }) => events.push(`${change} ${key}`));
  await eventually(() => events.length === 2);
  expect(events).toEqual(['added a', 'modified a']);
});

test('a lost event is healed by the next full list', async () => {
  const { reflector } = await follow(
    {
      lists: [listOf(7, object('a', 1)), listOf(20, object('b', 15))],
      watches: [
        (response) => {
          say()(response);
          setTimeout(() => response.end(), 1200).unref();
        },
      ],
    },
    { relistMs: 1000 },
  );
  await eventually(() => reflector.store.keys()[0] === 'b');
  expect(reflector.store.keys()).toEqual(['b']);
});

test('a namesake found by a new list is another object: deleted and added, not modified', async () => {
  const reborn = { ...object('a', 40), metadata: { name: 'a', uid: 'other', resourceVersion: '40' } };
  const { reflector } = await follow({
    lists: [listOf(7, object('a', 1)), listOf(50, reborn)],
    watches: [refuse(410, 'Expired'), say()],
  });
  const events: unknown[] = [];
  reflector.onEvent(({ type: change, object: { metadata } }) => events.push([change, metadata.uid]));
  await eventually(() => events.length === 3);
  expect(events).toEqual([
    ['added', 'a'],
    ['deleted', 'a'],
    ['added', 'other'],
  ]);
});

test('a handler that comes late hears of what is there already', async () => {
  const { reflector } = await follow({ lists: [listOf(7, object('a', 1), object('b', 2))], watches: [say()] });
  await reflector.synced;
  const events: string[] = [];
  reflector.onEvent(({ type: change, key }) => events.push(`${change} ${key}`));
  expect(events).toEqual(['added a', 'added b']);
});

describe('what a write of our own was answered', () => {
  const names = ({ reflector }: Awaited<ReturnType<typeof follow>>) => {
    const seen: string[] = [];
    reflector.onEvent(({ type: what, object: { metadata } }) => {
      seen.push(`${what} ${metadata.name} ${metadata.resourceVersion}`);
    });
    return seen;
  };

  test('is known at once, and told once', async () => {
    let send: (line: string) => void = () => {};
    const watching = (response: http.ServerResponse): void => {
      say()(response);
      send = (line) => void response.write(line);
    };
    const followed = await follow({ lists: [listOf(7)], watches: [watching] });
    const seen = names(followed);
    await eventually(() => followed.counts.watch === 1);
    followed.reflector.remember(object('a', 9));
    expect(followed.reflector.store.keys()).toEqual(['a']);
    // What happened before it comes after it, and is passed over; then the watch tells of it.
    send(event('ADDED', object('a', 8)));
    send(event('MODIFIED', object('a', 9)));
    send(event('MODIFIED', object('a', 10)));
    await eventually(() => seen.length === 2);
    expect(seen).toEqual(['added a 9', 'modified a 10']);
  });

  test('is passed over when the watch has gone past it: what it made may be gone again', async () => {
    const followed = await follow({
      lists: [listOf(7)],
      watches: [say(event('ADDED', object('a', 9)), event('DELETED', object('a', 12)))],
    });
    const seen = names(followed);
    await eventually(() => seen.length === 2);
    followed.reflector.remember(object('a', 9));
    expect(followed.reflector.store.keys()).toEqual([]);
  });

  test('is known without an event when it is silent', async () => {
    const followed = await follow({ lists: [listOf(7, object('a', 5))], watches: [say()] });
    await eventually(() => followed.counts.watch === 1);
    const seen = names(followed);
    followed.reflector.remember(object('a', 9), { silent: true });
    expect(followed.reflector.store.entry('a')?.resourceVersion).toBe('9');
    expect(seen).toEqual(['added a 5']);
  });
});
