import * as fc from 'fast-check';
import type { BackupPolicyStatus } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { backupPolicyStatus } from '../../../src/api/v1alpha1/backuppolicy.ts';
import type { Check, VerificationReport, VerificationResult } from '../../../src/api/v1alpha1/verification.ts';
import { nextHistory, type History } from '../../../src/policy/history.ts';
import { readRuns } from '../../../src/policy/run-reports.ts';
import { placeOfSpec, rawPolicy, type Json } from '../../support/operator/policies.ts';
import {
  allCronJobs,
  failedResultOf,
  later,
  now,
  observedOf,
  pointsOf,
  rawJob,
  rawPod,
  resultOf,
  successfulContainers,
  verificationOf,
  type ContainerEnd,
} from '../../support/operator/runs.ts';

const kind = 'Verify' as const;
const end = '2026-11-16T03:00:00Z';
const { full, incremental } = pointsOf('agama-full-1', '2026-11-15T02:00:00Z');
const shipped: BackupPolicyStatus = { storedIn: placeOfSpec(), lastFull: full };
const other = 'b'.repeat(64);

interface Seen {
  jobName?: string;
  time?: string;
  containers?: readonly ContainerEnd[];
  job?: 'Complete' | 'Failed' | 'active';
}

const look = (previous: History, ...seen: readonly Seen[]): History => {
  const options = seen.map(({ jobName = 'agama-verify-1', time = end }) => ({ kind, jobName, time }));
  const jobs = seen.map(({ job }, index) => rawJob(options[index], job ?? 'Complete'));
  const pods = seen.flatMap(({ containers, job = 'Complete' }, index) => {
    const ends = containers ?? successfulContainers(options[index]);
    return ends.length === 0 ? [] : [rawPod(options[index] ?? {}, ends, job === 'Failed' ? 'Failed' : 'Succeeded')];
  });
  const policy = rawPolicy({ status: previous });
  return nextHistory(previous, readRuns(observedOf({ policy, cronJobs: allCronJobs(), jobs, pods }), now));
};

const fetched: ContainerEnd = { name: 'fetch', exitCode: 0, message: JSON.stringify(resultOf('fetch', { kind })) };
const verified = (verification: VerificationResult | undefined, changes: Json = {}, exitCode = 0): ContainerEnd => ({
  name: 'verify',
  exitCode,
  message: JSON.stringify(resultOf('verify', { kind, time: end }, { verification, ...changes })),
});
const saying = (changes: Partial<VerificationReport>): ContainerEnd[] => [fetched, verified(verificationOf(changes))];
const checksWith = (name: keyof VerificationReport['checks'], outcome: Check['outcome']) => ({
  checks: { ...verificationOf().latest.checks, [name]: { outcome, evidence: 'tested' } },
});
const setWith = (changes: object) => {
  const { set } = verificationOf().latest;
  if (set === undefined) throw new Error('the sample names its set');
  return { ...set, ...changes };
};
const failure = { step: 'Compare', reason: 'ContentDiffers', message: 'Table orders differs.' };
const differing = verificationOf({
  outcome: 'Failed',
  ...checksWith('restorable', 'Failed'),
  mismatches: { count: 1, named: ['agama.orders'] },
}).latest;

test('a verification that proved a set: when, which one, how much, and how long it took', () => {
  const { lastVerified, lastVerification, lastVerifiedTime, lastFailedVerification, lastRuns } = look(shipped, {});
  const { outcome: _, seconds: __, ...rest } = verificationOf().latest;
  expect(lastVerified).toEqual({ time: end, jobName: 'agama-verify-1', ...rest, restoreSeconds: 37 });
  expect(lastVerification).toEqual({
    time: end,
    jobName: 'agama-verify-1',
    outcome: 'Verified',
  });
  expect(lastVerifiedTime).toBe(end);
  expect(lastFailedVerification).toBeUndefined();
  expect(lastRuns).toMatchObject([{ kind, outcome: 'Succeeded' }]);
});

test('an older set that was proven beside is named', () => {
  const older = { ...verificationOf().latest, set: setWith({ setTime: '2026-11-08T01:46:40Z', chain: 'chain-older' }) };
  const history = look(shipped, { containers: [fetched, verified({ ...verificationOf(), older })] });
  expect(history.lastVerified).toMatchObject({ older: { chain: 'chain-older' } });
});

test('a time that is missing is no measured restore', () => {
  for (const seconds of [undefined, {}, { fetch: 1, load: 1 }, { fetch: 1, compare: 1 }, { load: 1, compare: 1 }]) {
    const { lastVerified } = look(shipped, { containers: saying({ seconds }) });
    expect(lastVerified?.jobName).toBe('agama-verify-1');
    expect(lastVerified).not.toHaveProperty('restoreSeconds');
  }
});

test('whatever a result says of times, status stays one that the API server takes', () => {
  for (const fetch of [1e300, Number.MAX_VALUE, 0]) {
    const { lastVerified } = look(shipped, { containers: saying({ seconds: { fetch, load: 1, compare: 1 } }) });
    expect(backupPolicyStatus.safeParse({ lastVerified }).error).toBeUndefined();
    expect(lastVerified?.restoreSeconds).toBe(Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(fetch + 2)));
  }
});

describe('nothing is proven by', () => {
  test.each<{ reason: string; outcome: 'Failed' | 'CouldNotVerify'; why: string; seen: Seen }>([
    {
      reason: 'a pod that is gone',
      outcome: 'CouldNotVerify',
      why: 'ResultMissing',
      seen: { containers: [] },
    },
    {
      reason: 'a Job that failed, whatever its containers say',
      outcome: 'CouldNotVerify',
      why: 'PodLost',
      seen: { job: 'Failed' },
    },
    {
      reason: 'a result without a verdict',
      outcome: 'CouldNotVerify',
      why: 'ResultMissing',
      seen: { containers: [fetched, verified(undefined)] },
    },
    {
      reason: 'the one that fetches alone',
      outcome: 'CouldNotVerify',
      why: 'ResultMissing',
      seen: { containers: [fetched, { name: 'verify', exitCode: 0 }] },
    },
    {
      reason: 'the one that compares alone',
      outcome: 'CouldNotVerify',
      why: 'ResultMissing',
      seen: { containers: [{ name: 'fetch', exitCode: 0 }, verified(verificationOf())] },
    },
    {
      reason: 'exit status 1 beside a good word',
      outcome: 'CouldNotVerify',
      why: 'ResultMissing',
      seen: { containers: [fetched, verified(verificationOf(), {}, 1)] },
    },
    {
      reason: 'exit status 1 of the one that fetched',
      outcome: 'CouldNotVerify',
      why: 'ResultMissing',
      seen: { containers: [{ ...fetched, exitCode: 1 }, verified(verificationOf())] },
    },
    {
      reason: 'a container that failed',
      outcome: 'CouldNotVerify',
      why: 'SandboxUnavailable',
      seen: {
        job: 'Failed',
        containers: [
          fetched,
          verified(
            verificationOf({ outcome: 'CouldNotVerify', ...checksWith('restorable', 'Unknown') }),
            { outcome: 'Failed', failure: { step: 'Sandbox', reason: 'SandboxUnavailable', message: 'No answer.' } },
            1,
          ),
        ],
      },
    },
    {
      reason: 'a verdict that could not verify, by a container that says Succeeded',
      outcome: 'CouldNotVerify',
      why: 'ResultMissing',
      seen: { containers: saying({ outcome: 'CouldNotVerify' }) },
    },
    {
      reason: 'a verdict of no set',
      outcome: 'CouldNotVerify',
      why: 'ResultMissing',
      seen: { containers: saying({ set: undefined }) },
    },
    ...(['created', 'readable', 'complete', 'restorable'] as const).map((name) => ({
      reason: `a check that could not be carried out: ${name}`,
      outcome: 'CouldNotVerify' as const,
      why: 'ResultMissing',
      seen: { containers: saying(checksWith(name, 'Unknown')) },
    })),
    ...(['created', 'readable', 'complete', 'restorable'] as const).map((name) => ({
      reason: `a check that failed beside a good verdict: ${name}`,
      outcome: 'Failed' as const,
      why: 'ResultMissing',
      seen: { containers: saying(checksWith(name, 'Failed')) },
    })),
    {
      reason: 'an object that differs beside a good verdict',
      outcome: 'Failed',
      why: 'ResultMissing',
      seen: { containers: saying({ mismatches: { count: 1, named: ['agama.orders'] } }) },
    },
    {
      reason: 'content that differs',
      outcome: 'Failed',
      why: 'ContentDiffers',
      seen: {
        job: 'Failed',
        containers: [fetched, verified({ latest: differing }, { outcome: 'Failed', failure }, 1)],
      },
    },
    {
      reason: 'an older set that differs',
      outcome: 'Failed',
      why: 'ContentDiffers',
      seen: {
        job: 'Failed',
        containers: [fetched, verified({ ...verificationOf(), older: differing }, { outcome: 'Failed', failure }, 1)],
      },
    },
    {
      reason: 'an older set that could not be looked at',
      outcome: 'CouldNotVerify',
      why: 'ResultMissing',
      seen: {
        containers: [
          fetched,
          verified({
            ...verificationOf(),
            older: { ...verificationOf().latest, outcome: 'CouldNotVerify', ...checksWith('restorable', 'Unknown') },
          }),
        ],
      },
    },
    {
      reason: 'what is damaged in the repository',
      outcome: 'Failed',
      why: 'BackupDamaged',
      seen: {
        job: 'Failed',
        containers: [
          {
            name: 'fetch',
            exitCode: 1,
            message: JSON.stringify(
              failedResultOf('fetch', { kind }, { step: 'Fetch', reason: 'BackupDamaged', message: 'vol1 is cut.' }),
            ).replace(
              '"newest"',
              `"verification":${JSON.stringify(
                verificationOf({ outcome: 'Failed', ...checksWith('readable', 'Failed') }),
              )},"newest"`,
            ),
          },
          { name: 'verify', exitCode: 1 },
        ],
      },
    },
    {
      reason: 'another manifest than was shipped',
      outcome: 'Failed',
      why: 'BackupDamaged',
      seen: { containers: saying({ set: setWith({ setDigest: other }) }) },
    },
    {
      reason: 'other facts than were shipped',
      outcome: 'Failed',
      why: 'BackupDamaged',
      seen: { containers: saying({ set: setWith({ factsDigest: other }) }) },
    },
    {
      reason: 'facts of which nothing is said',
      outcome: 'Failed',
      why: 'BackupDamaged',
      seen: { containers: saying({ set: setWith({ factsDigest: undefined }) }) },
    },
  ])('$reason: $outcome, $why', ({ outcome, why, seen }) => {
    const history = look(shipped, seen);
    expect(history.lastVerified).toBeUndefined();
    expect(history.lastVerifiedTime).toBeUndefined();
    expect(history.lastVerification).toMatchObject({ outcome, reason: why });
    expect(history.lastRuns).toMatchObject([{ kind, outcome: expect.stringMatching(/Failed|Unknown/) }]);
    expect(history.lastFailedVerification?.reason).toBe(outcome === 'Failed' ? why : undefined);
    expect(backupPolicyStatus.safeParse(history).error).toBeUndefined();
    // Nor later, by what was known before.
    const before = look(shipped, { jobName: 'agama-verify-0', time: later(end, -86_400) });
    const after = look(before, seen);
    expect(after.lastVerified).toEqual(before.lastVerified);
    expect(after.lastVerification).toMatchObject({ outcome });
  });

  test('a Job that still runs', () => {
    expect(look(shipped, { job: 'active' })).toEqual(shipped);
  });
});

test('the sets that failed are named, and no others', () => {
  const older = { ...differing, set: setWith({ setTime: '2026-11-08T01:46:40Z', chain: 'chain-older' }) };
  const containers = [fetched, verified({ ...verificationOf(), older }, { outcome: 'Failed', failure }, 1)];
  const { lastFailedVerification } = look(shipped, { job: 'Failed', containers });
  expect(lastFailedVerification?.sets).toMatchObject([{ chain: 'chain-older' }]);
});

describe('the second witness', () => {
  test('is the set of that very time, of whichever kind', () => {
    const asIncremental = { ...incremental, setTime: '2026-11-15T03:00:00Z', factsDigest: other };
    const set = setWith({ type: 'Incremental', setTime: asIncremental.setTime });
    const status = { ...shipped, lastIncremental: asIncremental };
    expect(look(status, { containers: saying({ set }) }).lastVerification).toMatchObject({ outcome: 'Failed' });
    const same = { ...set, factsDigest: other };
    expect(look(status, { containers: saying({ set: same }) }).lastVerification).toMatchObject({ outcome: 'Verified' });
  });

  test('outweighs what the verification itself tells of the newest sets', () => {
    const forged = { ...full, setDigest: other };
    const containers = [
      fetched,
      verified(verificationOf({ set: setWith({ setDigest: other }) }), { newest: { full: forged } }),
    ];
    expect(look(shipped, { containers }).lastVerification).toMatchObject({
      outcome: 'Failed',
      reason: 'BackupDamaged',
    });
  });

  test('is also the backup that status does not know yet', () => {
    const backup = { kind: 'Full', time: '2026-11-15T02:00:00Z' } as const;
    const observed = observedOf({
      cronJobs: allCronJobs(),
      jobs: [rawJob(backup), rawJob({ kind, time: end })],
      pods: [
        rawPod(backup, successfulContainers(backup)),
        rawPod({ kind, time: end }, saying({ set: setWith({ setDigest: other }) })),
      ],
    });
    expect(nextHistory({}, readRuns(observed, now)).lastVerification).toMatchObject({ outcome: 'Failed' });
  });

  test('what it said stays said, when the set is no longer the newest', () => {
    const containers = saying({ set: setWith({ setDigest: other }) });
    const first = look(shipped, { containers });
    const next = {
      ...first,
      lastFull: { ...full, setTime: '2026-11-22T01:46:40Z', completionTime: now.toISOString() },
    };
    const again = look(next, { containers });
    expect(again.lastVerification).toEqual(first.lastVerification);
    expect(again.lastVerified).toBeUndefined();
    expect(again.lastRuns).toEqual(first.lastRuns);
  });

  test('two such, one after the other: the older one does not come back as a success', () => {
    const containers = saying({ set: setWith({ setDigest: other }) });
    const [one, two] = [
      { jobName: 'agama-verify-1', containers },
      { jobName: 'agama-verify-2', time: later(end, 86_400), containers },
    ];
    const both = look(shipped, one, two);
    const next = { ...both, lastFull: { ...full, setTime: '2026-11-22T01:46:40Z', completionTime: now.toISOString() } };
    expect(look(next, one, two).lastVerified).toBeUndefined();
  });
});

test('a run seen before its pod is corrected by its pod, and not taken back when that goes', () => {
  const lost = look(shipped, { containers: [] });
  expect(lost.lastVerification).toMatchObject({ outcome: 'CouldNotVerify', reason: 'ResultMissing' });
  const found = look(lost, {});
  expect(found.lastVerification?.outcome).toBe('Verified');
  expect(look(found, { containers: [] })).toEqual(found);
});

test('history moves only forward, the same again changes nothing, and Jobs that are gone change nothing', () => {
  const verdicts = fc.constantFrom<Seen>(
    {},
    { containers: [] },
    { containers: saying({ set: setWith({ setDigest: other }) }) },
    { job: 'Failed', containers: [fetched, verified({ latest: differing }, { outcome: 'Failed', failure }, 1)] },
  );
  const pasts = fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), verdicts), { minLength: 1, maxLength: 6 });
  const timesOf = ({ lastVerification, lastVerified, lastFailedVerification }: History): number[] =>
    [lastVerification, lastVerified, lastFailedVerification].map((one) => Date.parse(one?.time ?? '1970-01-01'));
  fc.assert(
    fc.property(pasts, (past) => {
      let history: History = shipped;
      const seen = past.map(([hour, one]) => ({
        ...one,
        jobName: `agama-verify-${hour}`,
        time: later(end, hour * 3600 - 500 * 3600),
      }));
      for (const [index] of seen.entries()) {
        // Some Jobs are gone; what is there may come in any order and again.
        const part = seen.slice(Math.max(0, index - 2), index + 1);
        const next = look(history, ...part);
        timesOf(next).forEach((time, place) => expect(time).toBeGreaterThanOrEqual(timesOf(history)[place] ?? 0));
        expect(look(next, ...part)).toEqual(next);
        expect(look(next)).toEqual(next);
        history = next;
      }
    }),
    { numRuns: 200 },
  );
});
