import type { Gate } from '../../../src/api/v1alpha1/gate.ts';
import type { Hold, Holder } from '../../../src/quiesce/hold.ts';
import { nextGate, planHold, planRelease, type Asker, type Found } from '../../../src/quiesce/plan.ts';
import type { Workload } from '../../../src/quiesce/workload.ts';

const now = new Date('2026-11-22T01:00:00.000Z');
const at = (seconds: number): string => new Date(now.getTime() + seconds * 1000).toISOString();
const shop = { kind: 'Deployment', name: 'shop' } as const;

const asker = (extra: Partial<Asker> = {}): Asker => ({
  for: 'BackupPolicy/agama',
  pod: 'agama-1-x',
  uid: 'pod-1',
  container: 'dump',
  until: new Date(at(3600)),
  workloads: [shop],
  gate: undefined,
  ...extra,
});

const holder = (extra: Partial<Holder> = {}): Holder => ({
  for: 'BackupPolicy/agama',
  pod: 'agama-1-x',
  uid: 'pod-1',
  since: at(-60),
  until: at(3600),
  stop: 1,
  scale: 'kubectl Update 1',
  ...extra,
});

const heldBy = (replicas: number, ...holders: readonly Partial<Holder>[]): Hold => ({
  replicas,
  stops: 1,
  holders: holders.map(holder),
});

const workload = (extra: Partial<Workload> = {}): Workload => ({
  ...shop,
  namespace: 'shop',
  uid: 'shop-uid',
  resourceVersion: '1',
  replicas: 3,
  hold: undefined,
  scaledByUs: false,
  scale: 'kubectl Update 1',
  observed: true,
  ours: false,
  selector: 'app=shop',
  ...extra,
});

/** As it is while it is held by one. */
const down = {
  replicas: 0,
  scaledByUs: true,
  scale: 'holdfast-quiesce Update 2',
  hold: heldBy(3, {}),
} satisfies Partial<Workload>;

describe('holding', () => {
  test.each([
    {
      reason: 'nobody holds it: what it has is noted in the write that stops it',
      given: workload(),
      expected: { replicas: 0, hold: { replicas: 3, stops: 1, holders: [{ uid: 'pod-1', stop: 1 }] } },
    },
    {
      reason: 'it is down already: nothing is to be put back later',
      given: workload({ replicas: 0 }),
      expected: {
        replicas: undefined,
        hold: { replicas: 0, stops: 0, holders: [{ uid: 'pod-1', stop: 0, scale: 'kubectl Update 1' }] },
      },
    },
    {
      reason: 'another holds it: what that one noted stays',
      given: workload({ ...down, hold: heldBy(3, { uid: 'other' }) }),
      expected: {
        replicas: undefined,
        hold: { replicas: 3, stops: 1, holders: [{ uid: 'other' }, { uid: 'pod-1', stop: 1 }] },
      },
    },
    {
      reason: 'another holds it and a person has started it: the person’s number is the newer word',
      given: workload({ replicas: 5, hold: heldBy(3, { uid: 'other' }) }),
      expected: { replicas: 0, hold: { replicas: 5, stops: 2, holders: [{ uid: 'other', stop: 1 }, { stop: 2 }] } },
    },
    {
      reason: 'another holds it and a person has started and stopped it: the number is the person’s',
      given: workload({ replicas: 0, hold: heldBy(3, { uid: 'other' }) }),
      expected: { replicas: undefined, hold: { stops: 1, holders: [{ uid: 'other', stop: 1 }, { stop: 0 }] } },
    },
    { reason: 'it holds it already', given: workload(down), expected: undefined },
    { reason: 'what is noted cannot be read', given: workload({ hold: 'Damaged' }), expected: undefined },
  ])('$reason', ({ given, expected }) => {
    expect([planHold(given, asker(), now)]).toMatchObject([expected]);
  });
});

describe('letting go', () => {
  const over = (...uids: readonly string[]) => ({
    isActive: ({ uid }: Holder): boolean => !uids.includes(uid),
  });
  test.each([
    { reason: 'nobody is over', given: workload(down), ...over(), expected: undefined },
    {
      reason: 'the last one is over',
      given: workload(down),
      ...over('pod-1'),
      expected: { hold: undefined, replicas: 3 },
    },
    {
      reason: 'another still holds it',
      given: workload({ ...down, hold: heldBy(3, {}, { uid: 'other' }) }),
      ...over('pod-1'),
      expected: { hold: { replicas: 3, stops: 1, holders: [holder({ uid: 'other' })] }, replicas: undefined },
    },
    {
      reason: 'a person has started it',
      given: workload({ ...down, replicas: 5 }),
      ...over('pod-1'),
      expected: { hold: undefined, replicas: undefined },
    },
    {
      reason: 'a person has started it and set it to zero again',
      given: workload({ ...down, scaledByUs: false }),
      ...over('pod-1'),
      expected: { hold: undefined, replicas: undefined },
    },
    {
      reason: 'it was down before',
      given: workload({ ...down, hold: heldBy(0, {}) }),
      ...over('pod-1'),
      expected: { hold: undefined, replicas: undefined },
    },
    {
      reason: 'what is noted cannot be read',
      given: workload({ hold: 'Damaged' }),
      ...over('pod-1'),
      expected: undefined,
    },
  ])('$reason', ({ given, isActive, expected }) => {
    expect(planRelease(given, isActive)).toEqual(expected);
  });
});

describe('what the pod is told', () => {
  const found = (extra: Partial<Workload> = {}, pods: number | undefined = 0): Found => ({
    wanted: shop,
    workload: workload({ ...down, ...extra }),
    pods,
  });
  const open: Gate = { state: 'Held', since: at(-30), asOf: at(-6) };
  const held: Gate = { state: 'Held', since: at(0), asOf: at(0) };
  const refusedWith = (words: string) => ({ state: 'Refused', message: expect.stringContaining(words) });

  test.each([
    { reason: 'all are down', gate: undefined, all: [found()], expected: held },
    { reason: 'one has pods', gate: undefined, all: [found(), found({}, 1)], expected: undefined },
    {
      reason: 'its controller has not seen that it is to be down',
      gate: undefined,
      all: [found({ observed: false })],
      expected: undefined,
    },
    {
      reason: 'it was stopped just now: its controller may act on what was before',
      gate: undefined,
      all: [found({ hold: heldBy(3, { since: at(-4) }) })],
      expected: undefined,
    },
    {
      reason: 'one is not there',
      gate: undefined,
      all: [found(), { wanted: shop, workload: undefined, pods: undefined }],
      expected: refusedWith('There is no Deployment shop'),
    },
    {
      reason: 'one is Holdfast',
      gate: undefined,
      all: [found({ ours: true })],
      expected: refusedWith('does not stop itself'),
    },
    {
      reason: 'one is held, and what it had cannot be read',
      gate: undefined,
      all: [found({ hold: 'Damaged' })],
      expected: refusedWith('cannot be read'),
    },
    {
      reason: 'one was started before all were down',
      gate: undefined,
      all: [found({ replicas: 1 }, undefined)],
      expected: refusedWith('has 1 replicas'),
    },
    { reason: 'still down', gate: open, all: [found()], expected: { state: 'Held', since: at(-30), asOf: at(0) } },
    {
      reason: 'still down, and said a moment ago',
      gate: { ...open, asOf: at(-4) },
      all: [found()],
      expected: undefined,
    },
    {
      reason: 'started while it was to be down',
      gate: open,
      all: [found({ replicas: 2 }, undefined)],
      expected: refusedWith('has 2 replicas'),
    },
    {
      reason: 'started and stopped by a person while it was to be down',
      gate: open,
      all: [found({ scaledByUs: false })],
      expected: refusedWith('started and stopped by somebody else'),
    },
    {
      reason: 'started by a person and stopped again for another dump while it was to be down',
      gate: open,
      all: [found({ hold: { ...heldBy(5, {}), stops: 2 } })],
      expected: refusedWith('started and stopped by somebody else'),
    },
    {
      reason: 'it was down before, and still is',
      gate: open,
      all: [found({ scaledByUs: false, scale: 'kubectl Update 1', hold: { ...heldBy(0, { stop: 0 }), stops: 0 } })],
      expected: { state: 'Held', since: at(-30), asOf: at(0) },
    },
    {
      reason: 'it was down before, and was started and stopped by a person meanwhile',
      gate: open,
      all: [found({ scaledByUs: false, scale: 'kubectl Update 2', hold: { ...heldBy(0, { stop: 0 }), stops: 0 } })],
      expected: refusedWith('started and stopped by somebody else'),
    },
    {
      reason: 'let go by mistake while it was to be down',
      gate: open,
      all: [found({ hold: undefined })],
      expected: refusedWith('was let go'),
    },
    {
      reason: 'let go and held again: the dump began under another hold',
      gate: open,
      all: [found({ hold: heldBy(3, { since: at(-20) }) })],
      expected: refusedWith('let go and stopped again'),
    },
    { reason: 'a pod has come', gate: open, all: [found({}, 1)], expected: refusedWith('has pods') },
    {
      reason: 'refused before: that stays',
      gate: { state: 'Refused', message: 'no' } as const,
      all: [found()],
      expected: undefined,
    },
  ])('$reason', ({ gate, all, expected }) => {
    const told = nextGate(asker({ gate, workloads: all.map(({ wanted }) => wanted) }), all, now);
    expect(told).toEqual(expected);
  });
});
