import type { KubeObject } from '../../../src/kube/types.ts';
import {
  conditionOf,
  eventually,
  quietly,
  startOperatorCluster,
  type OperatorCluster,
} from '../../support/operator/cluster.ts';
import { startOperator, type RunningOperator } from '../../support/operator/operator.ts';
import { endedPodStatus, later } from '../../support/operator/runs.ts';

// A week without operator and controllers, then both come back: Kubernetes' own CronJob controller decides what starts, with the deadlines
// that Holdfast gives it. There is no node, so what has started stays until the test says that it ended.

const namespace = 'week';
const policies = Array.from({ length: 10 }, (_, index) => `every-5-${index}`);
const kinds = ['local-copy', 'full', 'incremental'] as const;

let cluster: OperatorCluster;
let operator: RunningOperator;

beforeAll(async () => {
  cluster = await startOperatorCluster({ controllerManager: true });
  operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig });
  await cluster.namespace(namespace);
}, 180_000);

afterAll(async () => {
  await operator?.stop();
  await cluster?.stop();
});

const timestamp = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
const now = (): string => timestamp(new Date());

/** A line of every five minutes whose next time is at least four minutes away, so that what starts is a catch-up. */
const everyFive = (): string => `${new Date().getUTCMinutes() % 5}-59/5 * * * *`;

/** A line of once a day, whose time was so many minutes ago. */
const daily = (minutesAgo: number): string => {
  const time = new Date(Date.now() - minutesAgo * 60_000);
  return `${time.getUTCMinutes()} ${time.getUTCHours()} * * *`;
};

const none = { localCopy: undefined, full: undefined, incremental: undefined };
const inUtc = { ...none, timeZone: 'UTC' };

const jobsOf = async (name: string): Promise<KubeObject[]> =>
  (await cluster.list(namespace, 'jobs')).filter(({ metadata }) =>
    (metadata.ownerReferences ?? []).some((owner) => owner.name === name),
  );

const countsOf = async (names: readonly string[]): Promise<Record<string, number>> => {
  const jobs = await cluster.list(namespace, 'jobs');
  const owners = jobs.flatMap(({ metadata }) => (metadata.ownerReferences ?? []).map(({ name }) => name));
  return Object.fromEntries(names.map((name) => [name, owners.filter((owner) => owner === name).length]));
};

const eachOnce = (names: readonly string[]): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, 1]));

const ranLast = async (name: string, time: string): Promise<void> => {
  const patch = JSON.stringify({ status: { lastScheduleTime: time } });
  const where = ['--namespace', namespace, '--subresource=status', '--type=merge'];
  await cluster.plane.kubectl(['patch', 'cronjob', name, ...where, '--patch', patch]);
};

const ready = (name: string): Promise<unknown> =>
  eventually(`${name} is Ready`, async () => {
    const policy = await cluster.get('bp', name, '--namespace', namespace);
    return conditionOf(policy, 'Ready')?.['status'] === 'True';
  });

/** Says of each pod of a Job that it ended well, as a kubelet would. */
const endJob = async (job: KubeObject): Promise<void> => {
  const selector = `batch.kubernetes.io/job-name=${job.metadata.name}`;
  const pod = await eventually(
    'the pod',
    async () => (await cluster.list(namespace, 'pods', '--selector', selector))[0],
  );
  const status = endedPodStatus([{ name: 'dump' }], 'Succeeded', now());
  const where = ['--namespace', namespace, '--subresource=status', '--type=merge'];
  await cluster.plane.kubectl(['patch', 'pod', pod.metadata.name, ...where, '--patch', JSON.stringify({ status })]);
};

test('after a week without operator and controllers each of ten policies with a schedule of 5 minutes makes one catch-up a kind', async () => {
  const line = everyFive();
  const names = policies.flatMap((policy) => kinds.map((kind) => `${policy}-${kind}`));
  const interval = ['interval-local-copy'];
  const lastWeek = later(now(), -7 * 86_400);
  await cluster.plane.withoutControllers(async () => {
    for (const name of policies) {
      const schedule = { timeZone: 'UTC', localCopy: line, full: line, incremental: line };
      await cluster.policy({ name, namespace, spec: { schedule } });
    }
    await cluster.policy({ name: 'interval', namespace, spec: { schedule: { ...inUtc, localCopy: '@every 5m' } } });
    for (const name of [...policies, 'interval']) await ready(name);
    await operator.stop();
    for (const name of [...names, ...interval]) await ranLast(name, lastWeek);
  });
  operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig });
  const all = [...names, ...interval];
  await eventually(
    'every CronJob has started',
    async () => Object.values(await countsOf(all)).every((count) => count > 0),
    60_000,
  );
  await quietly(12);
  expect(await countsOf(all)).toEqual(eachOnce(all));

  // It is the newest time that was missed, not the oldest.
  const [job] = await jobsOf('every-5-0-full');
  const scheduled = job?.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'] ?? '';
  expect(Date.now() - Date.parse(scheduled)).toBeLessThan(5 * 60_000 + 30_000);

  // When it is over, the other two thousand are not made up for.
  const ended = 'every-5-0-local-copy';
  const [first] = await jobsOf(ended);
  if (first === undefined) throw new Error('no Job');
  await endJob(first);
  await eventually('the Job is complete', async () => {
    const [job] = await jobsOf(ended);
    return JSON.stringify(job?.['status'] ?? {}).includes('"Complete"');
  });
  await quietly(12);
  expect(await countsOf(all)).toEqual(eachOnce(all));

  // Nor when the controllers are away for a moment.
  await cluster.plane.withoutControllers(() => quietly(1));
  await quietly(12);
  expect(await countsOf(all)).toEqual(eachOnce(all));
}, 240_000);

test('a run that is later than deadlines.start waits for its next time', async () => {
  const cases = [
    { name: 'too-late', start: '1h', runs: 0 },
    { name: 'in-time', start: '3h', runs: 1 },
  ];
  await cluster.plane.withoutControllers(async () => {
    for (const { name, start } of cases) {
      const schedule = { ...inUtc, localCopy: daily(120) };
      await cluster.policy({ name, namespace, spec: { schedule, deadlines: { start } } });
      await ready(name);
      await ranLast(`${name}-local-copy`, later(now(), -7 * 86_400));
    }
  });
  await eventually('the one that is in time has started', async () => (await jobsOf('in-time-local-copy')).length > 0);
  await quietly(12);
  expect(await countsOf(cases.map(({ name }) => `${name}-local-copy`))).toEqual(
    Object.fromEntries(cases.map(({ name, runs }) => [`${name}-local-copy`, runs])),
  );
}, 120_000);
