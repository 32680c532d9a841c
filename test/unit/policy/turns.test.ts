import type { BackupPolicyStatus } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { createZones } from '../../../src/cron/zones.ts';
import { dueEvents, tamperEvents } from '../../../src/policy/events.ts';
import { planPolicy } from '../../../src/policy/plan.ts';
import { readRuns } from '../../../src/policy/run-reports.ts';
import { judgePolicy } from '../../../src/policy/status.ts';
import { requestAnnotation } from '../../../src/workloads/labels.ts';
import { testSettings } from '../../support/operator/images.ts';
import { rawPolicy, type Json } from '../../support/operator/policies.ts';
import {
  allCronJobs,
  later,
  observedOf,
  rawCronJob,
  rawJob,
  rawPod,
  resultOf,
  successfulContainers,
  verificationOf,
  type World,
} from '../../support/operator/runs.ts';

// Events of what turns by itself: one a change, however often and by whomever it is looked at.

const zones = createZones();
const backup = { kind: 'Full', time: '2026-11-15T02:00:00Z' } as const;
const dataTime = later(backup.time, -900);
const full = { jobs: [rawJob(backup)], pods: [rawPod(backup, successfulContainers(backup))] };

interface Look {
  at: string;
  world?: World;
  previous?: BackupPolicyStatus;
  spec?: Json;
  annotations?: Record<string, string>;
  request?: BackupPolicyStatus['lastRequestedRun'];
}
const look = ({ at, world = {}, previous, spec = {}, annotations = {}, request }: Look) => {
  const raw = rawPolicy({ spec, status: previous === undefined ? undefined : JSON.parse(JSON.stringify(previous)) });
  const policy = { ...raw, metadata: { ...raw.metadata, annotations } };
  const observed = observedOf({ cronJobs: allCronJobs(), ...world, policy });
  const now = new Date(at);
  const runs = readRuns(observed, now);
  const { status, wakeAt } = judgePolicy({ observed, problems: [], runs, request, zones, now });
  const events = dueEvents(observed.policy.status, status, runs).map(({ type, reason }) => `${type} ${reason}`);
  return { status, wakeAt, events };
};
const conditionOf = (status: BackupPolicyStatus, type: string) => status.conditions?.find((one) => one.type === type);

test('RecoveryPointMissed once, when it is missed by itself; RecoveryPointMet once, when it is met again', () => {
  const spec = { schedule: { localCopy: undefined, incremental: undefined } };
  const first = look({ spec, at: '2026-11-15T03:00:00Z', world: full });
  expect(first.events).toEqual(['Normal FullSucceeded']);
  expect(first.status.recovery).toMatchObject({ latest: dataTime, metUntil: later(dataTime, 25 * 3600) });
  // Somebody looks at that very time, for nothing else would happen.
  expect(first.wakeAt?.toISOString()).toBe('2026-11-16T02:45:00.000Z');
  const missed = look({ spec, at: later(dataTime, 25 * 3600), previous: first.status });
  expect(missed.events).toContain('Warning RecoveryPointMissed');
  expect(conditionOf(missed.status, 'Protected')).toMatchObject({
    status: 'False',
    message: expect.stringContaining('RecoveryPointMet'),
  });
  expect(look({ spec, at: later(dataTime, 25 * 3600 + 60), previous: missed.status }).events).toEqual([]);
  const again = { kind: 'Incremental', jobName: 'agama-incremental-2', time: '2026-11-17T02:00:00Z' } as const;
  const world = { jobs: [rawJob(again)], pods: [rawPod(again, successfulContainers(again))] };
  const met = look({ spec, at: '2026-11-17T02:00:05Z', previous: missed.status, world });
  expect(met.events).toContain('Normal RecoveryPointMet');
  expect(look({ spec, at: '2026-11-17T02:00:06Z', previous: met.status, world }).events).toEqual([]);
});

test('RunMissed once, and RunsOnTime once when one starts again', () => {
  const spec = { objectives: undefined, schedule: { localCopy: undefined, incremental: undefined, full: '0 * * * *' } };
  const first = look({ at: '2026-11-15T02:30:00Z', spec });
  expect(first.events).toEqual([]);
  expect(first.wakeAt?.toISOString()).toBe('2026-11-15T04:05:00.000Z');
  const missed = look({ at: '2026-11-15T04:05:00Z', spec, previous: first.status });
  expect(missed.events).toEqual(['Warning RunMissed']);
  expect(look({ at: '2026-11-15T05:05:00Z', spec, previous: missed.status }).events).toEqual([]);
  const cronJob = { ...rawCronJob(backup), status: { lastScheduleTime: '2026-11-15T05:00:00Z' } };
  const started = look({ at: '2026-11-15T05:06:00Z', spec, previous: missed.status, world: { cronJobs: [cronJob] } });
  expect(started.events).toEqual(['Normal RunsOnTime']);
});

test('RunStuck once while kubelet’s words take turns', () => {
  const options = { kind: 'Full', jobName: 'agama-full-9' } as const;
  const job = rawJob(options, 'active');
  const world = (reason: string): World => ({
    jobs: [{ ...job, metadata: { ...job.metadata, creationTimestamp: '2026-11-15T02:00:00Z' } }],
    pods: [rawPod(options, [{ name: 'dump', waiting: { reason, message: 'x' } }, { name: 'ship' }], 'Pending')],
  });
  const spec = { objectives: undefined };
  const first = look({ at: '2026-11-15T02:00:30Z', world: world('ErrImagePull'), spec });
  expect(first.events).toEqual([]);
  expect(first.wakeAt?.toISOString()).toBe('2026-11-15T02:02:00.000Z');
  const stuck = look({ at: '2026-11-15T02:02:00Z', world: world('ErrImagePull'), spec, previous: first.status });
  expect(stuck.events).toEqual(['Warning RunStuck']);
  let { status } = stuck;
  for (const reason of ['ImagePullBackOff', 'ErrImagePull', 'ImagePullBackOff']) {
    const next = look({ at: '2026-11-15T02:03:00Z', world: world(reason), spec, previous: status });
    expect(next.events).toEqual([]);
    status = next.status;
  }
  const running = {
    jobs: world('x').jobs ?? [],
    pods: [rawPod(options, [{ name: 'dump' }, { name: 'ship' }], 'Running')],
  };
  expect(look({ at: '2026-11-15T02:05:00Z', world: running, spec, previous: status }).events).toEqual([
    'Normal RunsOnTime',
  ]);
});

describe('each verification is one Event', () => {
  const spec = { objectives: undefined, schedule: { verify: '0 5 * * 0' } };
  const run = (number: number, end: 'Complete' | 'Failed', changes: Json = {}, report = {}): World => {
    const options = {
      kind: 'Verify',
      jobName: `agama-verify-${number}`,
      time: `2026-11-1${number}T04:00:00Z`,
    } as const;
    const message = JSON.stringify(resultOf('verify', options, { verification: verificationOf(report), ...changes }));
    const [fetch] = successfulContainers(options);
    const containers = [
      ...(fetch === undefined ? [] : [fetch]),
      { name: 'verify', message, exitCode: end === 'Failed' ? 1 : 0 },
    ];
    return { jobs: [rawJob(options, end)], pods: [rawPod(options, containers)] };
  };
  const failure = { step: 'Compare', reason: 'ContentDiffers', message: 'Table orders differs.' };
  const busy = { step: 'Lock', reason: 'AnotherRunActive', message: 'Another run is active.' };
  const good = run(5, 'Complete');
  const bad = run(6, 'Failed', { outcome: 'Failed', failure }, { outcome: 'Failed' });
  const unsure = run(7, 'Failed', { outcome: 'Failed', failure: busy, verification: undefined });

  test('Verified, VerificationFailed, CouldNotVerify, and none of them twice', () => {
    let previous: BackupPolicyStatus | undefined;
    const seen: string[][] = [];
    for (const world of [good, good, bad, bad, unsure, unsure, good, {}]) {
      const { status, events } = look({ at: '2026-11-18T00:00:00Z', world, spec, ...(previous && { previous }) });
      seen.push(events);
      previous = status;
    }
    expect(seen).toEqual([
      ['Normal Verified'],
      [],
      ['Warning VerificationFailed'],
      [],
      ['Warning CouldNotVerify'],
      [],
      [],
      [],
    ]);
    // What was found wrong outlasts a verification that could not be carried out.
    expect(conditionOf(previous ?? {}, 'Verified')).toMatchObject({ status: 'False', reason: 'ContentDiffers' });
    expect(previous?.lastVerifiedTime).toBe('2026-11-15T04:00:00Z');
  });

  test('a pod that is seen after its Job corrects the word', () => {
    const lost = look({ at: '2026-11-18T00:00:00Z', world: { jobs: good.jobs ?? [] }, spec });
    expect(lost.events).toEqual(['Warning CouldNotVerify']);
    expect(look({ at: '2026-11-18T00:00:00Z', world: good, spec, previous: lost.status }).events).toEqual([
      'Normal Verified',
    ]);
  });
});

test('a run that was asked for is told once; so is one that could not be started', () => {
  const annotations = { [requestAnnotation]: 'full@1' };
  const spec = { objectives: undefined };
  const at = '2026-11-15T03:00:00Z';
  const started = look({ at, annotations, spec, request: { value: 'full@1', jobName: 'agama-full-run-0' } });
  expect(started.events).toEqual(['Normal RunRequested']);
  expect(look({ at, annotations, spec, previous: started.status }).events).toEqual([]);
  const wrong = { value: 'x', problem: 'write full@1.' };
  const refused = look({
    at,
    annotations: { [requestAnnotation]: 'x' },
    spec,
    previous: started.status,
    request: wrong,
  });
  expect(refused.events).toEqual(['Warning RunNotStarted']);
  expect(conditionOf(refused.status, 'Ready')?.message).toContain('write full@1.');
  // Gone with the annotation; what was asked for is remembered.
  const gone = look({ at, spec, previous: refused.status });
  expect(conditionOf(gone.status, 'Ready')?.message).not.toContain('write full@1.');
  expect(gone.status.lastRequestedRun).toEqual(wrong);
});

describe('a CronJob that somebody touched', () => {
  const applied: BackupPolicyStatus = {
    observedGeneration: 1,
    timetable: { key: 'k', since: '2026-11-15T03:00:00Z', cronJobs: ['LocalCopy', 'Full'] },
  };
  const asApplied = (change: Json = {}) => {
    const wanted = planPolicy(observedOf({ cronJobs: [] }), [], testSettings).cronJobs;
    return wanted.map(({ desired }) => {
      const kind = desired.metadata.labels['holdfast.dev/run'] as 'Full';
      const isFull = kind === 'Full';
      return { ...rawCronJob({ kind }), spec: { ...desired.spec, ...(isFull ? change : {}) } };
    });
  };
  const told = (cronJobs: ReturnType<typeof asApplied>, status = applied, spec: Json = {}, generation = 1) => {
    const observed = observedOf({ policy: rawPolicy({ status, spec, generation }), cronJobs });
    return tamperEvents(observed, planPolicy(observed, [], testSettings)).map(({ reason, message }) => ({
      reason,
      message,
    }));
  };

  test('suspended or deleted: it is said', () => {
    expect(told(asApplied())).toEqual([]);
    expect(told(asApplied({ suspend: true }))).toMatchObject([
      { reason: 'CronJobSuspended', message: expect.stringContaining('agama-full') },
    ]);
    const [, ...others] = asApplied();
    expect(told(others)).toMatchObject([
      { reason: 'CronJobDeleted', message: expect.stringContaining('agama-local-copy') },
    ]);
  });

  test('not what a new spec asks for, nor before it was applied, nor what the policy suspends itself', () => {
    expect(told([], {})).toEqual([]);
    expect(told([], applied, {}, 2)).toEqual([]);
    expect(told(asApplied({ suspend: true }), applied, { suspend: true })).toEqual([]);
    // What was not there yet: an incremental, and a verification whose server has just become known.
    const [localCopy, full] = asApplied();
    expect(told([localCopy, full].filter((one) => one !== undefined))).toEqual([]);
  });
});
