import {
  decide,
  givenBack,
  leaseWith,
  observe,
  recordOf,
  renewed,
  takenBy,
  toMicroTime,
  type LeaseRecord,
} from '../../../src/kube/lease-record.ts';

const record: LeaseRecord = {
  holder: 'other',
  durationSeconds: 15,
  acquireTime: '2026-01-01T00:00:00.000000Z',
  renewTime: '2026-01-01T00:00:00.000000Z',
  transitions: 3,
};

test.each([
  { present: false, known: undefined, nowMs: 0, kind: 'create', reason: 'there is none, and never was' },
  { present: true, known: record, nowMs: 14_999, kind: 'wait', reason: 'it changed less than its duration ago' },
  { present: true, known: record, nowMs: 15_000, kind: 'take', reason: 'it did not change for its duration' },
  { present: true, known: { ...record, holder: '' }, nowMs: 0, kind: 'take', reason: 'it was given back' },
  { present: true, known: { ...record, holder: 'me' }, nowMs: 0, kind: 'renew', reason: 'an answer was lost' },
  { present: true, known: { ...record, holder: 'me' }, nowMs: 99_000, kind: 'renew', reason: 'likewise, long ago' },
  { present: false, known: record, nowMs: 14_999, kind: 'wait', reason: 'deleted is not given back' },
  { present: false, known: record, nowMs: 15_000, kind: 'create', reason: 'deleted, and its holder has noticed' },
  { present: false, known: { ...record, holder: '' }, nowMs: 0, kind: 'create', reason: 'given back, then deleted' },
  {
    present: true,
    known: { ...record, durationSeconds: 60 },
    nowMs: 59_999,
    kind: 'wait',
    reason: 'the holder relies on a longer lease',
  },
  {
    present: true,
    known: { ...record, durationSeconds: 1 },
    nowMs: 14_999,
    kind: 'wait',
    reason: 'a shorter one is not believed: waiting is always safe',
  },
  {
    present: true,
    known: { ...record, durationSeconds: 0 },
    nowMs: 15_000,
    kind: 'take',
    reason: 'no duration: one’s own',
  },
  {
    present: true,
    known: { ...record, durationSeconds: 1e9 },
    nowMs: 300_000,
    kind: 'take',
    reason: 'a mistake of a hand does not keep everybody out for ever',
  },
  {
    present: true,
    known: { ...record, renewTime: '2099-01-01T00:00:00.000000Z' },
    nowMs: 15_000,
    kind: 'take',
    reason: 'the holder’s clock is ahead: its times are not read',
  },
  {
    present: true,
    known: { ...record, renewTime: '1999-01-01T00:00:00.000000Z' },
    nowMs: 14_999,
    kind: 'wait',
    reason: 'the holder’s clock is behind: likewise',
  },
])('$kind: $reason', ({ present, known, nowMs, kind }) => {
  const observation = known === undefined ? undefined : { record: known, atMs: 0 };
  expect(decide({ identity: 'me', present, observation, nowMs, leaseMs: 15_000 }).kind).toBe(kind);
});

test.each([
  { change: {}, atMs: 5, reason: 'nothing changed: it is as old as it was' },
  { change: { renewTime: 'later' }, atMs: 9, reason: 'renewed' },
  { change: { holder: 'third' }, atMs: 9, reason: 'taken' },
  { change: { transitions: 4 }, atMs: 9, reason: 'taken and taken back in one tick of the clock' },
  { change: { acquireTime: 'later' }, atMs: 9, reason: 'acquired anew' },
  { change: { durationSeconds: 30 }, atMs: 9, reason: 'another duration' },
])('observed at $atMs: $reason', ({ change, atMs }) => {
  expect(observe({ record, atMs: 5 }, { ...record, ...change }, 9).atMs).toBe(atMs);
});

test('what is first seen is as of now', () => {
  expect(observe(undefined, record, 9)).toEqual({ record, atMs: 9 });
});

const now = new Date('2026-11-23T01:02:03.045Z');

test('taking, renewing, giving back', () => {
  const time = '2026-11-23T01:02:03.045000Z';
  const first = takenBy('me', undefined, 15, now);
  expect(first).toEqual({ holder: 'me', durationSeconds: 15, acquireTime: time, renewTime: time, transitions: 0 });
  const taken = takenBy('me', record, 15, now);
  expect(taken.transitions).toBe(4);
  const later = new Date('2026-11-23T01:02:05.045Z');
  const kept = renewed(taken, 20, later);
  expect(kept).toEqual({ ...taken, durationSeconds: 20, renewTime: '2026-11-23T01:02:05.045000Z' });
  expect(givenBack(kept, later)).toEqual({ ...kept, holder: '', durationSeconds: 1 });
});

test('a record survives the way into a Lease and back, and what others put there stays', () => {
  const name = { namespace: 'holdfast', name: 'lease' };
  const made = leaseWith(name, undefined, record);
  expect(made).toEqual({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: name,
    spec: {
      holderIdentity: 'other',
      leaseDurationSeconds: 15,
      acquireTime: record.acquireTime,
      renewTime: record.renewTime,
      leaseTransitions: 3,
    },
  });
  expect(recordOf(made)).toEqual(record);
  const seen = {
    ...made,
    metadata: { ...name, resourceVersion: '7', labels: { a: 'b' } },
    spec: { ...(made['spec'] as object), preferredHolder: 'x' },
  };
  expect(leaseWith(name, seen, { ...record, holder: 'me' })).toEqual({
    ...seen,
    spec: { ...seen.spec, holderIdentity: 'me' },
  });
});

test.each([
  { spec: undefined, reason: 'no spec' },
  { spec: {}, reason: 'an empty one, as kubectl create makes it' },
  { spec: { holderIdentity: null, leaseDurationSeconds: -1, renewTime: 5, leaseTransitions: 'x' }, reason: 'nonsense' },
])('a Lease with $reason is held by nobody', ({ spec }) => {
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'x' }, spec };
  expect(recordOf(lease)).toEqual({ holder: '', durationSeconds: 0, acquireTime: '', renewTime: '', transitions: 0 });
});

test('a MicroTime has six digits, whatever the moment', () => {
  expect(toMicroTime(new Date('2026-01-01T00:00:00Z'))).toBe('2026-01-01T00:00:00.000000Z');
  expect(toMicroTime(now)).toBe('2026-11-23T01:02:03.045000Z');
});
