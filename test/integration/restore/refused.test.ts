import { isRecord } from '../../../src/kube/types.ts';
import { conditionOf, eventually, quietly } from '../../support/operator/cluster.ts';
import { theatreForAll } from './scene.ts';

// A Job of a request that is not taken, and one whose pod is not: status says what, at which step, why, and what to do; once that is mended it
// goes on.

const on = theatreForAll('refused');

const quota = (namespace: string, hard: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'few', namespace },
  spec: { hard },
});

/** Applies a quota, and waits until it counts. */
const limit = async (namespace: string, hard: Record<string, string>): Promise<void> => {
  await on.cluster.apply(quota(namespace, hard));
  await eventually('the quota counts', async () => {
    const [found] = await on.cluster.list(namespace, 'resourcequota');
    const status = isRecord(found?.['status']) ? found['status'] : {};
    return JSON.stringify(status['hard']) === JSON.stringify(hard);
  });
};

const request = (namespace: string) => on.cluster.get('restorerequest', 'orders-lost', '--namespace', namespace);

const stalled = (namespace: string, reason: string): Promise<Record<string, unknown>> =>
  eventually(
    `Stalled for ${reason}`,
    async () => {
      const found = conditionOf(await request(namespace), 'Stalled');
      return found?.['reason'] === reason && found;
    },
    60_000,
  );

const isFree = (namespace: string): Promise<boolean> =>
  eventually('no longer stalled', async () => conditionOf(await request(namespace), 'Stalled') === undefined, 150_000);

test('a restore Job that a quota refuses: in status, written once, and begun when the quota is raised', async () => {
  const { play, namespace, confirm } = await on.setUp();
  await play.plan();
  await play.phase('AwaitingConfirmation');
  await limit(namespace, { 'count/jobs.batch': '1' });
  await confirm();
  const message = String((await stalled(namespace, 'ApplyRefused'))['message']);
  expect(message).toMatch(
    /^The API server refused the Job orders-lost-restore-\S+, which restores: .*exceeded quota: few.*\. Nothing was touched by it\. Mend that .* or cancel/,
  );
  expect(await play.request()).toMatchObject({ phase: 'Restoring', message: expect.stringContaining(message) });
  const { resourceVersion } = (await request(namespace)).metadata;
  // It is tried again in between.
  await quietly(17);
  expect((await request(namespace)).metadata.resourceVersion).toBe(resourceVersion);
  expect(await play.replicasOf('shop')).toBe(2);
  await limit(namespace, { 'count/jobs.batch': '2' });
  await isFree(namespace);
  await play.restoreUntil('load');
  expect(await on.restoreJobs(namespace)).toHaveLength(1);
}, 150_000);

test('a plan Job whose pod a quota refuses: status says where to look, and it is planned when the quota is raised', async () => {
  const { play, namespace } = await on.setUp({ before: (where) => limit(where, { pods: '0' }) });
  const message = String((await stalled(namespace, 'PodMissing'))['message']);
  expect(message).toMatch(
    /^The Job (orders-lost-plan-\S+) gets no pod: .*kubectl describe job \1 --namespace refused-\d+\..*Mend that/,
  );
  expect(await play.request()).toMatchObject({ phase: 'Pending', message: expect.stringContaining(message) });
  await limit(namespace, { pods: '9' });
  await isFree(namespace);
  await play.plan();
  await play.phase('AwaitingConfirmation');
}, 240_000);
