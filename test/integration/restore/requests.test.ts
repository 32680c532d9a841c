import { eventually, quietly } from '../../support/operator/cluster.ts';
import { createRestorePlay } from '../../support/operator/play-restore.ts';
import {
  evidenceOf,
  goodPlan,
  goodPutBack,
  goodPutBackPlan,
  goodRestore,
  pointOf,
  putBackSpec,
  requestManifest,
} from '../../support/operator/restores.ts';
import type { Json } from '../../support/operator/policies.ts';
import { theatreForAll, type Scene } from './scene.ts';

// Requests on a real API server, with the controllers of Jobs, Deployments and garbage: the test plays kubelet and agent.

const on = theatreForAll('restore');

const { restoreJobs, setUp } = on;

test('a request is planned, waits for its confirmation, is restored with the workloads down, and measured', async () => {
  const scene = await setUp();
  const { play, namespace } = scene;
  await play.plan();
  const awaiting = await play.phase('AwaitingConfirmation');
  expect(awaiting['plan']).toMatchObject({ policies: [{ policy: 'agama', set: pointOf().set }] });
  await quietly(2);
  expect(await restoreJobs(namespace)).toEqual([]);
  await scene.confirm();
  await play.phase('Restoring');
  expect(await play.request()).toMatchObject({ confirmation: { confirmedBy: 'bob' } });
  await play.restoreUntil('load');
  await quietly(2);
  expect(await play.replicasOf('shop')).toBe(2);
  await play.restoreUntil('swap');
  await eventually('the workload is stopped', async () => (await play.replicasOf('shop')) === 0);
  await eventually('the pod is told', async () => (await play.gate())?.state === 'Held');
  await play.restoreUntil('check');
  await play.phase('Verifying');
  expect(await play.replicasOf('shop')).toBe(0);
  const [job, ...others] = await restoreJobs(namespace);
  expect(others).toEqual([]);
  expect(job?.metadata.finalizers).toContain('holdfast.dev/restore');
  await play.restore();
  const status = await play.phase('Completed');
  expect(await play.replicasOf('shop')).toBe(2);
  expect(status).toMatchObject({
    policies: [
      {
        policy: 'agama',
        outcome: 'Completed',
        state: 'Replaced',
        rowsCompared: 1000,
        safetyCopy: { kind: 'Databases' },
      },
    ],
    recoveryTimeMet: true,
  });
  expect(await restoreJobs(namespace)).toHaveLength(1);
  await eventually('nothing is held any more', async () => {
    const { metadata } = await on.cluster.get('restorerequest', 'orders-lost', '--namespace', namespace);
    const [made] = await restoreJobs(namespace);
    return metadata.finalizers === undefined && !(made?.metadata.finalizers ?? []).includes('holdfast.dev/restore');
  });
  const policy = await eventually('the policy remembers it', async () => {
    const { status: ofPolicy } = await on.cluster.get('bp', 'agama', '--namespace', namespace);
    return (ofPolicy as Json)['lastRestore'] !== undefined && (ofPolicy as Json);
  });
  expect(policy['lastRestore']).toMatchObject({ request: 'orders-lost', outcome: 'Completed', sourceBytes: 8192 });
});

test('an operator that is stopped between any two steps goes on where it was, with one Job', async () => {
  const scene = await setUp();
  const { play, namespace } = scene;
  await scene.restart();
  await scene.begin();
  await scene.restart();
  await play.restoreUntil('swap');
  await scene.restart();
  await eventually('the pod is told', async () => (await play.gate())?.state === 'Held', 40_000);
  await scene.restart();
  await play.restore();
  await play.phase('Completed');
  expect(await play.replicasOf('shop')).toBe(2);
  expect(await restoreJobs(namespace)).toHaveLength(1);
}, 120_000);

test('what fails brings the workloads back, and says what is in place', async () => {
  const scene = await setUp();
  const { play } = scene;
  await scene.begin();
  await play.restoreUntil('swap');
  await eventually('the pod is told', async () => (await play.gate())?.state === 'Held');
  await play.restore([...goodRestore.slice(0, 2), { container: 'swap', silent: true }]);
  const status = await play.phase('Failed');
  expect(status).toMatchObject({
    failure: { reason: 'RestoreInterrupted', policy: 'agama' },
    policies: [{ outcome: 'Failed', state: 'Unavailable' }],
  });
  expect(await play.replicasOf('shop')).toBe(2);
});

test('a request that is cancelled while its pod waits replaces nothing', async () => {
  const scene = await setUp({ restore: { external: 'stop telegraf on metrics-1' } });
  const { play, namespace } = scene;
  await scene.begin();
  await play.restoreUntil('swap');
  const waiting = await play.phase('AwaitingExternal');
  expect(waiting['message']).toContain('stop telegraf on metrics-1');
  expect(await play.replicasOf('shop')).toBe(2);
  const patch = JSON.stringify({ spec: { cancel: true } });
  await on.cluster.plane.kubectl([
    'patch',
    'rr',
    'orders-lost',
    '--namespace',
    namespace,
    '--type=merge',
    '--patch',
    patch,
  ]);
  await eventually('the pod is told', async () => {
    const gate = await play.gate();
    return gate?.state === 'Refused' && gate.cancelled === true;
  });
  const failure = { step: 'Wait', reason: 'RestoreCancelled', message: 'The request was cancelled.' } as const;
  await play.restore([...goodRestore.slice(0, 2), { container: 'swap', failure, restore: { state: 'Untouched' } }]);
  expect(await play.phase('Cancelled')).toMatchObject({ policies: [{ outcome: 'Cancelled', state: 'Untouched' }] });
});

test('a request that is deleted while it loads is stopped, and nothing of it stays', async () => {
  const scene = await setUp();
  const { play, namespace } = scene;
  await scene.begin();
  await play.restoreUntil('load');
  await play.phase('Restoring');
  await on.cluster.plane.kubectl(['delete', 'rr', 'orders-lost', '--namespace', namespace, '--wait=false']);
  // Its pod went without a word: what it may have loaded is removed first.
  await play.removal('clean');
  await eventually(
    'all of it is gone',
    async () => {
      const [requests, jobs] = [await on.cluster.list(namespace, 'restorerequests'), await restoreJobs(namespace)];
      return requests.length === 0 && jobs.length === 0;
    },
    60_000,
  );
  expect(await play.replicasOf('shop')).toBe(2);
}, 90_000);

test('a destination where nothing is missing is not replaced without a word', async () => {
  const { play, namespace } = await setUp();
  await play.plan(goodPlan(pointOf(), evidenceOf({ healthy: true, missing: [], missingCount: 0 })));
  expect(await play.phase('Failed')).toMatchObject({ failure: { reason: 'DestinationHealthy' } });
  expect(await restoreJobs(namespace)).toEqual([]);
});

/** The restore of a scene is done, as far as here. */
const restored = async (scene: Scene): Promise<void> => {
  const { play } = scene;
  await scene.begin();
  await play.restoreUntil('swap');
  await eventually('the pod is told', async () => (await play.gate())?.state === 'Held');
  await play.restore();
  await play.phase('Completed');
};

const jobsOf = async (namespace: string, stage: string): Promise<string[]> =>
  (await on.cluster.list(namespace, 'jobs', '--selector', `holdfast.dev/restore-stage=${stage}`)).map(
    ({ metadata }) => metadata.name,
  );

test('a safety copy is put back by a request of its own, which holds it until that is done', async () => {
  const keepSeconds = 60;
  const scene = await setUp({ restore: { keepSafetyCopyFor: `${keepSeconds}s` } });
  const { namespace } = scene;
  await restored(scene);
  const done = await scene.play.request();
  const [{ safetyCopy, safetyCopyUntil } = {}] = done['policies'] as Json[];
  expect(safetyCopy).toMatchObject({ putBackWith: expect.stringContaining('safetyCopyOf: { name: orders-lost }') });

  const name = 'take-it-back';
  await on.cluster.apply(requestManifest({ namespace, name, spec: putBackSpec('orders-lost') }));
  const play = createRestorePlay(on.cluster, namespace, { request: name, steps: goodPutBack });
  await play.plan(goodPutBackPlan());
  const awaiting = await play.phase('AwaitingConfirmation');
  expect(awaiting['plan']).toMatchObject({
    policies: [{ policy: 'agama', copy: { request: 'orders-lost', count: 1 } }],
  });

  const left = Date.parse(String(safetyCopyUntil)) - Date.now();
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, left) + 3000));
  expect(await jobsOf(namespace, 'discard')).toEqual([]);

  await scene.confirm(name);
  await play.restoreUntil('swap');
  await eventually('the workload is stopped', async () => (await play.replicasOf('shop')) === 0);
  await eventually('the pod is told', async () => (await play.gate())?.state === 'Held');
  await play.restore();
  expect(await play.phase('Completed')).toMatchObject({
    policies: [{ policy: 'agama', outcome: 'Completed', proof: 'EqualToCopy', safetyCopy: { kind: 'Databases' } }],
  });
  expect(await play.replicasOf('shop')).toBe(2);
  await eventually('the first says so, and lets what is left of its copy go', async () => {
    const [of] = (await scene.play.request())['policies'] as Json[];
    return of?.['putBackBy'] === name && (await jobsOf(namespace, 'discard')).length === 1;
  });
  await scene.play.removal('discard');
  await eventually('that is a step of it', async () => {
    const steps = (await scene.play.request())['steps'] as Json[];
    return steps.some((step) => step['name'] === 'Discard' && step['state'] === 'Succeeded');
  });

  // What is gone is not put back once more.
  await on.cluster.apply(requestManifest({ namespace, name: 'again', spec: putBackSpec('orders-lost') }));
  expect(await scene.play.phase('Failed', 'again')).toMatchObject({ failure: { reason: 'SafetyCopyUnavailable' } });
}, 240_000);

test('a safety copy is of one time and place: anything else is refused by the API server', async () => {
  const { namespace } = await setUp();
  for (const [spec, why] of [
    [{ ...putBackSpec(), lossTime: '2026-11-15T03:30:00Z' }, /neither pointInTime, lossTime nor/],
    [{ ...putBackSpec(), pointInTime: '2026-11-15T03:30:00Z' }, /neither pointInTime, lossTime nor/],
    [{ ...putBackSpec(), acceptUnrecorded: true }, /neither pointInTime, lossTime nor acceptUnrecorded/],
    [{ ...putBackSpec(), destination: { inPlace: undefined, sandbox: {} } }, /put back where it was/],
  ] as const)
    await expect(on.cluster.apply(requestManifest({ namespace, name: 'wrong', spec }))).rejects.toThrow(why);
});

test('what a lost pod had loaded is removed, once, and the request says so', async () => {
  const scene = await setUp();
  const { play, namespace } = scene;
  await scene.begin();
  await play.restoreUntil('load');
  await play.restore([...goodRestore.slice(0, 1), { container: 'load', silent: true }]);
  expect(await play.phase('Failed')).toMatchObject({ policies: [{ state: 'Untouched', loaded: 'Left' }] });
  await play.removal('clean');
  await eventually('it says so', async () => {
    const [of] = (await play.request())['policies'] as Json[];
    return of?.['loaded'] === 'Discarded';
  });
  await scene.restart();
  await quietly(2);
  expect(await jobsOf(namespace, 'clean')).toHaveLength(1);
});
