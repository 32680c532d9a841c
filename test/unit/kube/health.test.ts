import { Registry } from 'prom-client';
import { collectProcessMetrics, startHealthServer, type HealthServer } from '../../../src/kube/health.ts';
import { createLogger } from '../../../src/kube/logger.ts';
import { createKubeMetrics } from '../../../src/kube/metrics.ts';

let server: HealthServer;
let ready = false;

beforeAll(async () => {
  const registry = new Registry();
  collectProcessMetrics(registry);
  const metrics = createKubeMetrics(registry);
  metrics.queueDepth('policies', 3);
  metrics.reconciled('policies', 'failed', 0.2);
  metrics.apiRequest('GET', '200', 0.01);
  metrics.watchEnded('configmaps', 'expired');
  metrics.stored('configmaps', 5);
  metrics.eventDropped('rateLimit');
  metrics.leading(true);
  server = await startHealthServer({
    port: 0,
    host: '127.0.0.1',
    registry,
    logger: createLogger({ level: 'silent' }),
    live: [{ name: 'loop', check: () => ({ ok: true, detail: 'last 1 s ago' }) }],
    ready: [
      { name: 'listed', check: () => ({ ok: true }) },
      { name: 'synced', check: () => ({ ok: ready, detail: 'widgets are missing' }) },
    ],
  });
});

afterAll(async () => {
  await server.close();
});

const get = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { connection: 'close' } });
  return { status: response.status, body: await response.text() };
};

test('/healthz says which loops are alive', async () => {
  expect(await get('/healthz')).toEqual({ status: 200, body: '[+] loop: last 1 s ago\n' });
});

test('/readyz fails by name until all hold', async () => {
  expect(await get('/readyz?verbose')).toEqual({ status: 503, body: '[+] listed\n[-] synced: widgets are missing\n' });
  ready = true;
  expect((await get('/readyz')).status).toBe(200);
});

test('anything else is not there', async () => {
  expect((await get('/')).status).toBe(404);
});

test.each([
  'holdfast_queue_depth{controller="policies"} 3',
  'holdfast_reconcile_duration_seconds_count{controller="policies",outcome="failed"} 1',
  'holdfast_api_requests_total{verb="GET",code="200"} 1',
  'holdfast_watch_ends_total{resource="configmaps",reason="expired"} 1',
  'holdfast_cached_objects{resource="configmaps"} 5',
  'holdfast_events_dropped_total{reason="rateLimit"} 1',
  'holdfast_leader 1',
  'nodejs_eventloop_lag_p99_seconds',
])('/metrics has %s', async (line) => {
  expect((await get('/metrics')).body).toContain(line);
});

test('every metric of ours has a help text', async () => {
  const { body } = await get('/metrics');
  const names = [...body.matchAll(/^# TYPE (holdfast_\w+)/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) expect(body).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
});
