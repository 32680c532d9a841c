import { randomUUID } from 'node:crypto';
import type { KubeClient } from '../../../src/kube/client.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { createElector, leaseDurations } from '../../../src/kube/elector.ts';
import { LeadershipLostError } from '../../../src/kube/errors.ts';
import { createTermFence } from '../../../src/kube/fence.ts';
import { createLeaseClient } from '../../../src/kube/lease-client.ts';
import { leaseType } from '../../../src/kube/lease-record.ts';
import { deleteObject, getObject } from '../../../src/kube/objects.ts';
import { clientOf, eventually, logger } from './support.ts';
import { sharedPlane } from '../shared-plane.ts';

// What the API server itself takes and refuses; the times of an election are tested with a clock that tests turn.

let client: KubeClient;
let name: { namespace: string; name: string };

beforeAll(async () => {
  client = clientOf((await sharedPlane()).kubeconfig);
});

beforeEach(() => {
  name = { namespace: 'default', name: `lease-${randomUUID()}` };
});

afterEach(() => deleteObject(client, leaseType, name));
afterAll(() => client?.close());

const durations = leaseDurations(5);

function start(identity: string) {
  const fence = createTermFence({ clock: systemClock, validMs: durations.renewDeadlineMs });
  const lost: LeadershipLostError[] = [];
  const elector = createElector({
    lease: createLeaseClient(client, name, durations.requestMs),
    identity,
    durations,
    fence,
    onLost: (error) => lost.push(error),
    logger,
  });
  const stop = new AbortController();
  return { fence, lost, stop, acquire: () => elector.acquire(stop.signal) };
}

const spec = async (): Promise<Record<string, unknown>> => {
  const lease = await getObject(client, leaseType, name);
  return { ...(lease?.['spec'] as Record<string, unknown> | undefined) };
};

test('a Lease is made, renewed, given back and taken by another, as the API server wants it', async () => {
  const [a, b] = [start('a'), start('b')];
  const term = await a.acquire();
  const made = await spec();
  expect(made).toEqual({
    holderIdentity: 'a',
    leaseDurationSeconds: 5,
    leaseTransitions: 0,
    acquireTime: expect.stringMatching(/^20.*\.\d{6}Z$/),
    renewTime: made['acquireTime'],
  });
  await eventually('a renewal', async () => (await spec())['renewTime'] !== made['renewTime']);
  expect(await spec()).toMatchObject({ holderIdentity: 'a', acquireTime: made['acquireTime'] });
  expect(() => b.fence.check()).toThrow(LeadershipLostError);

  await term.release();
  expect(await spec()).toMatchObject({ leaseDurationSeconds: 1, leaseTransitions: 0 });
  expect((await spec())['holderIdentity'] ?? '').toBe('');
  const next = await b.acquire();
  expect(await spec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1, leaseDurationSeconds: 5 });
  b.fence.check();
  await next.release();
  expect([...a.lost, ...b.lost]).toEqual([]);
});

test('of ten that start together one leads, and nobody waits for the lease to run out when it goes', async () => {
  const all = Array.from({ length: 10 }, (_, index) => start(`p${index}`));
  const leaders: string[] = [];
  const ends = all.map(async (one, index) => {
    const term = await one.acquire();
    leaders.push(`p${index}`);
    expect((await spec())['holderIdentity']).toBe(`p${index}`);
    await term.release();
  });
  await Promise.all(ends);
  expect(leaders.toSorted()).toEqual(all.map((_, index) => `p${index}`));
  expect(await spec()).toMatchObject({ leaseTransitions: 9 });
});

test('a Lease that somebody deletes is made again by its leader; one that another took ends the term', async () => {
  const a = start('a');
  const term = await a.acquire();
  await deleteObject(client, leaseType, name);
  await eventually('made again', async () => (await spec())['holderIdentity'] === 'a');
  a.fence.check();
  const patch = { spec: { holderIdentity: 'b' } };
  const path = `/apis/coordination.k8s.io/v1/namespaces/${name.namespace}/leases/${name.name}`;
  await client.request({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body: patch });
  await eventually('lost', () => term.lost.aborted);
  expect(a.lost.map(({ message }) => message)).toEqual([expect.stringContaining('b holds the lease')]);
  expect(() => a.fence.check()).toThrow('b holds the lease');
  expect(await spec()).toMatchObject({ holderIdentity: 'b' });
});
