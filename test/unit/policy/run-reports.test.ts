import * as fc from 'fast-check';
import { runKinds } from '../../../src/api/v1alpha1/recovery-points.ts';
import { nextHistory } from '../../../src/policy/history.ts';
import { readRuns } from '../../../src/policy/run-reports.ts';
import { backupPolicyStatus } from '../../../src/api/v1alpha1/backuppolicy.ts';
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
  type ContainerEnd,
  type World,
  retentionOf,
  nothingNew,
} from '../../support/operator/runs.ts';

const reportOf = (world: World) => {
  const { reports } = readRuns(observedOf(world), now);
  expect(reports.length).toBeLessThanOrEqual(1);
  return reports[0];
};

const run = (containers: readonly ContainerEnd[], end: 'Complete' | 'Failed' = 'Complete', phase?: string) =>
  reportOf({ jobs: [rawJob({}, end)], pods: [rawPod({}, containers, phase)] });

const [dump, ship] = successfulContainers();
if (dump === undefined || ship === undefined) throw new Error('a full has two containers');
const json = (value: unknown): string => JSON.stringify(value);

test.each(runKinds)('a %s succeeded when its Job is complete and every container says so', (kind) => {
  const report = reportOf({ jobs: [rawJob({ kind })], pods: [rawPod({ kind }, successfulContainers({ kind }))] });
  expect(report).toMatchObject({ kind, outcome: 'Succeeded', failure: undefined, time: '2026-11-15T02:00:00Z' });
  expect(report?.made).toBe(kind);
});

const pruneOf = (containers: readonly ContainerEnd[], job = rawJob({ kind: 'Prune' })) =>
  readRuns(observedOf({ jobs: [job], pods: [rawPod({ kind: 'Prune' }, containers)] }), now);

test('a prune succeeded when it says what it found and left, and status learns that', () => {
  const { reports, newest } = pruneOf(successfulContainers({ kind: 'Prune' }));
  expect(reports).toMatchObject([{ kind: 'Prune', outcome: 'Succeeded', made: undefined }]);
  expect(newest.retentions).toEqual([{ ...retentionOf(), lastPruneTime: '2026-11-15T01:59:55Z' }]);
});

test.each([
  { reason: 'no word of what was found', changes: { retention: undefined } },
  { reason: 'a failure', changes: { outcome: 'Failed', failure: failedResultOf('ship')['failure'] } },
  { reason: 'the result of another container', changes: { container: 'ship' } },
  { reason: 'a day that does not exist', changes: { retention: retentionOf({ nextDue: '2026-02-30T00:00:00Z' }) } },
  {
    reason: 'a due time that nobody lives to see',
    changes: { retention: retentionOf({ nextDue: '2326-01-01T00:00:00Z' }) },
  },
  { reason: 'a full of next week', changes: { retention: retentionOf({ fullTime: '2026-11-30T00:00:00Z' }) } },
])('a prune proves nothing by $reason', ({ changes }) => {
  const message = json(resultOf('prune', { kind: 'Prune' }, changes));
  const { reports, newest } = pruneOf([{ name: 'prune', message, exitCode: 0 }]);
  expect(reports).toMatchObject([{ kind: 'Prune', outcome: 'Failed' }]);
  expect(newest.retentions).toEqual([]);
});

test('what a chain comes due on may be years ahead', () => {
  const message = json(
    resultOf('prune', { kind: 'Prune' }, { retention: retentionOf({ nextDue: '2036-01-01T00:00:00Z' }) }),
  );
  expect(pruneOf([{ name: 'prune', message, exitCode: 0 }]).newest.retentions).toHaveLength(1);
});

test('a Job that names the policy as its owner counts only as a prune, and a CronJob’s never does', () => {
  const prune = rawJob({ kind: 'Prune' });
  const ofPolicy = (kind: string) => ({
    ...prune,
    metadata: { ...prune.metadata, labels: { ...prune.metadata.labels, 'holdfast.dev/run': kind } },
  });
  const { ownerReferences } = rawJob().metadata;
  const ofCronJob = { ...prune, metadata: { ...prune.metadata, ownerReferences: ownerReferences ?? [] } };
  for (const job of [ofPolicy('Full'), ofPolicy('LocalCopy'), ofCronJob]) {
    expect(readRuns(observedOf({ jobs: [job] }), now).reports).toEqual([]);
  }
  expect(readRuns(observedOf({ jobs: [ofPolicy('Prune')] }), now).reports).toHaveLength(1);
});

const withoutProof: { containers: ContainerEnd[]; reason: string }[] = [
  { containers: [], reason: 'there are no containers' },
  { containers: [dump], reason: 'there is no ship container' },
  { containers: [ship], reason: 'there is no dump container' },
  { containers: [{ name: 'dump' }, { name: 'ship' }], reason: 'there are no results' },
  { containers: [dump, { name: 'ship' }], reason: 'the last container left no result' },
  { containers: [dump, { name: 'ship', message: '' }], reason: 'the result is empty' },
  { containers: [dump, { name: 'ship', message: 'Succeeded' }], reason: 'the result is not JSON' },
  { containers: [dump, { name: 'ship', message: '{}' }], reason: 'the result is an empty object' },
  { containers: [dump, { name: 'ship', message: 'null' }], reason: 'the result is null' },
  { containers: [dump, { ...ship, message: ship.message?.slice(0, -20) ?? '' }], reason: 'the result was cut off' },
  { containers: [dump, { ...ship, exitCode: 1 }], reason: 'the exit status is 1 although the result says Succeeded' },
  { containers: [dump, { ...ship, exitCode: 137 }], reason: 'the container was killed after it wrote its result' },
  { containers: [{ ...dump, exitCode: 1 }, ship], reason: 'the dump ended with 1' },
  { containers: [dump, { ...ship, message: json(failedResultOf('ship')) }], reason: 'the result says Failed, exit 0' },
  {
    containers: [
      dump,
      { ...ship, message: json(resultOf('ship', {}, { failure: failedResultOf('ship')['failure'] })) },
    ],
    reason: 'the result says Succeeded and names a failure',
  },
  {
    containers: [dump, { ...ship, message: json(resultOf('ship', { kind: 'Incremental' })) }],
    reason: 'the result is of another kind of run',
  },
  { containers: [dump, { ...ship, message: dump.message ?? '' }], reason: 'ship left the result of dump' },
  { containers: [{ ...dump, message: ship.message ?? '' }, ship], reason: 'dump left the result of ship' },
  { containers: [dump, { ...ship, name: 'sidecar' }], reason: 'another container left the result of ship' },
  { containers: [dump, { ...ship, message: json(resultOf('ship', {}, { version: 2 })) }], reason: 'another version' },
  {
    containers: [dump, { ...ship, message: json(resultOf('ship', {}, { completionTime: 'yesterday' })) }],
    reason: 'a time is no time',
  },
  {
    containers: [dump, { ...ship, message: json(resultOf('ship', {}, { completionTime: '2026-02-30T00:00:00Z' })) }],
    reason: 'a time is not on the calendar',
  },
  {
    containers: [dump, { ...ship, message: json(resultOf('ship', {}, { completionTime: '2036-01-01T00:00:00Z' })) }],
    reason: 'a time is years ahead',
  },
];

test.each(withoutProof)('a complete Job is no success when $reason', ({ containers }) => {
  const report = run(containers);
  expect(report).toMatchObject({ outcome: 'Failed' });
  expect(report?.failure?.message).toContain('agama-full-1');
  expect(report?.failure?.reason).toBe('ResultMissing');
});

test('results of two pods do not make one success', () => {
  const other = { ...rawPod({}, [ship]), metadata: { ...rawPod({}, []).metadata, name: 'other', uid: 'other' } };
  expect(reportOf({ jobs: [rawJob()], pods: [rawPod({}, [dump]), other] })).toMatchObject({ outcome: 'Failed' });
});

test('a complete Job whose pod is gone is Unknown, never a success', () => {
  const report = reportOf({ jobs: [rawJob()] });
  expect(report).toMatchObject({ outcome: 'Unknown', failure: { reason: 'ResultMissing' } });
});

test('a complete Job whose pod is not seen to have ended yet is not judged: its result is on the way', () => {
  const running = rawPod({}, [{ name: 'dump' }, { name: 'ship', waiting: { reason: 'PodInitializing', message: '' } }]);
  expect(reportOf({ jobs: [rawJob()], pods: [{ ...running, status: { phase: 'Running' } }] })).toBeUndefined();
});

test('a Job that still runs is not judged, whatever its pod says', () => {
  expect(reportOf({ jobs: [rawJob({}, 'active')], pods: [rawPod({}, [dump, ship])] })).toBeUndefined();
});

test('a failed Job is a failure even when its containers say Succeeded', () => {
  expect(run([dump, ship], 'Failed', 'Failed')).toMatchObject({ outcome: 'Failed' });
});

const pulling = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "registry.test/mysql:1"' };
const failures: { containers: ContainerEnd[]; expected: string; words: RegExp; reason: string }[] = [
  {
    containers: [{ name: 'dump', message: json(failedResultOf('dump')), exitCode: 1 }, { name: 'ship' }],
    expected: 'AccessDenied',
    words: /db\.example\.com/,
    reason: 'the dump says why',
  },
  {
    containers: [
      { name: 'dump', message: json(failedResultOf('dump')), exitCode: 137, reason: 'OOMKilled' },
      { name: 'ship' },
    ],
    expected: 'AccessDenied',
    words: /credentials/,
    reason: 'its own word weighs more than how it ended',
  },
  {
    containers: [{ name: 'dump', exitCode: 137, reason: 'OOMKilled' }, { name: 'ship' }],
    expected: 'OutOfMemory',
    words: /dump.*memory/,
    reason: 'the kernel stopped it',
  },
  {
    containers: [dump, { name: 'ship', waiting: pulling }],
    expected: 'ImageUnavailable',
    words: /ship: Back-off pulling image/,
    reason: 'an image could not be pulled',
  },
  {
    containers: [{ name: 'dump', exitCode: 255, reason: 'Error' }, { name: 'ship' }],
    expected: 'PodLost',
    words: /agama-full-1-x7x7x ended Failed/,
    reason: 'nobody says why',
  },
];

test.each(failures)('a failed Job has the reason $expected when $reason', ({ containers, expected, words }) => {
  const report = run(containers, 'Failed', 'Failed');
  expect(report).toMatchObject({ outcome: 'Failed', failure: { reason: expected } });
  expect(report?.failure?.message).toMatch(words);
});

const failedWith = (reason: string) => {
  const job = rawJob({}, 'Failed');
  const conditions = [{ type: 'Failed', status: 'True', reason, lastTransitionTime: '2026-11-15T02:00:00Z' }];
  return { ...job, status: { conditions } };
};

test('a Job stopped at its deadline says so, when its pod is gone with the result', () => {
  expect(reportOf({ jobs: [failedWith('DeadlineExceeded')] })).toMatchObject({
    failure: { reason: 'DeadlineExceeded' },
  });
});

test('a failed Job without a pod is PodLost, with something to do', () => {
  const report = reportOf({ jobs: [failedWith('BackoffLimitExceeded')] });
  expect(report).toMatchObject({ outcome: 'Failed', failure: { reason: 'PodLost' } });
  expect(report?.failure?.message).toMatch(/The pod is gone.*Look at the node/);
});

test('a Job without any time of its end has that of its creation: no time is ever invalid', () => {
  const job = rawJob();
  const status = { conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: null }] };
  expect(reportOf({ jobs: [{ ...job, status }] })?.time).toBe('2026-11-01T00:00:10Z');
});

describe('what is not a run of this policy proves nothing', () => {
  const pods = [rawPod({}, [dump, ship])];
  const labelled = rawJob();
  const { ownerReferences: _, ...unowned } = labelled.metadata;
  const foreign = { ...rawCronJob(), metadata: { ...rawCronJob().metadata, ownerReferences: [], uid: 'foreign' } };

  test.each([
    { jobs: [{ ...labelled, metadata: unowned }], reason: 'a Job with our labels and no owner' },
    { jobs: [rawJob({ policyUid: 'earlier-uid' })], reason: 'a Job of an earlier policy of this name' },
    {
      jobs: [
        {
          ...labelled,
          metadata: {
            ...labelled.metadata,
            ownerReferences: [
              { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a', uid: rawCronJob().metadata.uid ?? '' },
            ],
          },
        },
      ],
      reason: 'a Job whose owner has the right UID and is no CronJob',
    },
    {
      jobs: [labelled],
      cronJobs: [foreign],
      reason: 'a Job of a CronJob with our labels that is not owned by the policy',
    },
    {
      jobs: [labelled],
      cronJobs: [rawCronJob({ policyUid: 'earlier-uid' })],
      reason: 'a Job of a CronJob of an earlier policy',
    },
  ])('$reason', ({ jobs, cronJobs }) => {
    const world = cronJobs === undefined ? { jobs, pods } : { jobs, pods, cronJobs };
    expect(readRuns(observedOf(world), now)).toEqual({
      reports: [],
      newest: nothingNew,
    });
  });

  test('a pod with our labels that is not of the Job', () => {
    const pod = rawPod({ jobName: 'other' }, [dump, ship]);
    const runs = readRuns(observedOf({ jobs: [rawJob()], pods: [pod] }), now);
    expect(runs.reports).toMatchObject([{ outcome: 'Unknown' }]);
    expect(runs.newest.fulls).toEqual([]);
  });
});

test('a result tells of the newest points also when its run failed, or goes on', () => {
  const local = resultOf('dump')['newest'];
  const shipFailed = { name: 'ship', message: json({ ...failedResultOf('ship'), newest: local }), exitCode: 1 };
  const failed = readRuns(observedOf({ jobs: [rawJob({}, 'Failed')], pods: [rawPod({}, [dump, shipFailed])] }), now);
  expect(failed.newest.localCopies).toHaveLength(2);
  const active = readRuns(observedOf({ jobs: [rawJob({}, 'active')], pods: [rawPod({}, [dump, ship])] }), now);
  expect(active).toMatchObject({ reports: [], newest: { fulls: [{ jobName: 'agama-full-1' }] } });
});

test('a result of another kind, or of another container, tells of no points', () => {
  const foreign = { ...ship, message: json(resultOf('ship', { kind: 'Incremental' })) };
  const swapped = { ...dump, message: json(resultOf('ship')) };
  const { newest } = readRuns(observedOf({ jobs: [rawJob()], pods: [rawPod({}, [swapped, foreign])] }), now);
  expect(newest).toEqual(nothingNew);
});

test('runs come oldest first, whatever the order in the cache', () => {
  const jobs = ['2026-11-17', '2026-11-15', '2026-11-16'].map((day) =>
    rawJob({ jobName: `job-${day}`, time: `${day}T02:00:00Z` }),
  );
  expect(readRuns(observedOf({ jobs }), now).reports.map(({ jobName }) => jobName)).toEqual([
    'job-2026-11-15',
    'job-2026-11-16',
    'job-2026-11-17',
  ]);
});

describe('hostile termination messages', () => {
  const statusOf = (message: string) => {
    const world = { jobs: [rawJob()], pods: [rawPod({}, [dump, { ...ship, message }])] };
    return nextHistory({}, readRuns(observedOf(world), now));
  };
  /** Everything in status must be such that the API server takes it: else no status of the policy is written any more. */
  const timesOf = (value: unknown): string[] =>
    typeof value !== 'object' || value === null
      ? []
      : Object.entries(value).flatMap(([name, inner]) =>
          /time$/i.test(name) && typeof inner === 'string' ? [inner] : timesOf(inner),
        );

  test('never throw, and leave a status that the API server takes', () => {
    const time = fc.oneof(
      fc.constantFrom('2026-11-15T02:00:00Z', '2026-02-30T00:00:00Z', '9999-12-31T23:59:59Z', '', '0', 'now', '-1'),
      fc.string(),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    );
    const whole = JSON.stringify(resultOf('ship'));
    const message = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3000 }),
      fc.json(),
      fc.nat(whole.length).map((length) => whole.slice(0, length)),
      fc
        .tuple(time, fc.constantFrom('2026-11-15T01:59:50Z', '2026-11-15T01:46:40Z'))
        .map(([value, field]) => whole.replaceAll(field, () => JSON.stringify(value).slice(1, -1))),
      fc
        .tuple(fc.constantFrom('jobName', 'sizeBytes', 'newest', 'notes', 'outcome', 'made'), fc.jsonValue())
        .map(([field, value]) => JSON.stringify(resultOf('ship', {}, { [field]: value }))),
    );
    fc.assert(
      fc.property(message, (text) => {
        const history = statusOf(text);
        expect(backupPolicyStatus.safeParse(history).error).toBeUndefined();
        for (const found of timesOf(history)) {
          expect(found).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
          expect(Date.parse(found)).toBeLessThanOrEqual(now.getTime() + 24 * 3600 * 1000);
        }
        // As the API server stores it: what it would change comes back as another status, and is written again for ever.
        expect(JSON.stringify(history).isWellFormed()).toBe(true);
        expect(JSON.stringify(history)).not.toMatch(/\\ud[89a-f]/i);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    { message: '['.repeat(100_000), reason: 'nested deeper than a stack' },
    { message: `{"version":1,"notes":${'['.repeat(5000)}${']'.repeat(5000)}}`, reason: 'deep inside a field' },
    { message: 'x'.repeat(1_000_000), reason: 'a million characters' },
    { message: '{"__proto__":{"outcome":"Succeeded"},"constructor":{"prototype":{}}}', reason: 'prototypes' },
    { message: JSON.stringify({ ...resultOf('ship'), outcome: 'succeeded' }), reason: 'a word of another case' },
  ])('$reason', ({ message }) => {
    expect(run([dump, { ...ship, message }])).toMatchObject({ outcome: 'Failed' });
  });

  test('a lone surrogate is replaced: the API server would store another character than was sent', () => {
    const newest = resultOf('ship')['newest'];
    const full = { ...(newest as { full: object }).full, jobName: '\ud800' };
    const message = JSON.stringify(resultOf('ship', {}, { newest: { full } }));
    expect(message).toContain('\\ud800');
    expect(statusOf(message).lastFull?.jobName).toBe('\ufffd');
  });

  test('a clock that is an hour ahead does not lose the run', () => {
    const time = later(now.toISOString(), 0);
    const result = resultOf('ship', { time }, { completionTime: later(time, 3600) });
    const world = {
      jobs: [rawJob({ time })],
      pods: [rawPod({ time }, [{ ...dump }, { ...ship, message: json(result) }])],
    };
    expect(reportOf(world)).toMatchObject({ outcome: 'Succeeded' });
  });
});
