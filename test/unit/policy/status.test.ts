import * as fc from 'fast-check';
import { backupPolicyStatus, type BackupPolicyStatus } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { createZones } from '../../../src/cron/zones.ts';
import { dueEvents } from '../../../src/policy/events.ts';
import type { Problem } from '../../../src/policy/problems.ts';
import { readRuns } from '../../../src/policy/run-reports.ts';
import { nextStatus } from '../../../src/policy/status.ts';
import { policyView } from '../../../src/policy/views.ts';
import { rawPolicy, type Json } from '../../support/operator/policies.ts';
import {
  failedResultOf,
  later,
  now,
  observedOf,
  rawCronJob,
  rawJob,
  rawPod,
  resultOf,
  successfulContainers,
  type World,
} from '../../support/operator/runs.ts';

const zones = createZones();

interface Look {
  world?: World;
  previous?: BackupPolicyStatus;
  spec?: Json;
  problems?: Problem[];
  generation?: number;
  at?: Date;
}

const look = ({ world = {}, previous, spec = {}, problems = [], generation = 1, at = now }: Look = {}) => {
  const observed = observedOf({
    ...world,
    policy: rawPolicy({ spec: { objectives: undefined, ...spec }, status: previous, generation }),
  });
  const runs = readRuns(observed, at);
  const next = nextStatus({ observed, problems, runs, zones, now: at });
  return { next, events: dueEvents(observed.policy.status, next, runs) };
};

const success: World = { jobs: [rawJob()], pods: [rawPod({}, successfulContainers())] };
const problem: Problem = { reason: 'FieldNotAvailable', message: 'spec.podTemplate is not available.' };
const conditionOf = (status: BackupPolicyStatus, type: string) => status.conditions?.find((one) => one.type === type);

test('the first status: everything that is known, and no more', () => {
  const { next, events } = look({ generation: 4 });
  expect(backupPolicyStatus.strict().safeParse(next).error).toBeUndefined();
  expect(next).toMatchObject({
    observedGeneration: 4,
    claimName: 'agama-holdfast',
    nextRunTimes: {
      localCopy: '2026-11-22T23:00:00Z',
      full: '2026-11-28T23:05:00Z',
      incremental: '2026-11-22T23:10:00Z',
    },
    nextRunTime: '2026-11-22T23:00:00Z',
  });
  expect(next.conditions?.every(({ observedGeneration }) => observedGeneration === 4)).toBe(true);
  expect(events).toEqual([]);
});

test('the next verification is among the next runs', () => {
  const { next } = look({ spec: { schedule: { verify: '0 5 * * 0' } } });
  expect(next.nextRunTimes).toMatchObject({ verify: '2026-11-29T03:00:00Z' });
});

test('the status of any runs passes the schema, comes back from the API server as it was, and settles at once', () => {
  const kinds = fc.constantFrom('LocalCopy', 'Full', 'Incremental', 'Prune');
  const runs = fc.array(fc.record({ kind: kinds, hour: fc.nat(500), ends: fc.constantFrom('ok', 'failed', 'lost') }), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(runs, fc.boolean(), (past, stalled) => {
      const options = past.map(({ kind, hour }, index) => ({
        kind: kind as 'Full',
        jobName: `job-${index}`,
        time: later('2026-11-01T00:00:00Z', hour * 3600),
      }));
      const world = {
        jobs: options.map((one, index) => rawJob(one, past[index]?.ends === 'failed' ? 'Failed' : 'Complete')),
        pods: options.flatMap((one, index) =>
          past[index]?.ends === 'ok' ? [rawPod(one, successfulContainers(one))] : [],
        ),
      };
      const problems = stalled ? [problem] : [];
      const { next, events } = look({ world, problems });
      expect(backupPolicyStatus.strict().safeParse(next).error).toBeUndefined();
      expect(events.filter(({ reason }) => /(Succeeded|Failed|Unknown)$/.test(reason))).toHaveLength(
        // A prune that removed nothing is worth no Event.
        past.filter(({ kind, ends }) => kind !== 'Prune' || ends !== 'ok').length,
      );
      const stored: BackupPolicyStatus = JSON.parse(JSON.stringify(next));
      const again = look({ world, problems, previous: stored, at: new Date(now.getTime() + 60_000) });
      expect(again.next).toEqual(stored);
      expect(again.events).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test('lastTransitionTime moves with the status of a condition, and with nothing else', () => {
  const first = look().next;
  const atSuccess = new Date('2026-11-23T00:00:00Z');
  const second = look({ world: success, previous: first, at: atSuccess }).next;
  expect(conditionOf(second, 'LastBackupSucceeded')).toMatchObject({
    status: 'True',
    lastTransitionTime: '2026-11-23T00:00:00Z',
  });
  expect(conditionOf(second, 'Verified')?.lastTransitionTime).toBe('2026-11-22T12:00:00Z');
  // A second success changes the message, not the status.
  const options = { jobName: 'agama-full-2', time: '2026-11-22T02:00:00Z' };
  const more = { jobs: [rawJob(options)], pods: [rawPod(options, successfulContainers(options))] };
  const third = look({ world: more, previous: second, at: new Date('2026-11-24T00:00:00Z'), generation: 2 }).next;
  expect(conditionOf(third, 'LastBackupSucceeded')).toMatchObject({
    message: expect.stringContaining('agama-full-2'),
    lastTransitionTime: '2026-11-23T00:00:00Z',
    observedGeneration: 2,
  });
});

test('a field of status that cannot be read is lost alone, not with the memory of all runs', () => {
  const { next } = look({ world: success });
  const { status } = policyView(
    rawPolicy({ status: { ...next, lastFailure: { reason: 'OfALaterVersion' }, lastRuns: 'none', unknown: 1 } }),
  );
  expect(status.lastFull).toEqual(next.lastFull);
  expect(status.chain).toEqual(next.chain);
  expect(status.conditions).toEqual(next.conditions);
  expect(status).not.toHaveProperty('lastFailure');
  expect(status).not.toHaveProperty('lastRuns');
  for (const status of [undefined, null, 'green', []]) expect(policyView(rawPolicy({ status })).status).toEqual({});
});

describe('next runs', () => {
  test.each([
    { spec: { suspend: true }, problems: [], reason: 'suspended' },
    { spec: {}, problems: [problem], reason: 'stalled' },
  ])('a $reason policy has none', ({ spec, problems }) => {
    const { next } = look({ spec, problems });
    expect(next).not.toHaveProperty('nextRunTimes');
    expect(next).not.toHaveProperty('nextRunTime');
  });

  test('a run that starts this very second is not the next', () => {
    const { next } = look({ at: new Date('2026-11-22T23:00:00Z') });
    expect(next.nextRunTimes?.localCopy).toBe('2026-11-23T23:00:00Z');
  });

  test('@every counts from the last run, or from when the CronJob was made, not from each look', () => {
    const spec = { schedule: { localCopy: '@every 7h', full: undefined, incremental: undefined } };
    const made = rawCronJob({ kind: 'LocalCopy' });
    const ran = { ...made, status: { lastScheduleTime: '2026-11-22T11:30:00Z' } };
    const nextOf = (cronJob: typeof made, at: Date) =>
      look({ spec, world: { cronJobs: [cronJob] }, at }).next.nextRunTime;
    expect(nextOf(made, now)).toBe('2026-11-22T14:00:10Z');
    expect(nextOf(made, new Date(now.getTime() + 1234))).toBe('2026-11-22T14:00:10Z');
    expect(nextOf(ran, now)).toBe('2026-11-22T18:30:00Z');
  });

  test('a line that never comes has none', () => {
    const { next } = look({ spec: { schedule: { full: '0 0 31 2 *' } } });
    expect(next.nextRunTimes).not.toHaveProperty('full');
  });
});

describe('Events', () => {
  test('a success is Normal, a failure is a Warning with step, reason and what to do', () => {
    expect(look({ world: success }).events).toEqual([
      { type: 'Normal', reason: 'FullSucceeded', message: 'A full was made by agama-full-1, checked and recorded.' },
    ]);
    const failed = {
      jobs: [rawJob({}, 'Failed')],
      pods: [
        rawPod({}, [{ name: 'dump', message: JSON.stringify(failedResultOf('dump')), exitCode: 1 }, { name: 'ship' }]),
      ],
    };
    expect(look({ world: failed }).events).toEqual([
      {
        type: 'Warning',
        reason: 'FullFailed',
        message:
          'agama-full-1 failed at step Connect: AccessDenied: The server db.example.com:3306 refused the account. Check the credentials Secret agama-mysql.',
      },
    ]);
    expect(look({ world: { jobs: [rawJob()] } }).events).toMatchObject([{ type: 'Warning', reason: 'FullUnknown' }]);
  });

  test('notes of a run that succeeded are Warnings of their own', () => {
    const [dump] = successfulContainers();
    const notes = [{ reason: 'FactsUnknown', message: 'The account lacks RELOAD.' }];
    const ship = { name: 'ship', message: JSON.stringify(resultOf('ship', {}, { notes })), exitCode: 0 };
    const { events } = look({
      world: { jobs: [rawJob()], pods: [rawPod({}, dump === undefined ? [] : [dump, ship])] },
    });
    expect(events).toMatchObject([
      { reason: 'FullSucceeded' },
      { type: 'Warning', reason: 'FactsUnknown', message: 'agama-full-1: The account lacks RELOAD.' },
    ]);
  });

  test('an incremental that became a full says so', () => {
    const options = { kind: 'Incremental' } as const;
    const made = resultOf('ship', options, { made: 'Full' });
    const [dump] = successfulContainers(options);
    const ship = { name: 'ship', message: JSON.stringify(made), exitCode: 0 };
    const world = { jobs: [rawJob(options)], pods: [rawPod(options, dump === undefined ? [] : [dump, ship])] };
    expect(look({ world }).events).toMatchObject([
      { reason: 'IncrementalSucceeded', message: expect.stringMatching(/^A full was made by agama-incremental-1/) },
    ]);
  });

  test('a policy that becomes stalled and is freed says so once', () => {
    const stalled = look({ problems: [problem] });
    expect(stalled.events).toEqual([{ type: 'Warning', reason: 'Stalled', message: problem.message }]);
    expect(look({ problems: [problem], previous: stalled.next }).events).toEqual([]);
    expect(look({ previous: stalled.next }).events).toMatchObject([{ type: 'Normal', reason: 'Applied' }]);
  });

  test('a Job that is gone, or comes back from a stale cache, makes no Event again', () => {
    const { next } = look({ world: success });
    expect(look({ world: { jobs: [] }, previous: next }).events).toEqual([]);
    expect(look({ world: success, previous: next }).events).toEqual([]);
  });
});

test('a prune is told of when it removed something, or failed', () => {
  const removed = { reason: 'ChainRemoved', message: 'Retention removed chain-20261101T000000Z; 4 are kept.' };
  const kind = 'Prune' as const;
  const pods = [
    rawPod({ kind }, [
      { name: 'prune', message: JSON.stringify(resultOf('prune', { kind }, { notes: [removed] })), exitCode: 0 },
    ]),
  ];
  const { next, events } = look({ world: { jobs: [rawJob({ kind })], pods } });
  expect(events).toMatchObject([{ type: 'Normal', reason: 'ChainRemoved' }]);
  expect(next.retention).toMatchObject({ removed: 1, chains: 4, lastPruneTime: '2026-11-15T01:59:55Z' });
  const failure = { step: 'Remove', reason: 'RemovalRefused', message: 'The chain still has files.' };
  const failed = JSON.stringify(resultOf('prune', { kind }, { outcome: 'Failed', retention: undefined, failure }));
  const world = {
    jobs: [rawJob({ kind }, 'Failed')],
    pods: [rawPod({ kind }, [{ name: 'prune', message: failed, exitCode: 1 }], 'Failed')],
  };
  const after = look({ world, spec: { retention: { keepFor: '4w' } } });
  expect(after.events).toMatchObject([{ type: 'Warning', reason: 'PruneFailed' }]);
  expect(conditionOf(after.next, 'RetentionKept')).toMatchObject({ status: 'False', reason: 'RemovalRefused' });
  expect(conditionOf(after.next, 'Protected')).toMatchObject({
    status: 'False',
    message: expect.stringContaining('RetentionKept'),
  });
});
