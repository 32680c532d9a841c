import { setTimeout as sleep } from 'node:timers/promises';
import { everythingIn } from '../agent/support/sample-influxdb.ts';
import type { RestoreRequestStatus } from '../../src/api/v1alpha1/restorerequest.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { podsOf, watchPods, type Look } from '../scenario/application.ts';
import { applyObjects } from '../scenario/objects.ts';
import { givePeopleRights, giveSecret, inShellOf } from '../scenario/people.ts';
import { createRestoring } from '../scenario/restoring.ts';
import { runNow, untilReady, waitForStatus } from '../scenario/runs.ts';
import { mariadbName } from '../scenario/servers.ts';
import { e2eStage } from './stage.ts';
import { shopContents } from './shop.ts';
import { startThreeServices, type ThreeServices } from './three-services.ts';

// Restores through real pods: the three services of the SLA are lost at once, alice asks, bob confirms, and all is back; and then
// to the other destinations.

const namespace = 'sla';

let cluster: Cluster;
let on: ThreeServices;

const named = (name: string) => ({ namespace, name });
const inNamespace = (...args: string[]): Promise<string> => cluster.kubectl([...args, '--namespace', namespace]);

beforeAll(async () => {
  const stage = await e2eStage();
  ({ cluster } = stage);
  on = await startThreeServices(cluster, stage.keys, namespace);
  await givePeopleRights(cluster, namespace);
  await Promise.all(on.services.map(({ policy }) => untilReady(cluster, named(policy))));
  for (const { application } of on.services)
    if (application !== undefined)
      await inNamespace('rollout', 'status', `deployment/${application}`, '--timeout', '60s');
}, 300_000);

afterAll(async () => {
  await on?.stop();
  await cluster?.kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
});

/** The time of a step's start or end, in milliseconds. */
const timeOf = (
  { steps = [] }: RestoreRequestStatus,
  policy: string,
  name: string,
  time: 'startTime' | 'completionTime',
): number => Date.parse(steps.find((step) => step.policy === policy && step.name === name)?.[time] ?? '');

/** Fails unless an application had no pods, and lost the first of them while its data was being replaced and no earlier or later. */
const expectDownOnlyAround = (looks: readonly Look[], status: RestoreRequestStatus, policy: string, name: string) => {
  const fewer = looks.filter(({ pods }) => (pods[name] ?? 0) < 2);
  expect(Math.min(...fewer.map(({ pods }) => pods[name] ?? 0))).toBe(0);
  expect(Number(fewer[0]?.at)).toBeGreaterThanOrEqual(timeOf(status, policy, 'Load', 'completionTime'));
  expect(Number(fewer[0]?.at)).toBeGreaterThanOrEqual(timeOf(status, policy, 'StopWorkloads', 'startTime'));
  // Pods are there a moment after their Deployment wants them.
  expect(Number(fewer.at(-1)?.at)).toBeLessThan(timeOf(status, policy, 'StartWorkloads', 'completionTime') + 10_000);
};

test('three services that were lost at once come back by one request and one confirmation of somebody else', async () => {
  const { kubectl } = cluster;
  const fulls = await Promise.all(
    on.services.map(({ policy }) => runNow(cluster, named(policy), 'Full', `${policy}-full`)),
  );
  expect(fulls.map(({ lastFailure }) => lastFailure)).toEqual(fulls.map(() => undefined));
  const before = await Promise.all(on.services.map(({ contents }) => contents()));
  await sleep(1500);
  const lossTime = `${new Date().toISOString().slice(0, 19)}Z`;
  await Promise.all(on.services.map(({ damage }) => damage()));

  const restoring = createRestoring(cluster, named('agama'), 'all-lost');
  const policyRefs = on.services.map(({ policy }) => ({ name: policy }));
  await restoring.ask({
    policyRefs,
    lossTime,
    reason: 'Deleted',
    evidence: 'shop.orders, telegraf and staging are gone',
  });
  const { plan } = await restoring.phase('AwaitingConfirmation', 300);
  expect(plan).toMatchObject({
    confirmation: 'TwoPersons',
    policies: on.services.map(({ policy }, index) => ({
      policy,
      set: { type: 'Full', setTime: fulls[index]?.lastFull?.setTime },
      destination: { healthy: false },
    })),
  });
  for (const [index, { missing }] of on.services.entries())
    expect(plan?.policies[index]?.destination?.missing).toContainEqual(expect.stringMatching(missing));

  const page = await inShellOf(cluster, 'bob', `kubectl describe restorerequest all-lost --namespace ${namespace}`);
  for (const words of [
    'AwaitingConfirmation',
    'shop.orders, telegraf and staging are gone',
    'Read the plan. Somebody who may confirm restores, another than the one who asked, has to confirm it.',
    'kubectl create --namespace sla --filename - <<END',
    ...fulls.map(({ lastFull }) => `Everything written after ${lastFull?.dataTime}: `),
    `before the loss of ${lossTime}`,
    'What is there now is replaced, and set aside for 1w as the safety copy',
    'Nothing is there now; what is there by then is replaced',
    'refs/heads/staging',
    'collector',
  ])
    expect(page).toContain(words);

  await expect(restoring.confirm('alice', 'bob')).rejects.toThrow('confirmedBy');
  // Her own word is taken, and does not count where two persons are asked for.
  await restoring.confirm('alice');
  const refused = await restoring.until(({ refused = [] }) => refused.length > 0, { what: 'refused', seconds: 60 });
  expect(refused).toMatchObject({
    phase: 'AwaitingConfirmation',
    refused: [{ name: 'all-lost-alice', reason: 'SamePerson' }],
  });
  const looked = watchPods(kubectl, namespace, ['web', 'collector']);
  await restoring.confirmAsShown('bob');
  const done = await restoring.phase('Completed', 600).finally(looked);

  expect(await Promise.all(on.services.map(({ contents }) => contents()))).toEqual(before);
  expect(done).toMatchObject({
    confirmation: { confirmedBy: 'bob' },
    recoveryTimeMet: true,
    policies: on.services.map(({ policy, safetyCopy }) => ({
      policy,
      outcome: 'Completed',
      state: 'Replaced',
      proof: 'Equal',
      safetyCopy: { kind: safetyCopy },
      measuredSeconds: expect.any(Number),
    })),
  });
  const fetching = on.services.map(({ policy }) => timeOf(done, policy, 'Fetch', 'startTime'));
  const checked = on.services.map(({ policy }) => timeOf(done, policy, 'Check', 'completionTime'));
  expect(Math.max(...fetching)).toBeLessThanOrEqual(Math.min(...checked));
  const slowest = Math.max(...(done.policies ?? []).map(({ measuredSeconds = 0 }) => measuredSeconds));
  expect(slowest).toBeGreaterThan(0);
  expect(done.measuredSeconds).toBeGreaterThanOrEqual(slowest);

  const looks = await looked();
  for (const { policy, application } of on.services) {
    if (application === undefined) continue;
    expectDownOnlyAround(looks, done, policy, application);
    await inNamespace('rollout', 'status', `deployment/${application}`, '--timeout', '60s');
    expect(await podsOf(kubectl, named(application))).toBe(2);
  }
  expect(await inNamespace('get', 'deployments', '--selector', 'holdfast.dev/held=true', '--output', 'name')).toBe('');
  for (const { policy } of on.services) {
    const { lastRestore } = await waitForStatus(cluster, named(policy), (status) => status.lastRestore !== undefined, {
      timeoutMs: 30_000,
      what: `lastRestore of ${policy}`,
    });
    expect(lastRestore).toMatchObject({ request: 'all-lost', outcome: 'Completed', proof: 'Equal' });
  }
}, 1_200_000);

test('kubectl shows what came of it', async () => {
  const shown = await inNamespace('describe', 'restorerequest', 'all-lost');
  for (const words of [
    /Message: +Restored: agama \(6 objects, 41000 rows equal to the facts\), telegraf \(.*\), ansible \(.*\)\. It took \d+ s, within the RTO\.$/m,
    /Recovery Time Met: +true$/m,
    /How To Use: +Tables are there under their names/,
    /holdfast +bob confirmed the plan/,
    /Deployment web is stopped for a restore; it had 2\.$/m,
  ])
    expect(shown).toMatch(words);
  expect(shown.match(/^ {4}Measured Seconds: +\d+$/gm)).toHaveLength(on.services.length);
  const wide = await inNamespace('get', 'restorerequests', '--output', 'wide');
  expect(wide).toMatch(/^all-lost +Completed +Deleted +\S+Z +\d+ +bob +\S+ +Restored: agama /m);
  expect(await inNamespace('get', 'restoreconfirmations')).toMatch(/^all-lost-\S+ +all-lost +bob /m);
}, 60_000);

test('to a new database, another server, a claim and a scratch server: side by side, and the present data is let be', async () => {
  const { kubectl } = cluster;
  // Who names a Secret in a request must be allowed to get it.
  await giveSecret(cluster, 'alice', named('agama-mysql-restore'));
  await applyObjects(kubectl, [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: named('files'),
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ]);
  const present = await Promise.all(on.services.map(({ contents }) => contents()));
  const mysql = {
    host: `${mariadbName}.${namespace}.svc`,
    credentialsSecretRef: { name: 'agama-mysql-restore' },
  };
  const elsewhere = [
    { name: 'to-copy', policy: 'agama', destination: { newDatabase: { name: 'shop_copy' } }, proof: 'Equal' },
    { name: 'to-server', policy: 'agama', destination: { server: { mysql } }, proof: 'Equal' },
    { name: 'to-logs', policy: 'telegraf', destination: { newDatabase: { name: 'telegraf_copy' } }, proof: 'Equal' },
    { name: 'to-claim', policy: 'ansible', destination: { volume: { claimName: 'files' } }, proof: 'FilesWhole' },
    // A check of one's own needs nobody's word.
    { name: 'to-look', policy: 'agama', destination: { sandbox: { keepFor: '5m' } }, proof: 'Equal' },
  ];
  const ends = await Promise.all(
    elsewhere.map(async ({ name, policy, destination }) => {
      const restoring = createRestoring(cluster, named(policy), name);
      await restoring.ask({ destination, reason: 'Drill' });
      if (destination.sandbox === undefined) {
        await restoring.phase('AwaitingConfirmation', 300);
        await restoring.confirm('bob');
      }
      return restoring.phase('Completed', 600);
    }),
  );
  expect(ends.map(({ policies }) => policies)).toMatchObject(
    elsewhere.map(({ proof }) => [{ outcome: 'Completed', proof }]),
  );
  const [shop, logs] = present;
  expect(await shopContents(on.sql, 'shop_copy')).toBe(shop);
  expect(await shopContents(on.otherSql)).toBe(shop);
  expect(await everythingIn(on.influxdb, 'telegraf_copy')).toEqual(logs);
  expect(ends[3]?.message).toContain('nothing has loaded them');
  const [, command = ''] = /^kubectl (.*)$/.exec(ends[4]?.policies?.[0]?.connect ?? '') ?? [];
  const args = command.split(' ').filter((arg) => arg !== '--stdin' && arg !== '--tty');
  const orders = await kubectl([...args, '--skip-column-names', '--execute', 'SELECT COUNT(*) FROM shop.orders']);
  expect(orders.trim()).toBe('20000');
  expect(await Promise.all(on.services.map(({ contents }) => contents()))).toEqual(present);
}, 1_200_000);
