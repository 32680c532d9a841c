import * as fc from 'fast-check';
import type { RunKind } from '../../../src/api/v1alpha1/recovery-points.ts';
import { newReports, nextHistory, type History } from '../../../src/policy/history.ts';
import { readRuns, type Runs } from '../../../src/policy/run-reports.ts';
import {
  failedResultOf,
  later,
  now,
  observedOf,
  pointsOf,
  rawJob,
  rawPod,
  successfulContainers,
  nothingNew,
} from '../../support/operator/runs.ts';

const start = '2026-11-01T00:00:00Z';

interface Past {
  kind: RunKind;
  hour: number;
  outcome: 'Succeeded' | 'Failed';
}

const jobNameOf = ({ kind, hour }: Past): string => `agama-${kind.toLowerCase()}-${hour}`;

/** What is seen of some runs; a pod that is gone takes the proof with it. */
const see = (past: readonly Past[], podsGone: readonly Past[] = []): Runs => {
  const options = (one: Past) => ({ kind: one.kind, jobName: jobNameOf(one), time: later(start, one.hour * 3600) });
  const jobs = past.map((one) => rawJob(options(one), one.outcome === 'Succeeded' ? 'Complete' : 'Failed'));
  const pods = past
    .filter((one) => !podsGone.includes(one))
    .map((one) =>
      one.outcome === 'Succeeded'
        ? rawPod(options(one), successfulContainers(options(one)))
        : rawPod(
            options(one),
            [
              { name: 'dump', message: JSON.stringify(failedResultOf('dump', options(one))), exitCode: 1 },
              { name: 'ship' },
            ],
            'Failed',
          ),
    );
  return readRuns(observedOf({ jobs, pods }), now);
};

// No two runs of a policy end at the same time: the locks on the claim see to that.
const pastRuns = fc.uniqueArray(fc.nat(400), { minLength: 1, maxLength: 10 }).chain((hours) =>
  fc.tuple(
    ...hours.map((hour) =>
      fc.record({
        kind: fc.constantFrom<RunKind>('LocalCopy', 'Full', 'Incremental'),
        outcome: fc.constantFrom<Past['outcome']>('Succeeded', 'Failed'),
        hour: fc.constant(hour),
      }),
    ),
  ),
);

const looks = pastRuns.chain((past) =>
  fc.record({
    past: fc.constant(past),
    // What single looks see: any part, in any order; Jobs come and go, pods go before them, and some looks are stale.
    seen: fc.array(fc.record({ jobs: fc.shuffledSubarray(past), gone: fc.subarray(past) }), { maxLength: 6 }),
  }),
);

const timesOf = (history: History): Record<string, number> => ({
  lastLocalCopy: Date.parse(history.lastLocalCopy?.completionTime ?? '1970-01-01T00:00:00Z'),
  lastFull: Date.parse(history.lastFull?.completionTime ?? '1970-01-01T00:00:00Z'),
  lastIncremental: Date.parse(history.lastIncremental?.completionTime ?? '1970-01-01T00:00:00Z'),
  lastBackupTime: Date.parse(history.lastBackupTime ?? '1970-01-01T00:00:00Z'),
  chain: Date.parse(history.chain?.checkedTime ?? '1970-01-01T00:00:00Z'),
  lastDump: Date.parse(history.lastDump?.endTime ?? '1970-01-01T00:00:00Z'),
  localCopies: Date.parse(history.localCopies?.listedTime ?? '1970-01-01T00:00:00Z'),
  recovery: Date.parse(history.recovery?.checkedTime ?? '1970-01-01T00:00:00Z'),
  lastFailure: Date.parse(history.lastFailure?.time ?? '1970-01-01T00:00:00Z'),
  ...Object.fromEntries(
    (['LocalCopy', 'Full', 'Incremental'] as const).map((kind) => [
      kind,
      Date.parse(history.lastRuns?.find((run) => run.kind === kind)?.completionTime ?? '1970-01-01T00:00:00Z'),
    ]),
  ),
});

test('times never go back, and what was seen once stays, whatever later looks see', () => {
  fc.assert(
    fc.property(looks, ({ seen }) => {
      let history: History = {};
      for (const { jobs, gone } of seen) {
        const next = nextHistory(history, see(jobs, gone));
        const before = timesOf(history);
        for (const [field, time] of Object.entries(timesOf(next))) {
          expect([field, time]).toEqual([field, Math.max(time, before[field] ?? 0)]);
        }
        history = next;
      }
    }),
  );
});

test('the end state is the same in whatever order and parts the runs were seen', () => {
  fc.assert(
    fc.property(looks, ({ past, seen }) => {
      const atOnce = nextHistory({}, see(past));
      const inParts = seen.reduce<History>((history, { jobs }) => nextHistory(history, see(jobs)), {});
      expect(nextHistory(inParts, see(past))).toEqual(atOnce);
    }),
  );
});

test('the same again changes nothing, and all Jobs gone change nothing', () => {
  fc.assert(
    fc.property(pastRuns, (past) => {
      const once = nextHistory({}, see(past));
      expect(nextHistory(once, see(past))).toEqual(once);
      expect(nextHistory(once, see([]))).toEqual(once);
      // The pods go first, and with them every proof.
      expect(nextHistory(once, see(past, past))).toEqual(once);
    }),
  );
});

test('each run is new once, oldest first', () => {
  fc.assert(
    fc.property(pastRuns, (past) => {
      const runs = see(past);
      const first = newReports({}, runs);
      expect(first.map(({ jobName }) => jobName).sort()).toEqual(past.map(jobNameOf).sort());
      expect(first.map(({ time }) => time)).toEqual(first.map(({ time }) => time).sort());
      expect(newReports(nextHistory({}, runs), runs)).toEqual([]);
    }),
  );
});

const full = { kind: 'Full', hour: 5, outcome: 'Succeeded' } as const;

test('a run that was seen before its pod is corrected once the pod is seen, and not taken back when it goes', () => {
  const unsure = nextHistory({}, see([full], [full]));
  expect(unsure.lastRuns).toMatchObject([{ outcome: 'Unknown', reason: 'ResultMissing' }]);
  const sure = nextHistory(unsure, see([full]));
  expect(sure.lastRuns).toMatchObject([{ outcome: 'Succeeded' }]);
  expect(sure.lastRuns?.[0]).not.toHaveProperty('reason');
  expect(newReports(unsure, see([full]))).toHaveLength(1);
  expect(nextHistory(sure, see([full], [full]))).toEqual(sure);
  expect(newReports(sure, see([full], [full]))).toEqual([]);
});

test('a failure that was seen without its pod gets its own words once the pod is seen', () => {
  const failed = { ...full, outcome: 'Failed' } as const;
  const guessed = nextHistory({}, see([failed], [failed]));
  expect(guessed).toMatchObject({ lastRuns: [{ reason: 'PodLost' }], lastFailure: { reason: 'PodLost' } });
  const known = nextHistory(guessed, see([failed]));
  expect(known).toMatchObject({ lastRuns: [{ reason: 'AccessDenied' }], lastFailure: { reason: 'AccessDenied' } });
  expect(nextHistory(known, see([failed], [failed]))).toEqual(known);
});

test('a failure stays as history after later successes', () => {
  const history = nextHistory({}, see([{ kind: 'Full', hour: 1, outcome: 'Failed' }, full]));
  expect(history.lastRuns).toMatchObject([{ kind: 'Full', outcome: 'Succeeded' }]);
  expect(history.lastFailure).toMatchObject({ jobName: 'agama-full-1', kind: 'Full', step: 'Connect' });
});

test('the lanes are apart: a local copy does not take the place of a full', () => {
  const history = nextHistory({}, see([full, { kind: 'LocalCopy', hour: 9, outcome: 'Failed' }]));
  expect(history.lastRuns).toMatchObject([
    { kind: 'LocalCopy', outcome: 'Failed' },
    { kind: 'Full', outcome: 'Succeeded' },
  ]);
});

const none: Runs = {
  reports: [],
  newest: nothingNew,
};
const points = pointsOf('agama-full-1', '2026-11-15T02:00:00Z');

test('the newest data is that of whichever set has it, and never goes back', () => {
  const older = { ...points.full, dataTime: '2026-11-10T00:00:00Z', completionTime: '2026-11-16T00:00:00Z' };
  const first = nextHistory({}, { ...none, newest: { ...none.newest, fulls: [points.full] } });
  const second = nextHistory(first, { ...none, newest: { ...none.newest, fulls: [older] } });
  expect(second.lastFull).toEqual(older);
  expect(second.lastBackupTime).toBe(points.full.dataTime);
});

test('of two listings of the same second the one that found something missing counts', () => {
  const broken = { ...points.chain, intact: false, problem: 'a volume is missing' };
  for (const chains of [
    [points.chain, broken],
    [broken, points.chain],
  ]) {
    expect(nextHistory({}, { ...none, newest: { ...none.newest, chains } }).chain).toEqual(broken);
  }
  expect(nextHistory({ chain: broken }, { ...none, newest: { ...none.newest, chains: [points.chain] } }).chain).toEqual(
    broken,
  );
});

test('of two runs of a kind that ended in the same second the failed one counts', () => {
  const runs: Runs = {
    ...none,
    reports: (['a', 'b'] as const).map((jobName) => ({
      kind: 'Full',
      jobName,
      time: start,
      outcome: jobName === 'a' ? 'Succeeded' : 'Failed',
      failure: jobName === 'a' ? undefined : { step: 'Finish', reason: 'PodLost', message: '' },
      made: undefined,
      notes: [],
      verification: undefined,
    })),
  };
  const reversed = { ...runs, reports: runs.reports.toReversed() };
  expect(nextHistory({}, runs).lastRuns).toMatchObject([{ jobName: 'b', outcome: 'Failed' }]);
  expect(nextHistory({}, reversed)).toEqual(nextHistory({}, runs));
});
