import type { BackupPolicy } from '../../../src/api/v1alpha1/backuppolicy.ts';
import type { PolicyPlan } from '../../../src/api/v1alpha1/restorerequest.ts';
import {
  bringTask,
  checkTask,
  discardTask,
  inspectTask,
  keepTask,
  loadCopyTask,
  loadTask,
  resolveTask,
  showTask,
  swapCopyTask,
  swapTask,
} from '../../../src/api/v1alpha1/task.ts';
import { policyView } from '../../../src/policy/views.ts';
import { requestView } from '../../../src/restore/views.ts';
import {
  cleanJob,
  discardJob,
  putBackPlanJob,
  restoreFinalizer,
  restoreJob,
  restorePlanJob,
} from '../../../src/workloads/restore-job.ts';
import type { Job, PodSpec } from '../../../src/workloads/types.ts';
import { testSettings } from '../../support/operator/images.ts';
import { overlay, rawPolicy, type Json } from '../../support/operator/policies.ts';
import { evidenceOf, pointOf, rawRequest } from '../../support/operator/restores.ts';
import { containersOf, restrictedViolations } from './pod-security.ts';
import { containerOf, secretsOf, taskOf } from './pods.ts';

const spec: Json = {
  encryption: { gpg: { privateKeySecretRef: { name: 'private-key' } } },
  restore: { credentialsSecretRef: { name: 'restorer' } },
};
const influxdb: Json = { source: { mysql: undefined, influxdb: { host: 'influxdb.shop.svc', database: 'telegraf' } } };
const git: Json = { source: { mysql: undefined, git: { url: '/repo.git', claimName: 'repo' } } };

const policyOf = (changes: Json): BackupPolicy => {
  const view = policyView(rawPolicy({ spec: overlay(spec, changes) }));
  if (view.spec === undefined) throw new Error(view.specProblem);
  return { metadata: view.metadata, spec: view.spec };
};

const orderOf = (destination: Json, changes: Json = {}) => {
  const view = requestView(rawRequest({ spec: { destination: { inPlace: undefined, ...destination } } }));
  if (view.spec === undefined) throw new Error(view.specProblem);
  return { request: { metadata: view.metadata, spec: view.spec }, policy: policyOf(changes), settings: testSettings };
};

const plan: PolicyPlan = {
  policy: 'agama',
  specDigest: 'e'.repeat(64),
  ...pointOf(),
  destination: evidenceOf(),
  lost: '',
  overwritten: '',
  workloads: [],
  confirmation: 'OnePerson',
  basis: '',
};

const made = (job: Job | undefined): { job: Job; pod: PodSpec } => {
  const pod = job?.spec?.template.spec;
  if (job === undefined || pod === undefined) throw new Error('no Job');
  return { job, pod };
};
const restoreOf = (destination: Json, changes?: Json) => made(restoreJob(orderOf(destination, changes), plan));
const namesIn = (pod: PodSpec): string[] => containersOf(pod).map(({ name }) => name);

const inPlace: Json = { inPlace: {} };
const destinations: { reason: string; destination: Json; changes?: Json; containers: string[] }[] = [
  { reason: 'in place', destination: inPlace, containers: ['bring', 'load', 'swap', 'check'] },
  { reason: 'in place, git', destination: inPlace, changes: git, containers: ['bring', 'load', 'swap', 'check'] },
  { reason: 'a new database', destination: { newDatabase: { name: 'then' } }, containers: ['bring', 'load'] },
  {
    reason: 'another server',
    destination: { server: { influxdb: { host: 'other.shop.svc' } } },
    changes: influxdb,
    containers: ['bring', 'load'],
  },
  { reason: 'a claim', destination: { volume: { claimName: 'files' } }, containers: ['bring'] },
  // What loads waits for the scratch server: it is started before.
  { reason: 'a sandbox', destination: { sandbox: {} }, containers: ['bring', 'sandbox', 'show', 'keep'] },
  { reason: 'a sandbox of git', destination: { sandbox: {} }, changes: git, containers: ['bring', 'show', 'keep'] },
];

test.each(destinations)('one container after the other: $reason', ({ destination, changes, containers }) => {
  const { job, pod } = restoreOf(destination, changes);
  expect(namesIn(pod)).toEqual(containers);
  expect(pod.containers.map(({ name }) => name)).toEqual(containers.slice(-1));
  expect(restrictedViolations(pod)).toEqual([]);
  const volumes = pod.volumes?.map(({ name }) => name) ?? [];
  expect(new Set(volumes).size).toBe(volumes.length);
  expect(job.metadata.finalizers).toEqual([restoreFinalizer]);
  expect(job.spec?.backoffLimit).toBe(0);
});

const schemas = {
  bring: bringTask,
  load: loadTask,
  swap: swapTask,
  check: checkTask,
  show: showTask,
  keep: keepTask,
} as const;

test.each(destinations)(
  'each is told what its schema reads, and has the time it asks for: $reason',
  ({ destination, changes }) => {
    const { job, pod } = restoreOf(destination, changes);
    const own = containersOf(pod).filter(({ name }) => name in schemas);
    const tasks = own.map((container) => schemas[container.name as keyof typeof schemas].parse(taskOf(container)));
    const seconds = tasks.reduce((sum, { deadlineSeconds }) => sum + deadlineSeconds, 0);
    expect(job.spec?.activeDeadlineSeconds).toBeGreaterThanOrEqual(seconds);
  },
);

test('the private key is where the set is fetched alone, and the account that restores where the server is', () => {
  const { pod } = restoreOf(inPlace);
  expect(secretsOf(pod, containerOf(pod, 'bring'))).toEqual(['backup-ssh', 'private-key']);
  for (const name of ['load', 'swap', 'check']) expect(secretsOf(pod, containerOf(pod, name))).toEqual(['restorer']);
});

test('a claim with a repository is mounted to be written to', () => {
  const { pod } = restoreOf(inPlace, git);
  const claim = pod.volumes?.find(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === 'repo');
  expect(claim?.persistentVolumeClaim?.readOnly).toBeUndefined();
  const mounts = containerOf(pod, 'swap').volumeMounts?.filter(({ name }) => name === claim?.name);
  expect(mounts?.map(({ readOnly }) => readOnly)).toEqual([undefined]);
});

test('a plan looks, with the account that restores, and has no key that opens anything', () => {
  const { job, pod } = made(restorePlanJob(orderOf(inPlace), { by: 'Latest' }));
  expect(namesIn(pod)).toEqual(['resolve', 'inspect']);
  expect(resolveTask.parse(taskOf(containerOf(pod, 'resolve'))).point).toEqual({ by: 'Latest' });
  expect(inspectTask.parse(taskOf(containerOf(pod, 'inspect'))).into).toEqual({ by: 'InPlace' });
  expect(secretsOf(pod, containerOf(pod, 'resolve'))).toEqual(['backup-ssh']);
  expect(secretsOf(pod, containerOf(pod, 'inspect'))).toEqual(['restorer']);
  expect(job.metadata.finalizers).toBeUndefined();
});

test.each([
  { reason: 'the request says nothing', spec: {}, says: false },
  { reason: 'the request has the word', spec: { acceptUnrecorded: true as const }, says: true },
])('what no ledger records may be taken: $reason', ({ spec, says }) => {
  const { request, ...order } = orderOf(inPlace);
  const asked = { ...order, request: { ...request, spec: { ...request.spec, ...spec } } };
  const task = resolveTask.parse(taskOf(containerOf(made(restorePlanJob(asked, { by: 'Latest' })).pod, 'resolve')));
  expect(task).toMatchObject({ acceptUnrecorded: says, encryption: 'gpg' });
});

test('where nothing is looked at, the plan is the set alone', () => {
  expect(namesIn(made(restorePlanJob(orderOf({ sandbox: {} }), { by: 'Latest' })).pod)).toEqual(['resolve']);
});

const copyOf = { id: '0123abcd', request: 'restored', count: 1 };
const { set: _set, ...planned } = plan;
const copyPlan: PolicyPlan = {
  ...planned,
  copy: { ...copyOf, uid: 'u', setAsideTime: '2026-11-15T01:59:00Z', objects: 12, summary: '' },
};

test('a safety copy is looked at and put back without the repository, and without a key that opens anything', () => {
  const looking = made(putBackPlanJob(orderOf(inPlace), copyOf));
  expect(namesIn(looking.pod)).toEqual(['inspect']);
  expect(inspectTask.parse(taskOf(containerOf(looking.pod, 'inspect'))).copyOf).toEqual(copyOf);
  const { job, pod } = made(restoreJob(orderOf(inPlace), copyPlan));
  expect(namesIn(pod)).toEqual(['load', 'swap', 'check']);
  expect(restrictedViolations(pod)).toEqual([]);
  const tasks = ['load', 'swap', 'check'].map((name) => {
    expect(secretsOf(pod, containerOf(pod, name))).toEqual(['restorer']);
    return (name === 'swap' ? swapCopyTask : loadCopyTask).parse(taskOf(containerOf(pod, name)));
  });
  expect(tasks.map((task) => task.copyOf)).toEqual([copyOf, copyOf, copyOf]);
  expect(tasks.map(({ id }) => id)).not.toContain(copyOf.id);
  expect(job.spec?.activeDeadlineSeconds).toBeGreaterThanOrEqual(
    tasks.reduce((sum, { deadlineSeconds }) => sum + deadlineSeconds, 0),
  );
  expect(job.metadata.finalizers).toEqual([restoreFinalizer]);
});

test('what is removed is told apart: the safety copy, or what was loaded', () => {
  const what = [discardJob, cleanJob].map((jobFor) => {
    const { pod } = made(jobFor(orderOf(inPlace)));
    return discardTask.parse(taskOf(containerOf(pod, 'discard'))).what;
  });
  expect(what).toEqual(['SafetyCopy', 'Loaded']);
});

test('the Jobs of a request have names of their own, which follow from its UID', () => {
  const names = [
    restorePlanJob(orderOf(inPlace), { by: 'Latest' }),
    restoreJob(orderOf(inPlace), plan),
    discardJob(orderOf(inPlace)),
    cleanJob(orderOf(inPlace)),
  ].map((job) => job?.metadata.name);
  expect(new Set(names).size).toBe(4);
  const { request, ...order } = orderOf(inPlace);
  const again = { ...request, metadata: { ...request.metadata, uid: 'another' } };
  expect(names).not.toContain(restoreJob({ ...order, request: again }, plan)?.metadata.name);
});
