import type { BackupPolicyStatus } from '../../../src/api/v1alpha1/backuppolicy.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import type { Evidence, Statement } from '../../../src/policy/statement.ts';
import type { History } from '../../../src/policy/history.ts';
import { recoveryPointMet, recoveryStatus, recoveryTimeMet } from '../../../src/policy/objectives.ts';
import { nextTimetable, runsOnTime } from '../../../src/policy/runs-on-time.ts';
import { verifiedCondition } from '../../../src/policy/verified-condition.ts';
import { policyView } from '../../../src/policy/views.ts';
import { evidenceOf } from '../../support/operator/evidence.ts';
import { rawPolicy, type Json } from '../../support/operator/policies.ts';
import {
  later,
  observedOf,
  pointsOf,
  rawCronJob,
  rawJob,
  rawPod,
  verificationOf,
  type ContainerEnd,
  subject,
} from '../../support/operator/runs.ts';

const specOf = (spec: Json = {}) => policyView(rawPolicy({ spec })).spec;
const { full, localCopy } = pointsOf('agama-full-1', '2026-11-15T02:00:00Z');
const dataTime = full.dataTime;
const created = '2026-11-01T00:00:00Z';
const listed = (offSite: string | undefined, earliest = offSite): NonNullable<History['recovery']> => ({
  checkedTime: '2026-11-15T02:00:00Z',
  ...(offSite === undefined
    ? {}
    : { offSite: { dataTime: offSite, source: subject.source }, earliestSource: subject.source }),
  ...(earliest === undefined ? {} : { earliest }),
});
const { latest } = verificationOf();
const set = latest.set ?? { type: 'Full', setTime: '', dataTime: '', chain: '', setDigest: '' };
type Verified = NonNullable<BackupPolicyStatus['lastVerified']>;
const verifiedAt = (time: string, changes: Partial<Verified> = {}): Verified => {
  const { outcome: _, seconds: __, ...report } = latest;
  return { time, jobName: 'agama-verify-1', ...report, set, restoreSeconds: 37, ...changes };
};
const failedAt = (time: string, sets = [set]): NonNullable<BackupPolicyStatus['lastFailedVerification']> => ({
  time,
  jobName: 'agama-verify-2',
  reason: 'ContentDiffers',
  message: 'Table orders differs.',
  sets,
});
const at = (time: string) => ({ now: new Date(time) });

describe('RecoveryPointMet', () => {
  const rpo = (recoveryPointObjective: string) => specOf({ objectives: { recoveryPointObjective } });
  const failedSet = { ...set, setTime: full.setTime, dataTime };
  const older = { ...set, setTime: '2026-11-08T01:46:40Z', dataTime: '2026-11-08T01:45:00Z', chain: 'chain-older' };

  test.each<{
    reason: string;
    status: Statement['status'];
    history?: History;
    spec?: Json;
    now: string;
    words?: string;
  }>([
    { reason: 'a second before the end', status: 'True', now: later(dataTime, 25 * 3600 - 1) },
    { reason: 'at the end', status: 'False', now: later(dataTime, 25 * 3600), words: '2026-11-16T02:45:00Z' },
    { reason: 'never backed up, within the first span', status: 'Unknown', history: {}, now: '2026-11-02T00:59:59Z' },
    { reason: 'never backed up, when it is over', status: 'False', history: {}, now: '2026-11-02T01:00:00Z' },
    {
      reason: 'no listing tells of a whole set',
      status: 'False',
      history: { recovery: listed(undefined) },
      now: dataTime,
    },
    {
      reason: 'a local copy alone',
      status: 'False',
      history: { recovery: { onSite: { dataTime, where: 'LocalCopy' } }, lastLocalCopy: localCopy },
      now: dataTime,
    },
    {
      reason: 'its chain was found damaged',
      status: 'False',
      history: { recovery: listed(dataTime), lastFull: full, lastFailedVerification: failedAt(dataTime, [failedSet]) },
      now: dataTime,
      words: 'chain-20261115T014630Z, which a verification found damaged',
    },
    {
      reason: 'a chain of before was found damaged',
      status: 'True',
      history: { recovery: listed(dataTime), lastFull: full, lastFailedVerification: failedAt(dataTime, [older]) },
      now: dataTime,
    },
    {
      reason: 'the newest whole set is of an older chain that was found damaged',
      status: 'False',
      history: {
        recovery: listed('2026-11-14T23:00:00Z'),
        lastFull: full,
        lastFailedVerification: failedAt(dataTime, [older]),
      },
      now: dataTime,
    },
    {
      reason: 'the damaged chain was restored since',
      status: 'True',
      history: {
        recovery: listed(dataTime),
        lastFull: full,
        lastFailedVerification: failedAt(dataTime, [failedSet]),
        lastVerified: verifiedAt(later(dataTime, 60)),
      },
      now: dataTime,
    },
    {
      reason: 'another chain was restored since',
      status: 'False',
      history: {
        recovery: listed(dataTime),
        lastFull: full,
        lastFailedVerification: failedAt(dataTime, [failedSet]),
        lastVerified: verifiedAt(later(dataTime, 60), { set: older }),
      },
      now: dataTime,
    },
    {
      reason: 'a verification failed and does not say of what',
      status: 'False',
      history: { recovery: listed(dataTime), lastFull: full, lastFailedVerification: failedAt(dataTime, []) },
      now: dataTime,
    },
    {
      reason: 'what failed so is older than the backup',
      status: 'True',
      history: {
        recovery: listed(dataTime),
        lastFull: full,
        lastFailedVerification: failedAt(later(dataTime, -1), []),
      },
      now: dataTime,
    },
    {
      reason: 'a month on the calendar, not 30 days',
      status: 'True',
      spec: { objectives: { recoveryPointObjective: '1mo' } },
      history: { recovery: listed('2026-10-15T10:00:00Z') },
      now: '2026-11-15T10:59:59Z',
      words: '2026-11-15T11:00:00Z',
    },
  ])(
    '$status: $reason',
    ({ status, now, words = '', spec, history = { recovery: listed(dataTime), lastFull: full } }) => {
      const evidence = evidenceOf({ history, created, ...(spec && { spec: specOf(spec) }), ...at(now) });
      const { statement } = recoveryPointMet(evidence);
      expect(statement.status).toBe(status);
      expect(statement.message).toContain(words);
      // What holds now ends by itself, and somebody looks then.
      expect(statement.wakeAt === undefined).toBe(status === 'False');
      if (statement.wakeAt === undefined) return;
      const then = recoveryPointMet({ ...evidence, now: statement.wakeAt });
      expect(then.statement.status).toBe('False');
    },
  );

  test('until when it is met is in status, also of an age that no calendar has', () => {
    const history = { recovery: listed(dataTime), lastFull: full };
    const metUntil = (spec: Evidence['spec']) => recoveryPointMet(evidenceOf({ history, spec })).metUntil;
    expect(metUntil(rpo('25h'))).toBe('2026-11-16T02:45:00Z');
    expect(metUntil(rpo('999999mo999999w999999d'))).toBe('9999-12-31T23:59:59Z');
    expect(metUntil(specOf({ objectives: undefined }))).toBeUndefined();
  });

  test('a zone that cannot be read leaves it Unknown', () => {
    const problems = [{ reason: 'ScheduleInvalid', message: 'x' }] as const;
    const spec = specOf({ schedule: { timeZone: 'Not/There' } });
    expect(recoveryPointMet(evidenceOf({ spec, problems })).statement.status).toBe('Unknown');
  });
});

describe('RecoveryTimeMet', () => {
  const measured = (restoreSeconds: number, sourceBytes: number, sizeBytes: number): History => ({
    lastVerified: verifiedAt('2026-11-16T03:00:00Z', { restoreSeconds, sourceBytes }),
    lastLocalCopy: { ...localCopy, sizeBytes },
  });
  test.each<{ reason: string; history: History; status: Statement['status']; seconds?: number }>([
    { reason: 'never measured', history: { lastLocalCopy: localCopy }, status: 'Unknown' },
    { reason: 'as large as then', history: measured(3600, 1000, 1000), status: 'True', seconds: 3600 },
    { reason: 'grown by a little', history: measured(3600, 1000, 1001), status: 'False', seconds: 3604 },
    { reason: 'grown tenfold', history: measured(360, 1000, 10_000), status: 'True', seconds: 3600 },
    { reason: 'smaller: never less than measured', history: measured(3601, 1000, 1), status: 'False', seconds: 3601 },
    { reason: 'an empty source then', history: measured(1, 0, 10_000), status: 'False', seconds: 10_000 },
    {
      reason: 'its size is not known',
      history: { ...measured(1, 1, 1), lastVerified: verifiedAt(created, { sourceBytes: undefined }) },
      status: 'Unknown',
    },
    {
      reason: 'its time is not known',
      history: { ...measured(1, 1, 1), lastVerified: verifiedAt(created, { restoreSeconds: undefined }) },
      status: 'Unknown',
    },
    { reason: 'the size of today is not known', history: { lastVerified: verifiedAt(created) }, status: 'Unknown' },
  ])('$status: $reason', ({ history, status, seconds }) => {
    const { statement, estimatedSeconds } = recoveryTimeMet(evidenceOf({ history }));
    expect(statement.status).toBe(status);
    expect(estimatedSeconds).toBe(seconds);
    expect(statement.message.includes('agama-verify-1 fetched, loaded and compared')).toBe(seconds !== undefined);
  });

  test('recovery in status tells all of it, and nothing when there is nothing', () => {
    const evidence = evidenceOf({ history: { ...measured(360, 1000, 2000), recovery: listed(dataTime) } });
    expect(recoveryStatus(evidence.history.recovery, recoveryPointMet(evidence), recoveryTimeMet(evidence))).toEqual({
      ...listed(dataTime),
      latest: dataTime,
      metUntil: '2026-11-16T02:45:00Z',
      measuredSeconds: 360,
      estimatedSeconds: 720,
    });
    const nothing = evidenceOf();
    expect(recoveryStatus(undefined, recoveryPointMet(nothing), recoveryTimeMet(nothing))).toBeUndefined();
  });
});

describe('Verified', () => {
  // Sundays at 05:00 in Tallinn: 03:00 UTC.
  const weekly = specOf({ schedule: { verify: '0 5 * * 0' } });
  const sunday = '2026-11-15T03:00:00Z';
  const verified = { lastVerified: verifiedAt(later(sunday, 600)), lastVerifiedTime: later(sunday, 600) };
  const couldNot = (time: string): History['lastVerification'] => ({
    time,
    jobName: 'agama-verify-3',
    outcome: 'CouldNotVerify',
    reason: 'SandboxUnavailable',
    message: 'No answer.',
  });
  const week = 7 * 86_400;

  test.each<{
    reason: string;
    status: Statement['status'];
    why: string;
    history: History;
    now: string;
    spec?: Evidence['spec'];
  }>([
    { reason: 'just restored', status: 'True', why: 'Restored', history: verified, now: later(sunday, 600) },
    {
      reason: 'the next did not come: that is still within the grace',
      status: 'True',
      why: 'Restored',
      history: verified,
      now: later(sunday, 2 * week - 1),
    },
    {
      reason: 'nor the one after it',
      status: 'Unknown',
      why: 'Overdue',
      history: verified,
      now: later(sunday, 2 * week),
    },
    { reason: 'never', status: 'Unknown', why: 'NeverVerified', history: {}, now: sunday },
    {
      reason: 'a later one could not verify',
      status: 'Unknown',
      why: 'SandboxUnavailable',
      history: { ...verified, lastVerification: couldNot(later(sunday, week)) },
      now: later(sunday, week + 60),
    },
    {
      reason: 'a later one failed',
      status: 'False',
      why: 'ContentDiffers',
      history: { ...verified, lastFailedVerification: failedAt(later(sunday, week)) },
      now: later(sunday, week + 60),
    },
    {
      reason: 'one failed, and one after it could not verify',
      status: 'False',
      why: 'ContentDiffers',
      history: {
        ...verified,
        lastFailedVerification: failedAt(later(sunday, week)),
        lastVerification: couldNot(later(sunday, 2 * week)),
      },
      now: later(sunday, 3 * week),
    },
    {
      reason: 'of the same second the one that failed counts',
      status: 'False',
      why: 'ContentDiffers',
      history: { ...verified, lastFailedVerification: failedAt(later(sunday, 600)) },
      now: later(sunday, 700),
    },
    {
      reason: 'one failed, and a later one succeeded',
      status: 'True',
      why: 'Restored',
      history: { ...verified, lastFailedVerification: failedAt(sunday) },
      now: later(sunday, 700),
    },
    {
      reason: 'nothing schedules it',
      status: 'Unknown',
      why: 'NotScheduled',
      history: verified,
      now: later(sunday, 600),
      spec: specOf(),
    },
    {
      reason: 'nothing schedules it any more, and the newest failed',
      status: 'False',
      why: 'ContentDiffers',
      history: { lastFailedVerification: failedAt(sunday) },
      now: later(sunday, 600),
      spec: specOf(),
    },
    {
      reason: 'the spec cannot be read',
      status: 'Unknown',
      why: 'SpecUnreadable',
      history: verified,
      now: later(sunday, 600),
      spec: undefined,
    },
  ])('$status, $why: $reason', ({ status, why, history, now, ...rest }) => {
    const evidence = evidenceOf({ spec: 'spec' in rest ? rest.spec : weekly, history, ...at(now) });
    const statement = verifiedCondition(evidence);
    expect(statement).toMatchObject({ status, reason: why });
    const { lastVerified, lastFailedVerification } = history;
    expect(statement.message.includes(set.setTime)).toBe((lastVerified ?? lastFailedVerification) !== undefined);
    expect(statement.wakeAt === undefined).toBe(status !== 'True');
    const then = verifiedCondition({ ...evidence, now: statement.wakeAt ?? evidence.now });
    expect(then.status).toBe(status === 'True' ? 'Unknown' : status);
  });

  test('which set is proven, and that nothing newer is', () => {
    const message = (history: History) =>
      verifiedCondition(evidenceOf({ spec: weekly, history, ...at(sunday) })).message;
    expect(message(verified)).toBe(
      'The full of 2026-11-15T01:46:40Z in chain-20261115T014630Z, with the data of 2026-11-15T01:45:00Z, was restored by agama-verify-1 at 2026-11-15T03:10:00Z and found equal (12 objects, 3456 rows).',
    );
    expect(message({ ...verified, lastBackupTime: later(sunday, 86_400) })).toMatch(
      /What was backed up since is not proven by that\.$/,
    );
  });

  test('the clock is put forward on the day: the line is read in its zone', () => {
    // 03:30 in Tallinn is left out on 2026-03-29, so the second time after it is a day later.
    const spec = specOf({ schedule: { verify: '30 3 * * *' } });
    const history = { lastVerified: verifiedAt('2026-03-28T01:35:00Z') };
    const { wakeAt } = verifiedCondition(evidenceOf({ spec, history, ...at('2026-03-28T02:00:00Z') }));
    expect(wakeAt?.toISOString()).toBe('2026-03-31T00:30:00.000Z');
  });
});

describe('RunsOnTime', () => {
  const spec = specOf();
  // In Tallinn 01:00 daily, Sundays 01:05, other days 01:10: two hours earlier in UTC.
  const tuesday = '2026-11-16T23:10:00Z';
  const lateness = 3600 + 300;
  const since = (time: string) => ({ timetable: { key: 'k', since: time } });
  const ranAt = (kind: 'LocalCopy' | 'Full' | 'Incremental' | 'Prune', time: string, index = 1) => ({
    kind,
    jobName: `agama-${kind.toLowerCase()}-${index}`,
    completionTime: time,
    outcome: 'Succeeded' as const,
  });
  const others = [ranAt('LocalCopy', later(tuesday, 60)), ranAt('Full', later(tuesday, -86_400))];
  const scheduled = (kind: 'LocalCopy' | 'Full' | 'Incremental', lastScheduleTime?: string): KubeObject => ({
    ...rawCronJob({ kind }),
    status: lastScheduleTime === undefined ? {} : { lastScheduleTime },
  });
  const madeAt = (job: KubeObject, creationTimestamp: string): KubeObject => ({
    ...job,
    metadata: { ...job.metadata, creationTimestamp },
  });
  const job = (
    creationTimestamp: string,
    end: 'Complete' | 'active' = 'Complete',
    time = later(creationTimestamp, 60),
  ) => madeAt(rawJob({ kind: 'Incremental', time }, end), creationTimestamp);
  interface Given extends Partial<Omit<Evidence, 'now' | 'observed'>> {
    jobs?: KubeObject[];
    cronJobs?: KubeObject[];
    now: string;
  }
  const judged = ({ jobs = [], cronJobs, now, ...given }: Given) => {
    const observed = observedOf({ jobs, ...(cronJobs && { cronJobs }) });
    const history = { lastRuns: others };
    return runsOnTime(
      evidenceOf({ history, observed, ...since('2026-11-16T12:00:00Z'), ...given, now: new Date(now) }),
    );
  };
  const late = later(tuesday, lateness);

  test('a time that passed with no run: False once it is too late to start, and somebody looks then', () => {
    const before = judged({ now: later(late, -1) });
    expect(before).toMatchObject({ status: 'True', wakeAt: new Date(late) });
    expect(judged({ now: late })).toMatchObject({
      status: 'False',
      reason: 'RunMissed',
      message: expect.stringContaining('Incremental of 2026-11-16T23:10:00Z'),
    });
  });

  test.each<{ reason: string; given: Omit<Given, 'now'>; status?: Statement['status'] }>([
    { reason: 'CronJob says that it started it', given: { cronJobs: [scheduled('Incremental', tuesday)] } },
    { reason: 'a Job was made at that time', given: { jobs: [job(later(tuesday, 5))] } },
    {
      reason: 'a Job of before it went on until later',
      given: { jobs: [job(later(tuesday, -600), 'Complete', later(tuesday, 1))] },
    },
    {
      reason: 'a Job of before it still goes on',
      given: { jobs: [job(later(tuesday, -600), 'active')] },
      status: 'False',
    },
    {
      reason: 'status knows of a run that ended since',
      given: { history: { lastRuns: [...others, ranAt('Incremental', later(tuesday, 1))] } },
    },
    { reason: 'the policy is younger', given: { created: tuesday, ...since(tuesday) } },
    { reason: 'the timetable is younger', given: since(tuesday) },
  ])('a time that passed is accounted for when $reason', ({ given, status = 'True' }) => {
    const statement = judged({ ...given, now: late });
    // One that goes on without a pod is stuck, which is another word.
    expect(statement).toMatchObject({ status, ...(status === 'False' && { reason: 'RunStuck' }) });
  });

  test.each<{ reason: string; given: Omit<Given, 'now'> }>([
    {
      reason: 'CronJob last started one a day before',
      given: { cronJobs: [scheduled('Incremental', later(tuesday, -86_400))] },
    },
    { reason: 'the newest Job ended before', given: { jobs: [job(later(tuesday, -7200))] } },
    {
      reason: 'status knows of one that ended before',
      given: { history: { lastRuns: [...others, ranAt('Incremental', later(tuesday, -1))] } },
    },
    {
      reason: 'a run of another kind was made',
      given: { jobs: [madeAt(rawJob({ kind: 'Full' }), later(tuesday, 5))] },
    },
    { reason: 'the CronJob was deleted', given: { cronJobs: [] } },
    {
      reason: 'a CronJob of an earlier policy of this name started one',
      given: {
        cronJobs: [
          {
            ...rawCronJob({ kind: 'Incremental', policyUid: 'earlier' }),
            status: { lastScheduleTime: tuesday },
          },
        ],
      },
    },
    { reason: 'a Job of somebody else was made', given: { jobs: [job(later(tuesday, 5))], cronJobs: [] } },
  ])('and is not when $reason', ({ given }) => {
    expect(judged({ ...given, now: late })).toMatchObject({ status: 'False', reason: 'RunMissed' });
  });

  test('a run that goes on into the next time accounts for it, however long', () => {
    const options = { kind: 'Incremental', jobName: 'agama-incremental-1' } as const;
    const jobs = [job(later(tuesday, -600), 'active')];
    const working: KubeObject = {
      ...rawPod(options, [], 'Running'),
      status: { phase: 'Running', containerStatuses: [{ name: 'ship', state: { running: { startedAt: tuesday } } }] },
    };
    const observed = observedOf({ jobs, pods: [working] });
    const given = { spec, history: { lastRuns: others }, ...since('2026-11-16T12:00:00Z') };
    expect(runsOnTime(evidenceOf({ ...given, observed, now: new Date(late) })).status).toBe('True');
  });

  test('a run that was missed stays said until one starts, and no longer', () => {
    expect(judged({ now: later(tuesday, 86_400) })).toMatchObject({ status: 'False' });
    const history = { lastRuns: [...others, ranAt('LocalCopy', later(tuesday, 86_400), 2)] };
    expect(
      judged({ now: later(tuesday, 86_460), history, cronJobs: [scheduled('Incremental', later(tuesday, 86_400))] }),
    ).toMatchObject({
      status: 'True',
    });
  });

  test('@every counts from the last start', () => {
    const every = specOf({ schedule: { localCopy: '@every 6h', full: undefined, incremental: undefined } });
    const cronJobs = [scheduled('LocalCopy', '2026-11-16T12:00:00Z')];
    const look = (now: string) => judged({ spec: every, cronJobs, history: {}, now });
    const end = later('2026-11-16T18:00:00Z', lateness);
    expect(look(later(end, -1))).toMatchObject({ status: 'True', wakeAt: new Date(end) });
    expect(look(end)).toMatchObject({
      status: 'False',
      message: expect.stringContaining('LocalCopy of 2026-11-16T18:00:00Z'),
    });
  });

  test('not while it is suspended, and not by a schedule or a deadline that cannot be read', () => {
    expect(judged({ now: late, spec: specOf({ suspend: true }) })).toMatchObject({
      status: 'Unknown',
      reason: 'Suspended',
    });
    for (const reason of ['ScheduleInvalid', 'DeadlineInvalid'] as const) {
      const problems = [{ reason, message: 'x' }];
      const unread = specOf({ schedule: { timeZone: 'Not/There' }, deadlines: { start: '1mo' } });
      expect(judged({ now: late, spec: unread, problems })).toMatchObject({
        status: 'Unknown',
        reason: 'ScheduleInvalid',
      });
    }
    expect(judged({ now: late, spec: undefined })).toMatchObject({ status: 'Unknown' });
  });

  test('the timetable is another when anything of it is, and keeps its time while it is the same', () => {
    const now = new Date('2026-11-16T12:00:00Z');
    const of = (changes: Json, previous?: BackupPolicyStatus['timetable'], at = now) => {
      const read = specOf(changes);
      if (read === undefined) throw new Error('cannot be read');
      return nextTimetable(read, previous, at);
    };
    const first = of({});
    expect(of({ retention: { keepFor: '4w' } }, first, new Date('2026-11-20T00:00:00Z'))).toEqual(first);
    for (const changes of [
      { suspend: true },
      { deadlines: { start: '2h' } },
      ...['timeZone', 'localCopy', 'full', 'incremental', 'verify'].map((field) => ({
        schedule: { [field]: field === 'timeZone' ? 'Etc/UTC' : '1 2 3 4 5' },
      })),
    ]) {
      expect(of(changes, first, new Date('2026-11-20T00:00:00Z'))).toMatchObject({ since: '2026-11-20T00:00:00Z' });
    }
  });

  describe('a run that does not get going', () => {
    const start = '2026-11-17T00:00:00Z';
    const options = { kind: 'Full', jobName: 'agama-full-9' } as const;
    const active = madeAt(rawJob(options, 'active'), start);
    const waiting = (reason: string, message = 'Back-off pulling image "registry.test/mysql:1"'): ContainerEnd[] => [
      { name: 'dump', waiting: { reason, message } },
      { name: 'ship', waiting: { reason: 'PodInitializing', message: '' } },
    ];
    const pending = (containers: readonly ContainerEnd[], conditions: object[] = []): KubeObject => {
      const pod = rawPod(options, containers, 'Pending');
      return { ...pod, status: { ...(pod['status'] as object), conditions } };
    };
    const unscheduled = [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: '0/1 nodes are available: persistentvolumeclaim "backup-target" not found.',
      },
    ];
    const look = (pods: KubeObject[], seconds: number, jobs = [active]): Statement =>
      runsOnTime(
        evidenceOf({
          spec,
          observed: observedOf({ jobs, pods }),
          ...since(start),
          now: new Date(later(start, seconds)),
        }),
      );

    test.each<{ reason: string; pods: KubeObject[]; seconds: number; words: string }>([
      {
        reason: 'an image that cannot be pulled',
        pods: [pending(waiting('ImagePullBackOff'))],
        seconds: 120,
        words:
          'agama-full-9: container dump does not start: ImagePullBackOff: Back-off pulling image "registry.test/mysql:1".',
      },
      {
        reason: 'a container that cannot be created',
        pods: [pending(waiting('CreateContainerConfigError', 'configmap "x" not found'))],
        seconds: 120,
        words: 'CreateContainerConfigError: configmap "x" not found.',
      },
      {
        reason: 'an image of the second container, hours later',
        pods: [
          pending([
            { name: 'dump', exitCode: 0 },
            { name: 'ship', waiting: { reason: 'ErrImagePull', message: 'no such host' } },
          ]),
        ],
        seconds: 7200,
        words: 'container ship does not start: ErrImagePull: no such host.',
      },
      {
        reason: 'a claim that is not there',
        pods: [pending([], unscheduled)],
        seconds: 120,
        words: 'no node takes its pod: 0/1 nodes are available: persistentvolumeclaim "backup-target" not found.',
      },
      { reason: 'no pod at all', pods: [], seconds: 120, words: 'agama-full-9: it has no pod.' },
      {
        reason: 'a pod of which nobody says a word',
        pods: [pending(waiting('PodInitializing', ''))],
        seconds: 600,
        words: 'no container of its pod was started, and kubelet does not say why',
      },
    ])('$reason: in the words of kubelet, while it lasts', ({ pods, seconds, words }) => {
      const before = look(pods, seconds - 1);
      expect(before).toMatchObject(
        seconds <= 600 ? { status: 'True', wakeAt: new Date(later(start, seconds)) } : { status: 'False' },
      );
      const statement = look(pods, seconds);
      expect(statement).toMatchObject({ status: 'False', reason: 'RunStuck' });
      expect(statement.message).toContain(words);
      // It is over with the Job, or when the pod gets going.
      const ended = madeAt(rawJob({ ...options, time: later(start, seconds) }, 'Failed'), start);
      expect(look(pods, seconds, [ended]).status).toBe('True');
      const running = rawPod(options, [{ name: 'dump' }, { name: 'ship' }], 'Running');
      expect(look([running], seconds).status).toBe('True');
    });

    test('ErrImagePull and ImagePullBackOff take turns, and the condition stays as it is', () => {
      for (const reason of ['ErrImagePull', 'ImagePullBackOff', 'ErrImagePull']) {
        expect(look([pending(waiting(reason))], 300)).toMatchObject({ status: 'False', reason: 'RunStuck' });
      }
    });

    test('a run that waits for an init container, or works, is not stuck, however long', () => {
      const works = rawPod(
        options,
        [{ name: 'dump' }, { name: 'ship', waiting: { reason: 'PodInitializing', message: '' } }],
        'Pending',
      );
      expect(look([works], 40_000).status).toBe('True');
    });

    test('of many a few are named, and the API server takes it', () => {
      const jobs = Array.from({ length: 200 }, (_, index) =>
        madeAt(rawJob({ jobName: `job-${index}` }, 'active'), start),
      );
      const { message } = look([], 600, jobs);
      expect(message.length).toBeLessThan(32_768);
      expect(message).toContain('So are 195 more.');
    });

    test('a Job of somebody else says nothing', () => {
      const foreign = { ...active, metadata: { ...active.metadata, ownerReferences: [] } };
      expect(look([], 600, [foreign]).status).toBe('True');
    });
  });
});
