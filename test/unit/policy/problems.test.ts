import { z } from 'zod';
import { backupPolicySpec } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { runKinds } from '../../../src/api/v1alpha1/recovery-points.ts';
import { stateConditions } from '../../../src/policy/conditions.ts';
import type { History } from '../../../src/policy/history.ts';
import { createZones } from '../../../src/cron/zones.ts';
import { planPrune } from '../../../src/policy/prune.ts';
import { findProblems } from '../../../src/policy/problems.ts';
import { jobView, podView, policyView } from '../../../src/policy/views.ts';
import { resultsOf } from '../../../src/policy/results.ts';
import { makePlan } from '../../../src/restore/make-plan.ts';
import type { StageJob } from '../../../src/restore/observed.ts';
import { requestView } from '../../../src/restore/views.ts';
import { placeOf } from '../../../src/workloads/subject.ts';
import { policyClaim } from '../../../src/workloads/claim.ts';
import { runCronJob, verifyCronJob } from '../../../src/workloads/cronjob.ts';
import { claimName } from '../../../src/workloads/names.ts';
import { restoreJob } from '../../../src/workloads/restore-job.ts';
import { policyAnnotations, policyLabels } from '../../../src/workloads/labels.ts';
import { evidenceOf } from '../../support/operator/evidence.ts';
import { overlay, rawPolicy, type Json } from '../../support/operator/policies.ts';
import { testSettings } from '../../support/operator/images.ts';
import { goodPlan, rawRequest, rawStage } from '../../support/operator/restores.ts';
import { now, observedOf, pointsOf } from '../../support/operator/runs.ts';

const zones = createZones();

const problemsOf = (spec: Json, claims: Parameters<typeof observedOf>[0] = {}) =>
  findProblems(observedOf({ ...claims, policy: rawPolicy({ spec }) }), zones, testSettings);

test('the sample is carried out: no problems', () => {
  expect(problemsOf({})).toEqual([]);
});

const withPrivateKey: Json = { encryption: { gpg: { privateKeySecretRef: { name: 'private' } } } };

const fullPoint = pointsOf('agama-full-1', '2026-11-15T02:00:00Z').full;
const afterAFull: History = {
  lastFull: fullPoint,
  lastRuns: [{ kind: 'Full', jobName: 'agama-full-1', completionTime: fullPoint.completionTime, outcome: 'Succeeded' }],
};

/** Everything that somebody can see of a spec being heeded: what runs, what it is stored on, what the conditions say. */
const effects = (spec: Json) => {
  const view = policyView(rawPolicy({ spec }));
  const { metadata, spec: read, specProblem } = view;
  if (read === undefined) throw new Error(specProblem);
  const observed = { policy: view, claims: [], cronJobs: [], jobs: [], pods: [] };
  return JSON.stringify([
    policyClaim({ metadata, spec: read }),
    runKinds.map((kind) => runCronJob({ metadata, spec: read }, kind, testSettings)),
    verifyCronJob({ metadata, spec: read }, undefined, testSettings),
    stateConditions(evidenceOf({ spec: read, observed, now })),
    stateConditions(evidenceOf({ spec: read, observed, history: afterAFull, now })),
    planPrune({
      observed,
      status: { storedIn: placeOf(read), ...afterAFull },
      problems: [],
      settings: testSettings,
      now,
    }),
  ]);
};

const stageOf = ({ job, pod }: ReturnType<typeof rawStage>): StageJob => ({
  job: jobView(job),
  pod: podView(pod),
  results: resultsOf('Restore', podView(pod), now),
});

/** Likewise of what it says of restores: the plan, and the Job that carries it out. */
const restoreEffects = (spec: Json) => {
  const view = policyView(rawPolicy({ spec: overlay(withPrivateKey, spec) }));
  const request = requestView(rawRequest());
  const plan = stageOf(rawStage({ stage: 'plan', said: goodPlan(), end: 'Complete' }));
  const made = makePlan({ request, parts: [{ name: 'agama', policy: view, plan }] }, now);
  const [planned] = made?.policies ?? [];
  if (view.spec === undefined || planned === undefined || request.spec === undefined) throw new Error('no plan');
  const { specDigest: _digest, ...said } = planned;
  const order = {
    request: { ...request, spec: request.spec },
    policy: { ...view, spec: view.spec },
    settings: testSettings,
  };
  return JSON.stringify([said, restoreJob(order, planned)]);
};

/** Every field of the schema that may be left out, by its path. */
const optionalPaths = (): string[] => {
  const found: string[] = [];
  const walk = (schema: unknown, path: string): void => {
    const parsed = z
      .object({
        properties: z.record(z.string(), z.unknown()).optional(),
        required: z.array(z.string()).optional(),
        items: z.unknown().optional(),
      })
      .parse(schema ?? {});
    if (parsed.items !== undefined) walk(parsed.items, `${path}[]`);
    for (const [name, inner] of Object.entries(parsed.properties ?? {})) {
      const inside = path === '' ? name : `${path}.${name}`;
      if (parsed.required?.includes(name) !== true) found.push(inside);
      walk(inner, inside);
    }
  };
  walk(z.toJSONSchema(backupPolicySpec, { io: 'input', unrepresentable: 'any' }), '');
  return found;
};

const mysqlOff = { source: { mysql: undefined } };
const rsyncOff = { repository: { rsync: undefined } };
const volume = (fields: Json): Json => ({ repository: { rsync: undefined, volume: fields } });
const gpgOff = { encryption: { gpg: undefined } };
const secret = { name: 'other' };
/** A policy that verifies, with more of the same. */
const verifying = (more: Json = {}): Json =>
  overlay(
    { schedule: { verify: '0 3 * * 0' }, encryption: { gpg: { privateKeySecretRef: { name: 'private' } } } },
    more,
  );
const sandboxed = (sandbox: Json): { spec: Json; without: Json } => ({
  spec: verifying({ verification: { sandbox } }),
  without: verifying({ verification: {} }),
});
const gitOn = (git: Json): Json => overlay(mysqlOff, { source: { git: { url: 'https://a/b.git', ...git } } });
const { rsync: target } = (rawPolicy()['spec'] as { repository: { rsync: Json } }).repository;

/** A spec that sets each of them, and what it is compared with: the sample, or a spec that goes without the field. */
const given: Record<string, { spec: Json; without?: Json }> = {
  'source.mysql': { spec: {}, without: { source: { mysql: { host: 'other' } } } },
  'source.mysql.port': { spec: { source: { mysql: { port: 3307 } } } },
  'source.mysql.databases': { spec: { source: { mysql: { databases: ['other'] } } } },
  'source.mysql.all': { spec: { source: { mysql: { databases: undefined, all: true } } } },
  'source.mysql.accounts': { spec: { source: { mysql: { accounts: true } } } },
  'source.mysql.tls': { spec: { source: { mysql: { tls: {} } } } },
  'source.mysql.tls.caSecretRef': { spec: { source: { mysql: { tls: { caSecretRef: secret } } } } },
  'source.mysql.tls.clientCertificateSecretRef': {
    spec: { source: { mysql: { tls: { clientCertificateSecretRef: secret } } } },
  },
  'source.influxdb': { spec: overlay(mysqlOff, { source: { influxdb: { host: 'a', database: 'b' } } }) },
  'source.influxdb.rpcPort': {
    spec: overlay(mysqlOff, { source: { influxdb: { host: 'a', database: 'b', rpcPort: 1 } } }),
  },
  'source.influxdb.httpPort': {
    spec: overlay(mysqlOff, { source: { influxdb: { host: 'a', database: 'b', httpPort: 1 } } }),
  },
  'source.influxdb.credentialsSecretRef': {
    spec: overlay(mysqlOff, { source: { influxdb: { host: 'a', database: 'b', credentialsSecretRef: secret } } }),
  },
  'source.git': { spec: gitOn({}) },
  'source.git.credentialsSecretRef': { spec: gitOn({ credentialsSecretRef: secret }), without: gitOn({}) },
  'source.git.knownHosts': {
    spec: gitOn({ url: 'git@a:b', credentialsSecretRef: secret, knownHosts: 'h ssh-ed25519 AAAA' }),
    without: gitOn({ url: 'git@a:b', credentialsSecretRef: secret, knownHosts: 'h ssh-ed25519 BBBB' }),
  },
  'source.git.caSecretRef': { spec: gitOn({ caSecretRef: secret }), without: gitOn({}) },
  'source.git.claimName': {
    spec: gitOn({ url: '/a.git', claimName: 'a' }),
    without: gitOn({ url: '/a.git', claimName: 'b' }),
  },
  'source.files': { spec: overlay(mysqlOff, { source: { files: { claimName: 'a' } } }) },
  'source.files.paths': { spec: overlay(mysqlOff, { source: { files: { claimName: 'a', paths: ['/a'] } } }) },
  'source.files.exclude': { spec: overlay(mysqlOff, { source: { files: { claimName: 'a', exclude: ['*.tmp'] } } }) },
  'source.files.runAs': { spec: overlay(mysqlOff, { source: { files: { claimName: 'a', runAs: 33 } } }) },
  'repository.rsync': { spec: {}, without: { repository: { rsync: { host: 'other' } } } },
  'repository.rsync.port': { spec: { repository: { rsync: { port: 2222 } } } },
  'repository.sftp': { spec: overlay(rsyncOff, { repository: { sftp: target } }) },
  'repository.sftp.port': { spec: overlay(rsyncOff, { repository: { sftp: { ...target, port: 2222 } } }) },
  'repository.s3': {
    spec: overlay(rsyncOff, {
      repository: { s3: { endpoint: 'https://a', bucket: 'abc', credentialsSecretRef: secret } },
    }),
  },
  'repository.s3.region': {
    spec: overlay(rsyncOff, {
      repository: { s3: { endpoint: 'https://a', bucket: 'abc', credentialsSecretRef: secret, region: 'a' } },
    }),
  },
  'repository.s3.prefix': {
    spec: overlay(rsyncOff, {
      repository: { s3: { endpoint: 'https://a', bucket: 'abc', credentialsSecretRef: secret, prefix: 'a' } },
    }),
  },
  'repository.s3.caRef': {
    spec: overlay(rsyncOff, {
      repository: { s3: { endpoint: 'https://a', bucket: 'abc', credentialsSecretRef: secret, caRef: secret } },
    }),
  },
  'repository.volume': { spec: volume({ claimName: 'a' }), without: volume({ claimName: 'b' }) },
  'repository.volume.path': { spec: volume({ claimName: 'a', path: '/a' }), without: volume({ claimName: 'a' }) },
  'repository.adopt': { spec: { repository: { adopt: true } } },
  'encryption.gpg': { spec: {}, without: overlay(gpgOff, { encryption: { none: {} } }) },
  'encryption.gpg.privateKeySecretRef': {
    spec: verifying({ encryption: { gpg: { privateKeySecretRef: secret } } }),
    without: verifying(),
  },
  'encryption.passphraseSecretRef': { spec: overlay(gpgOff, { encryption: { passphraseSecretRef: secret } }) },
  'encryption.none': { spec: overlay(gpgOff, { encryption: { none: {} } }) },
  'schedule.timeZone': { spec: {}, without: { schedule: { timeZone: undefined } } },
  'schedule.localCopy': { spec: {}, without: { schedule: { localCopy: undefined } } },
  'schedule.full': { spec: {}, without: { schedule: { full: undefined } } },
  'schedule.incremental': { spec: {}, without: { schedule: { incremental: undefined } } },
  'schedule.verify': { spec: verifying() },
  'schedule.window': { spec: { schedule: { window: { start: '01:00', duration: '30m' } } } },
  'schedule.window.enforce': {
    spec: { schedule: { window: { start: '01:00', duration: '30m', enforce: true } } },
    without: { schedule: { window: { start: '01:00', duration: '30m' } } },
  },
  localCopy: { spec: { localCopy: { size: '11Gi' } } },
  'localCopy.size': { spec: { localCopy: { size: '12Gi' } } },
  'localCopy.storageClassName': { spec: { localCopy: { storageClassName: 'fast' } } },
  'localCopy.keep': { spec: { localCopy: { keep: 3 } } },
  deadlines: { spec: { deadlines: { start: '2h' } } },
  'deadlines.start': { spec: { deadlines: { start: '3h' } } },
  'deadlines.localCopy': { spec: { deadlines: { localCopy: '5h' } } },
  'deadlines.full': { spec: { deadlines: { full: '13h' } } },
  'deadlines.incremental': { spec: { deadlines: { incremental: '13h' } } },
  objectives: { spec: {}, without: { objectives: undefined } },
  'objectives.recoveryPointObjective': { spec: { objectives: { recoveryPointObjective: '26h' } } },
  'objectives.recoveryTimeObjective': { spec: { objectives: { recoveryTimeObjective: '2h' } } },
  'objectives.backupDurationObjective': { spec: { objectives: { backupDurationObjective: '1h' } } },
  'deadlines.verify': { spec: verifying({ deadlines: { verify: '5h' } }), without: verifying() },
  'deadlines.restore': { spec: { deadlines: { restore: '2h' } } },
  'deadlines.prune': {
    spec: { retention: { keepFor: '4w' }, deadlines: { prune: '2h' } },
    without: { retention: { keepFor: '4w' } },
  },
  retention: { spec: { retention: { keepFor: '4w' } } },
  'retention.keepFor': { spec: { retention: { keepFor: '4w' } } },
  'retention.keepFullChains': { spec: { retention: { keepFullChains: 4 } } },
  'retention.freezeOnShrink': {
    spec: { retention: { keepFor: '4w', freezeOnShrink: 30 } },
    without: { retention: { keepFor: '4w' } },
  },
  // The block alone is all defaults: it stands for points in it.
  verification: { spec: verifying({ verification: { points: 'LatestAndRandom' } }), without: verifying() },
  'verification.sandbox': sandboxed({ storage: '1Gi' }),
  'verification.sandbox.image': sandboxed({ image: 'registry.test/mysql:8.4' }),
  'verification.sandbox.resources': sandboxed({ resources: {} }),
  'verification.sandbox.resources.requests': sandboxed({ resources: { requests: {} } }),
  'verification.sandbox.resources.requests.cpu': sandboxed({ resources: { requests: { cpu: '1' } } }),
  'verification.sandbox.resources.requests.memory': sandboxed({ resources: { requests: { memory: '1Gi' } } }),
  'verification.sandbox.resources.limits': sandboxed({ resources: { limits: {} } }),
  'verification.sandbox.resources.limits.cpu': sandboxed({ resources: { limits: { cpu: '1' } } }),
  'verification.sandbox.resources.limits.memory': sandboxed({ resources: { limits: { memory: '1Gi' } } }),
  'verification.sandbox.storage': sandboxed({ storage: '1Gi' }),
  'verification.points': {
    spec: verifying({ verification: { points: 'LatestAndRandom' } }),
    without: verifying({ verification: { points: 'Latest' } }),
  },
  'verification.queries': {
    spec: verifying({ verification: { queries: [{ query: 'SELECT 1', expect: '1' }] } }),
    without: verifying({ verification: {} }),
  },
  // The block alone is all defaults: it stands for one in it.
  restore: { spec: { restore: { confirmation: 'TwoPersons' } } },
  'restore.confirmation': { spec: { restore: { confirmation: 'TwoPersons' } } },
  'restore.workloads': { spec: { restore: { workloads: [{ kind: 'Deployment', name: 'a' }] } } },
  'restore.external': { spec: { restore: { external: 'stop it' } } },
  'restore.credentialsSecretRef': { spec: { restore: { credentialsSecretRef: secret } } },
  'restore.keepSafetyCopyFor': { spec: { restore: { keepSafetyCopyFor: '2d' } } },
  quiesce: { spec: { quiesce: { readOnly: {} } } },
  'quiesce.readOnly': { spec: { quiesce: { readOnly: {} } } },
  'quiesce.workloads': { spec: { quiesce: { workloads: [{ kind: 'Deployment', name: 'a' }] } } },
  podTemplate: { spec: { podTemplate: {} } },
  'podTemplate.resources': { spec: { podTemplate: { resources: {} } } },
  'podTemplate.resources.requests': { spec: { podTemplate: { resources: { requests: {} } } } },
  'podTemplate.resources.requests.cpu': { spec: { podTemplate: { resources: { requests: { cpu: '1' } } } } },
  'podTemplate.resources.requests.memory': { spec: { podTemplate: { resources: { requests: { memory: '1Gi' } } } } },
  'podTemplate.resources.limits': { spec: { podTemplate: { resources: { limits: {} } } } },
  'podTemplate.resources.limits.cpu': { spec: { podTemplate: { resources: { limits: { cpu: '1' } } } } },
  'podTemplate.resources.limits.memory': { spec: { podTemplate: { resources: { limits: { memory: '1Gi' } } } } },
  'podTemplate.nodeSelector': { spec: { podTemplate: { nodeSelector: { a: 'b' } } } },
  'podTemplate.priorityClassName': { spec: { podTemplate: { priorityClassName: 'a' } } },
  egressCIDRs: { spec: { egressCIDRs: ['192.0.2.0/24'] } },
  suspend: { spec: { suspend: true } },
};

/** Whether the field changes something that is seen, or is named as not available: itself, or the block that it is in. */
const heeded = (path: string, spec: Json, without: Json): boolean => {
  const [problem, ...others] = problemsOf(spec);
  const seen = path === 'deadlines.restore' || `${path}.`.startsWith('restore.') ? restoreEffects : effects;
  if (problem === undefined) return seen(spec) !== seen(without);
  const named = /^spec\.(\S+) is not available .* remove it\.$/.exec(problem.message)?.[1];
  return others.length === 0 && problem.reason === 'FieldNotAvailable' && `${path}.`.startsWith(`${named}.`);
};

describe('no field passes in silence', () => {
  test('the judge of this test can say no', () => {
    expect(heeded('suspend', {}, {})).toBe(false);
    expect(heeded('quiesce', { podTemplate: {} }, {})).toBe(false);
  });

  test('every optional field of the schema is in the table of this test', () => {
    expect(Object.keys(given).sort()).toEqual(optionalPaths().sort());
  });

  test.each(Object.entries(given))('%s has an effect, or makes the policy Stalled by its name', (path, one) => {
    const { spec, without = {} } = one;
    expect(policyView(rawPolicy({ spec })).specProblem).toBeUndefined();
    expect(heeded(path, spec, without)).toBe(true);
  });
});

test('several fields that are not available are named together', () => {
  const [problem, ...others] = problemsOf({ podTemplate: {}, egressCIDRs: ['192.0.2.0/24'] });
  expect(others).toEqual([]);
  expect(problem?.message).toMatch(
    /^spec\.podTemplate, spec\.egressCIDRs are not available in this version.*remove them/,
  );
});

test.each([
  { spec: { source: { mysql: undefined } }, field: 'spec.source', reason: 'no source: there would be no CronJobs' },
  { spec: { source: { mysql: { databases: undefined } } }, field: 'spec.source.mysql', reason: 'no databases' },
  { spec: gitOn({ url: '/a.git' }), field: 'spec.source.git', reason: 'a path on no claim' },
  { spec: gitOn({ claimName: 'a' }), field: 'spec.source.git', reason: 'a claim that is not read' },
  { spec: gitOn({ url: 'git@a:b', credentialsSecretRef: secret }), field: 'spec.source.git', reason: 'any host key' },
  { spec: gitOn({ url: 'git@a:b', knownHosts: 'h ssh-ed25519 A' }), field: 'spec.source.git', reason: 'no key' },
  { spec: { repository: { rsync: undefined } }, field: 'spec.repository', reason: 'nowhere to go' },
  { spec: { encryption: { gpg: undefined } }, field: 'spec.encryption', reason: 'it would be in the clear' },
  { spec: { encryption: { none: {} } }, field: 'spec.encryption', reason: 'both a key and none' },
  { spec: { schedule: { localCopy: undefined, full: undefined } }, field: 'spec.schedule', reason: 'no schedule' },
  { spec: { quiesce: {} }, field: 'spec.quiesce', reason: 'to be kept still, and nobody says how' },
])('what the CRD’s rules should have refused is a problem too: $reason', ({ spec, field }) => {
  const problems = problemsOf(spec);
  expect(problems).toMatchObject([{ reason: 'ChoiceMissing' }]);
  expect(problems[0]?.message.startsWith(field)).toBe(true);
});

test('a source that cannot be made read-only is not said to be', () => {
  const source = { mysql: undefined, files: { claimName: 'shop', paths: ['/'] } };
  const problems = problemsOf({ source, quiesce: { readOnly: {} } });
  expect(problems.map(({ reason }) => reason)).toContain('QuiesceInvalid');
  expect(problems.map(({ message }) => message).join(' ')).toContain('spec.quiesce.readOnly: only a MySQL');
});

test.each([
  { spec: {}, words: undefined, reason: 'all that it takes' },
  {
    spec: { encryption: { gpg: { privateKeySecretRef: undefined } } },
    words: /privateKeySecretRef/,
    reason: 'nothing opens what is stored',
  },
  {
    spec: { schedule: { full: undefined, incremental: undefined } },
    words: /needs spec.schedule.full/,
    reason: 'nothing is shipped',
  },
  {
    spec: { schedule: { verify: undefined }, verification: { points: 'Latest' } },
    words: /does nothing without spec.schedule.verify/,
    reason: 'no time to do it',
  },
  {
    spec: { verification: { sandbox: { image: 'registry.test/influxdb:1.8' } } },
    words: /registry.test\/influxdb:1.8 is not on the operator’s list.*registry.test\/mariadb:10.11.*Name one of these/,
    reason: 'an image that the operator does not allow for this source',
  },
])('what cannot be verified is a problem: $reason', ({ spec, words }) => {
  const found = problemsOf(verifying(spec));
  expect(found.map(({ reason }) => reason)).toEqual(words === undefined ? [] : ['VerificationInvalid']);
  expect(found[0]?.message ?? '').toMatch(words ?? /^$/);
});

test('an operator without an image for the server says so', () => {
  const observed = observedOf({ policy: rawPolicy({ spec: verifying() }) });
  const found = findProblems(observed, zones, { ...testSettings, sandboxImages: [] });
  expect(found.map(({ message }) => message)).toEqual([expect.stringContaining('verification.sandboxImages')]);
});

test.each([
  { workloads: [{ kind: 'Deployment', name: 'shop' }], may: true, problems: 0, reason: 'a workload' },
  { workloads: [{ kind: 'Deployment', name: 'shop' }], may: false, problems: 1, reason: 'no right to stop any' },
  { workloads: [{ kind: 'CronJob', name: 'agama-full' }], may: true, problems: 1, reason: 'its own CronJob' },
  { workloads: [{ kind: 'Deployment', name: 'agama-full' }], may: true, problems: 0, reason: 'of another kind' },
])('workloads that cannot be stopped are a problem: $reason', ({ workloads, may, problems }) => {
  const observed = observedOf({ policy: rawPolicy({ spec: { quiesce: { workloads } } }) });
  const found = findProblems(observed, zones, { ...testSettings, quiesceWorkloads: may });
  expect(found.map(({ reason }) => reason)).toEqual(Array.from({ length: problems }, () => 'QuiesceInvalid'));
});

test.each([
  {
    spec: { schedule: { full: '5 1 * * 5-2' } },
    field: 'spec.schedule.full',
    word: '5-2',
    reason: 'a range backwards',
  },
  {
    spec: { schedule: { localCopy: '50-10 1 * * *' } },
    field: 'spec.schedule.localCopy',
    word: '50-10',
    reason: 'minutes backwards',
  },
  {
    spec: { schedule: { incremental: '0 20-4 * * *' } },
    field: 'spec.schedule.incremental',
    word: '20-4',
    reason: 'hours backwards',
  },
  {
    spec: { schedule: { timeZone: 'Europe/Tallin' } },
    field: 'spec.schedule.timeZone',
    word: 'Europe/Tallin',
    reason: 'a misspelt zone',
  },
  {
    spec: { schedule: { full: '0 1 30 2 *' } },
    field: 'spec.schedule.full',
    word: 'never comes',
    reason: 'a day that no year has',
  },
  { spec: { schedule: { timeZone: 'EEST' } }, field: 'spec.schedule.timeZone', word: 'EEST', reason: 'no IANA zone' },
])('a schedule that CronJob would refuse is a problem: $reason', ({ spec, field, word }) => {
  const problems = problemsOf(spec);
  expect(problems).toMatchObject([{ reason: 'ScheduleInvalid' }]);
  expect(problems[0]?.message.startsWith(`${field}: `)).toBe(true);
  expect(problems[0]?.message).toContain(word);
});

test('several problems are whole sentences, one after the other', () => {
  const spec = {
    schedule: { timeZone: 'Europe/Tallin', full: '5 1 * * 5-2' },
    deadlines: { full: '1mo' },
    podTemplate: {},
  };
  const messages = problemsOf(spec).map(({ message }) => message);
  expect(messages).toHaveLength(4);
  for (const message of messages) expect(message).toMatch(/^spec\.[^.].*[^.]\.$/);
});

const window = { start: '01:00', duration: '30m' };

test.each([
  { schedule: { localCopy: '0 3 * * *' }, field: 'localCopy', reason: 'a local copy at three' },
  { schedule: { localCopy: undefined, full: '30 1 * * 0' }, field: 'full', reason: 'a full when it has closed' },
  { schedule: { localCopy: undefined, incremental: '59 0 * * *' }, field: 'incremental', reason: 'a minute early' },
  { schedule: { localCopy: 'H 3 * * *' }, field: 'localCopy', reason: 'a hashed minute of another hour' },
])('a line that never comes in the window is a problem, with the window named: $reason', ({ schedule, field }) => {
  const problems = problemsOf({ schedule: { ...schedule, window } });
  expect(problems).toMatchObject([{ reason: 'ScheduleInvalid' }]);
  expect(problems[0]?.message.startsWith(`spec.schedule.${field}: `)).toBe(true);
  expect(problems[0]?.message).toContain('never comes in the window (01:00 for 30m, Europe/Tallinn)');
});

test.each([
  { schedule: {}, reason: 'the sample, whose copy is made at its start' },
  { schedule: { full: '0 4 * * 0', incremental: '0 4 * * 1-6' }, reason: 'what ships a local copy does not dump' },
  { schedule: { localCopy: '0 1,13 * * *' }, reason: 'one time of two is inside' },
  { schedule: { localCopy: '@every 24h' }, reason: 'of @every nothing is known' },
  { schedule: { localCopy: 'H(0-29) 1 * * *' }, reason: 'a hash over the window' },
])('a line that may come in the window is none: $reason', ({ schedule }) => {
  expect(problemsOf({ schedule: { ...schedule, window } })).toEqual([]);
});

test.each([
  { duration: '1d', words: 'less than a day', reason: 'never closed' },
  { duration: '1mo', words: 'has months', reason: 'a month' },
])('a window that is none is a problem: $reason', ({ duration, words }) => {
  const problems = problemsOf({ schedule: { window: { start: '01:00', duration } } });
  expect(problems).toMatchObject([{ reason: 'ScheduleInvalid' }]);
  expect(problems[0]?.message).toMatch(/^spec\.schedule\.window: .*[^.]\.$/);
  expect(problems[0]?.message).toContain(words);
});

test('a verification’s line is read like any other, and is no dump that a window could hold', () => {
  const of = (verify: string) => problemsOf({ schedule: { localCopy: undefined, full: '5 1 * * 0', verify, window } });
  const invalid = of('0 1 30 2 *').filter(({ reason }) => reason === 'ScheduleInvalid');
  expect(invalid).toMatchObject([{ message: expect.stringMatching(/^spec\.schedule\.verify: /) }]);
  expect(of('0 5 * * 0').filter(({ reason }) => reason === 'ScheduleInvalid')).toEqual([]);
});

test('a hash that cannot be is a problem', () => {
  const problems = problemsOf({ schedule: { full: 'H(29-0) 1 * * 0' } });
  expect(problems).toMatchObject([{ reason: 'ScheduleInvalid', message: expect.stringContaining('write H(0-29)') }]);
});

test.each([
  {
    deadlines: { full: '1mo' },
    words: /^spec\.deadlines\.full: "1mo" has months.*30d/,
    reason: 'a month has no length',
  },
  {
    deadlines: { start: '5s' },
    words: /^spec\.deadlines\.start: with 5s CronJob may miss every run\. Set 10s/,
    reason: 'CronJob looks every 10 s',
  },
  {
    deadlines: { localCopy: '999999w' },
    words: /^spec\.deadlines\.localCopy: 999999w is too long/,
    reason: 'it would overflow',
  },
])('a deadline that cannot be kept is a problem: $reason', ({ deadlines, words }) => {
  const problems = problemsOf({ deadlines });
  expect(problems).toMatchObject([{ reason: 'DeadlineInvalid' }]);
  expect(problems[0]?.message).toMatch(words);
});

const claimWith = ({ name = claimName('agama'), size = '10Gi', storageClassName = 'standard' } = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: {
    name,
    namespace: 'shop',
    uid: `uid-of-${name}`,
    labels: policyLabels('agama'),
    annotations: policyAnnotations('agama'),
  },
  spec: { storageClassName, resources: { requests: { storage: size } } },
});

test.each([
  {
    localCopy: { size: '5Gi' },
    words: /size is 5Gi, but the claim agama-holdfast has 10Gi.*10Gi or more/,
    reason: 'it would shrink',
  },
  { localCopy: { size: '10239Mi' }, words: /cannot shrink/, reason: 'it would shrink, in another unit' },
  {
    localCopy: { storageClassName: 'fast' },
    words: /is fast, but the claim agama-holdfast was made with standard/,
    reason: 'another class',
  },
])('what a claim cannot do is a problem: $reason', ({ localCopy, words }) => {
  const problems = problemsOf({ localCopy }, { claims: [claimWith()] });
  expect(problems).toMatchObject([{ reason: 'ClaimMismatch' }]);
  expect(problems[0]?.message).toMatch(words);
});

test.each([
  { localCopy: {}, reason: 'the same' },
  { localCopy: { size: '20Gi' }, reason: 'it grows' },
  { localCopy: { size: '10240Mi' }, reason: 'the same in another unit' },
  { localCopy: { storageClassName: 'standard' }, reason: 'the default class, named' },
])('what a claim can do is none: $reason', ({ localCopy }) => {
  expect(problemsOf({ localCopy }, { claims: [claimWith()] })).toEqual([]);
});

test('a copy of the claim under another name is not the claim', () => {
  const copy = claimWith({ name: 'a-copy', size: '99Gi', storageClassName: 'other' });
  const spec = { localCopy: { storageClassName: 'standard' } };
  expect(problemsOf(spec, { claims: [copy, claimWith()] })).toEqual([]);
});

const files = { mysql: undefined, files: { claimName: 'shop-files' } };

test.each([
  { spec: volume({ claimName: 'agama-holdfast' }), words: /is agama-holdfast, the claim of the policy itself/ },
  {
    spec: { ...volume({ claimName: 'shop-files' }), source: files },
    words: /is shop-files, the claim that is backed up/,
  },
])('a repository on the claim that it is to save is a problem: $words', ({ spec, words }) => {
  const problems = problemsOf(spec).filter(({ reason }) => reason === 'ClaimConflict');
  expect(problems).toMatchObject([{ message: expect.stringMatching(words) }]);
});

test('a claim of a long name is found by its shortened one', () => {
  const name = `a${'b'.repeat(80)}`;
  const policy = rawPolicy({ name, spec: volume({ claimName: claimName(name) }) });
  expect(findProblems(observedOf({ policy }), zones, testSettings)).toMatchObject([{ reason: 'ClaimConflict' }]);
});

test('a claim of its own is none, beside files on another', () => {
  expect(problemsOf(volume({ claimName: 'backups' }))).toEqual([]);
  const problems = problemsOf({ ...volume({ claimName: 'backups' }), source: files });
  expect(problems.filter(({ reason }) => reason === 'ClaimConflict')).toEqual([]);
});

test('a spec that cannot be read names the field', () => {
  const [problem, ...others] = problemsOf({ source: { mysql: { port: 'many' } } });
  expect(others).toEqual([]);
  expect(problem?.reason).toBe('SpecUnreadable');
  expect(problem?.message).toMatch(/^spec\.source\.mysql\.port: /);
});
