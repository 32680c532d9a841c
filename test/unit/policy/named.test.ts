import type { BackupPolicyStatus } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { queriesDigest } from '../../../src/api/v1alpha1/verification.ts';
import { createZones } from '../../../src/cron/zones.ts';
import { readRuns } from '../../../src/policy/run-reports.ts';
import { nextStatus } from '../../../src/policy/status.ts';
import { placeOfSpec, rawPolicy, subjectOfSpec, type Json } from '../../support/operator/policies.ts';
import {
  allCronJobs,
  later,
  observedOf,
  pointsOf,
  rawJob,
  rawPod,
  resultOf,
  successfulContainers,
  verificationOf,
} from '../../support/operator/runs.ts';

/** A policy of which everything is proven, whose spec then names something else. */

const zones = createZones();
const time = '2026-11-15T02:00:00Z';
const soon = new Date('2026-11-15T04:00:00Z');
const before: Json = {
  encryption: { gpg: { privateKeySecretRef: { name: 'backup-private' } } },
  schedule: { localCopy: undefined, incremental: undefined, verify: '0 5 * * 0' },
};
const changed = (changes: Json): Json => ({ ...before, ...changes });
const elsewhere = changed({ repository: { rsync: { path: '/elsewhere' } } });
const otherKey = changed({ encryption: { gpg: { privateKeySecretRef: { name: 'another-private' } } } });
const otherSource = changed({ source: { mysql: { databases: ['agama', 'billing'] } } });

interface Run {
  kind: 'Full' | 'Verify';
  of: Json;
  at: string;
}

const recoveryOf = (run: Run) => ({
  checkedTime: later(run.at, -20),
  earliest: later(run.at, -900),
  offSite: later(run.at, -900),
  source: subjectOfSpec(run.of).source,
  earliestSource: subjectOfSpec(run.of).source,
});

/** What a run left that was started for that spec. */
const podOf = (run: Run) => {
  const { kind, of } = run;
  const options = { kind, time: run.at, jobName: `agama-${kind.toLowerCase()}-${Date.parse(run.at) / 1000}` };
  const { repository, source } = subjectOfSpec(of);
  const containers = successfulContainers(options).map(({ name, message = '' }) => {
    const said = JSON.parse(message);
    const verified = verificationOf().latest;
    const changes = {
      repository,
      ...(name === 'ship' && { newest: { ...said.newest, recovery: recoveryOf(run) } }),
      ...(name === 'verify' && { newest: { chain: pointsOf('', run.at).chain, recovery: recoveryOf(run) } }),
      ...(name === 'verify' && { verification: { latest: { ...verified, set: { ...verified.set, source } } } }),
    };
    return { name, message: JSON.stringify(resultOf(name as 'ship', options, { ...said, ...changes })) };
  });
  return { job: rawJob(options), pod: rawPod(options, containers) };
};

const look = (spec: Json, runs: readonly Run[], previous?: BackupPolicyStatus, now = soon): BackupPolicyStatus => {
  const left = runs.map(podOf);
  const observed = observedOf({
    policy: rawPolicy({ spec, status: previous }),
    cronJobs: allCronJobs(),
    jobs: left.map(({ job }) => job),
    pods: left.map(({ pod }) => pod),
  });
  return JSON.parse(JSON.stringify(nextStatus({ observed, problems: [], runs: readRuns(observed, now), zones, now })));
};

const conditionOf = (status: BackupPolicyStatus, type: string) => status.conditions?.find((one) => one.type === type);
const truths = (status: BackupPolicyStatus): Record<string, string> =>
  Object.fromEntries((status.conditions ?? []).map(({ type, status: is, reason }) => [type, `${is} ${reason}`]));

const full: Run = { kind: 'Full', of: before, at: time };
const verify: Run = { kind: 'Verify', of: before, at: '2026-11-15T03:00:00Z' };
const proven = look(before, [full, verify]);

test('what is there is proven', () => {
  expect(truths(proven)).toMatchObject({ Protected: 'True Proven', Verified: 'True Restored' });
  expect(proven.storedIn).toEqual(placeOfSpec(before));
});

const bound = ['LastBackupSucceeded', 'ChainIntact', 'Verified', 'RecoveryPointMet', 'RecoveryTimeMet'];

describe.each([
  { what: 'another repository', spec: elsewhere, reason: 'RepositoryChanged', of: bound },
  { what: 'another key', spec: otherKey, reason: 'EncryptionChanged', of: bound },
  { what: 'another source', spec: otherSource, reason: 'SourceChanged', of: bound.slice(2) },
])('the spec names $what', ({ spec, reason, of }) => {
  const after = look(spec, [full, verify], proven);

  test('nothing that was proven of the one before is proven of it', () => {
    for (const type of of) expect([type, truths(after)[type]]).toEqual([type, `Unknown ${reason}`]);
    expect(truths(after)).toMatchObject({ Protected: 'Unknown NotProven' });
    expect(after.recovery?.metUntil).toBeUndefined();
  });

  test('what to do is said', () => {
    for (const type of of) expect(conditionOf(after, type)?.message).toContain('holdfast.dev/run=');
  });

  test('it stays so, also when a run of before ends only now', () => {
    const late: Run[] = [
      { ...full, at: '2026-11-15T03:30:00Z' },
      { ...verify, at: '2026-11-15T03:40:00Z' },
    ];
    const again = look(spec, [full, verify, ...late], look(spec, [full, verify, ...late], after));
    expect(truths(again)).toMatchObject({ Protected: 'Unknown NotProven' });
    for (const type of of.slice(1)) expect([type, truths(again)[type]]).toEqual([type, `Unknown ${reason}`]);
  });

  test('a status that was lost does not come back green from the runs of before', () => {
    const { Protected, RecoveryPointMet, Verified } = truths(look(spec, [full, verify]));
    expect([Protected, RecoveryPointMet, Verified].filter((one) => one?.startsWith('True'))).toEqual([]);
  });

  test('named again as before, it is proven as before', () => {
    expect(truths(look(before, [], after))).toEqual(truths(proven));
  });

  test('a backup of it is proven, and a verification of it', () => {
    const made: Run = { kind: 'Full', of: spec, at: '2026-11-15T03:50:00Z' };
    const backed = look(spec, [full, verify, made], after);
    expect(truths(backed)).toMatchObject({
      LastBackupSucceeded: 'True Succeeded',
      ChainIntact: 'True Listed',
      RecoveryPointMet: 'True Met',
    });
    expect(truths(backed)['Verified']).toMatch(/^Unknown (NeverVerified|SourceChanged)$/);
    const checked = look(spec, [made, { kind: 'Verify', of: spec, at: '2026-11-15T03:55:00Z' }], backed);
    expect(truths(checked)).toEqual(truths(proven));
    // What is still there of before does not come back.
    expect(truths(look(spec, [full, verify], checked))).toEqual(truths(proven));
  });
});

test('what a run of before lists, when it ends after the first backup of the other place, is not of that', () => {
  const made: Run = { kind: 'Full', of: elsewhere, at: '2026-11-15T03:50:00Z' };
  const backed = look(elsewhere, [full, verify, made], proven);
  const late: Run = { ...verify, at: '2026-11-15T03:58:00Z' };
  const after = look(elsewhere, [full, verify, made, late], backed);
  expect(after).toMatchObject({ chain: backed.chain, recovery: backed.recovery });
  expect(after.lastVerified).toBeUndefined();
});

test('checks of one’s own that were not made make Verified Unknown; those that were, and none, do not', () => {
  const queries = [{ query: 'SELECT COUNT(*) FROM agama.customers', expect: '12' }];
  const asking = changed({ verification: { queries } });
  const added = look(asking, [full, verify], proven);
  expect(truths(added)).toMatchObject({ Protected: 'Unknown NotProven', Verified: 'Unknown QueriesChanged' });
  expect(conditionOf(added, 'Verified')?.message).toContain('holdfast.dev/run=verify@');
  const { lastVerified } = proven;
  if (lastVerified === undefined) throw new Error('nothing is verified');
  const made = { ...proven, lastVerified: { ...lastVerified, queries: queriesDigest(queries) } };
  expect(truths(look(asking, [], made))).toEqual(truths(proven));
  expect(truths(look(before, [], made))).toEqual(truths(proven));
  const edited = changed({ verification: { queries: [{ ...queries[0], expect: '13' }] } });
  expect(truths(look(edited, [], made))['Verified']).toBe('Unknown QueriesChanged');
});

test('a person reads both places, and where the backups are', () => {
  const after = look(elsewhere, [full, verify], proven);
  const message = conditionOf(after, 'ChainIntact')?.message ?? '';
  expect(message).toContain('rsync://backup@backup.example.com:22//home/backup');
  expect(message).toContain('rsync://backup@backup.example.com:22//elsewhere');
  expect(conditionOf(after, 'Protected')?.message).toContain(
    'The newest whole backup in rsync://backup@backup.example.com:22//home/backup holds the data of',
  );
});

test('what is False stays False', () => {
  const failed = { ...proven, lastFailedVerification: { ...failedSet(), time: '2026-11-15T03:10:00Z' } };
  expect(truths(look(elsewhere, [], failed))['Verified']).toBe('False BackupDamaged');
  expect(truths(look(elsewhere, [], proven, new Date('2026-11-20T00:00:00Z')))['RecoveryPointMet']).toBe(
    'False Missed',
  );
});

const failedSet = () => ({ jobName: 'agama-verify-0', reason: 'BackupDamaged', message: 'Tested.', sets: [] });

test('a verification of before that found damage is not forgotten for another source, and is for another place', () => {
  const failed = { ...proven, lastFailedVerification: { ...failedSet(), time: '2026-11-15T03:10:00Z' } };
  const made = (spec: Json): Run => ({ kind: 'Full', of: spec, at: '2026-11-15T03:50:00Z' });
  expect(truths(look(otherSource, [made(otherSource)], failed))['Verified']).toBe('False BackupDamaged');
  expect(truths(look(elsewhere, [made(elsewhere)], failed))['Verified']).toBe('Unknown NeverVerified');
});

test('a restore from the place before tells nothing of how long one takes from this', () => {
  const made: Run = { kind: 'Full', of: elsewhere, at: '2026-11-15T03:50:00Z' };
  const lastRestore = {
    request: 'drill',
    completionTime: '2026-11-15T03:20:00Z',
    outcome: 'Completed' as const,
    proof: 'Equal',
    jobName: 'drill-1',
    measuredSeconds: 60,
    sourceBytes: 4096,
    source: subjectOfSpec(before).source,
  };
  const after = look(elsewhere, [made], { ...proven, lastRestore });
  expect(truths(after)['RecoveryTimeMet']).toBe('Unknown NotMeasured');
  const since = { ...lastRestore, completionTime: '2026-11-15T04:30:00Z' };
  expect(truths(look(elsewhere, [made], { ...after, lastRestore: since }))['RecoveryTimeMet']).toBe('True Estimated');
});
