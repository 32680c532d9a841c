import {
  conditionOf,
  eventually,
  quietly,
  startOperatorCluster,
  type OperatorCluster,
} from '../../support/operator/cluster.ts';
import { policyManifest } from '../../support/operator/policies.ts';
import { startOperator, type RunningOperator } from '../../support/operator/operator.ts';

// Two operators as processes, of which one leads; the other takes over when the first is killed, told to go, or stopped.

let cluster: OperatorCluster;
const running: RunningOperator[] = [];

beforeAll(async () => {
  cluster = await startOperatorCluster();
  await cluster.namespace('holdfast');
}, 180_000);

afterEach(async () => {
  await Promise.all(running.splice(0).map((operator) => operator.stop('SIGKILL')));
});

afterAll(() => cluster?.stop());

/** An operator with a user of its own, so that the audit log tells who wrote. */
const start = async (
  user: string,
  lease: string,
  { seconds = 15, until = 'leading' }: { seconds?: number; until?: 'leading' | 'standby' } = {},
): Promise<RunningOperator> => {
  const operator = await startOperator({
    kubeconfig: await cluster.plane.kubeconfigFor(user, ['system:masters']),
    environment: {
      HOLDFAST_LEASE_NAMESPACE: 'holdfast',
      HOLDFAST_LEASE_NAME: lease,
      HOLDFAST_LEASE_SECONDS: String(seconds),
      HOLDFAST_INSTANCE: user,
    },
    until,
  });
  running.push(operator);
  return operator;
};

const isLeading = ({ log }: RunningOperator): boolean => log.some(({ msg }) => msg === 'leading: controllers start');

/** Seconds until it leads. */
const takeover = async (operator: RunningOperator, limitMs: number): Promise<number> => {
  const startMs = Date.now();
  await eventually('the other leads', async () => isLeading(operator), limitMs);
  return (Date.now() - startMs) / 1000;
};

const allReady = (namespace: string, count: number): Promise<true> =>
  eventually(
    `${count} policies in ${namespace} are Ready`,
    async () => {
      const policies = await cluster.list(namespace, 'bp');
      const ready = policies.filter((policy) => conditionOf(policy, 'Ready')?.['status'] === 'True');
      return ready.length === count;
    },
    40_000,
  );

const holder = async (lease: string): Promise<string> => {
  const { spec } = await cluster.get('lease', lease, '--namespace', 'holdfast');
  return String((spec as { holderIdentity?: string } | undefined)?.holderIdentity ?? '');
};

const page = async ({ url }: RunningOperator, path: string): Promise<string> => {
  const response = await fetch(`${url}${path}`);
  return `${response.status} ${await response.text()}`;
};

test('one leads, the other is ready and writes nothing; killed, the other finishes its work within 30 s', async () => {
  await cluster.namespace('killed');
  const first = await start('first', 'killed');
  const second = await start('second', 'killed', { until: 'standby' });
  await cluster.policy({ namespace: 'killed' });
  await allReady('killed', 1);

  expect(await holder('killed')).toMatch(/^first_[0-9a-f-]{36}$/);
  expect(await page(first, '/metrics')).toMatch(/^holdfast_leader 1$/m);
  expect(await page(second, '/metrics')).toMatch(/^holdfast_leader 0$/m);
  expect(await page(second, '/readyz')).toMatch(/^200/);
  expect(await page(first, '/healthz')).toMatch(/^200[^]*\[\+\] lease renewed: \d s ago/);
  expect(await page(second, '/healthz')).toMatch(/^200[^]*\[\+\] lease renewed: standing by/);
  expect(await cluster.writesBy('second')).toEqual([]);

  const mark = await cluster.mark();
  await first.stop('SIGKILL');
  await cluster.policy({ namespace: 'killed', name: 'meanwhile' });
  expect(await takeover(second, 30_000)).toBeLessThan(30);
  await allReady('killed', 2);
  expect(await page(second, '/metrics')).toMatch(/^holdfast_leader 1$/m);
  // The first policy was done: the new leader leaves it as it is.
  const writes = (await cluster.writesBy('second', mark)).filter(({ namespace }) => namespace === 'killed');
  expect(writes.filter(({ what }) => /agama/.test(what))).toEqual([]);
}, 120_000);

test('told to go, the leader finishes, gives the lease back, and the other leads at once', async () => {
  await cluster.namespace('told');
  const first = await start('first', 'told');
  const second = await start('second', 'told', { until: 'standby' });
  await cluster.policy({ namespace: 'told' });
  await allReady('told', 1);
  const ended = first.stop('SIGTERM');
  // The lease alone would last three times as long.
  expect(await takeover(second, 10_000)).toBeLessThan(5);
  expect(await ended).toBe(0);
  expect(first.log.map(({ msg }) => msg)).toContain('the lease is given back');
  expect(first.log.at(-1)).toMatchObject({ msg: 'holdfast stops', cause: 'stopped' });
  expect([await holder('told'), second.log.filter(({ level }) => level !== 'info')]).toEqual([
    expect.stringMatching(/^second_/),
    [],
  ]);

  await cluster.policy({ namespace: 'told', name: 'next' });
  await allReady('told', 2);
  const third = await start('third', 'told', { until: 'standby' });
  expect(await third.stop('SIGTERM')).toBe(0);
  expect(await holder('told')).toMatch(/^second_/);
  expect(await cluster.writesBy('third')).toEqual([]);
}, 120_000);

test('stopped in the middle of its work and resumed, the old leader writes nothing and ends with 1', async () => {
  // More than the client sends in one go: some writes wait for their turn, and are due when it goes on.
  const policies = 60;
  await cluster.namespace('stopped');
  const names = Array.from({ length: policies }, (_, index) => ({ namespace: 'stopped', name: `p${index}` }));
  await cluster.apply(...names.map((name) => policyManifest(name)));
  const mark = await cluster.mark();
  const first = await start('first', 'stopped', { seconds: 5 });
  const written = async (): Promise<number> =>
    (await cluster.writesBy('first', mark)).filter(({ namespace }) => namespace === 'stopped').length;
  await eventually('some writes', async () => (await written()) > policies / 2);
  process.kill(first.pid, 'SIGSTOP');
  await quietly(1);
  expect(await written()).toBeLessThan(policies * 5);
  const second = await start('second', 'stopped', { seconds: 5, until: 'standby' });
  await takeover(second, 30_000);
  await allReady('stopped', policies);
  await cluster.policy({ namespace: 'stopped', name: 'p0', spec: { suspend: true } });
  await eventually('the change is done', async () => {
    const jobs = await cluster.list('stopped', 'cronjobs');
    return jobs.some(({ spec }) => (spec as { suspend?: boolean } | undefined)?.suspend === true);
  });

  const resumed = await cluster.mark();
  process.kill(first.pid, 'SIGCONT');
  expect(await first.ended).toBe(1);
  await quietly(1);
  expect(await cluster.writesBy('first', resumed)).toEqual([]);
  expect(first.log.filter(({ level }) => level === 'fatal')).toEqual([
    expect.objectContaining({ msg: 'the leadership is lost: this process ends now, and another leads' }),
  ]);
  expect(isLeading(second)).toBe(true);
  expect(await holder('stopped')).toMatch(/^second_/);
}, 120_000);
