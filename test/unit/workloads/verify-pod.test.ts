import { fetchTask, verifyTask } from '../../../src/api/v1alpha1/task.ts';
import { policyView } from '../../../src/policy/views.ts';
import { verifyCronJob } from '../../../src/workloads/cronjob.ts';
import { chooseSandboxImage, releaseOf } from '../../../src/workloads/sandbox-images.ts';
import type { PodSpec } from '../../../src/workloads/types.ts';
import { verifyPod } from '../../../src/workloads/verify-pod.ts';
import { testSettings } from '../../support/operator/images.ts';
import { overlay, rawPolicy, type Json } from '../../support/operator/policies.ts';
import { containersOf, restrictedViolations } from './pod-security.ts';
import { containerOf, secretsOf, taskOf } from './pods.ts';

const privateKey = { encryption: { gpg: { privateKeySecretRef: { name: 'private-key' } } } };
const verify = { schedule: { verify: '0 5 * * 0' } };

const policyOf = (spec: Json = {}) => {
  const view = policyView(rawPolicy({ spec: overlay({ ...privateKey, ...verify }, spec) }));
  if (view.spec === undefined) throw new Error(view.specProblem);
  return { metadata: view.metadata, spec: view.spec };
};

const podOf = (spec: Json = {}, server?: string): PodSpec => {
  const pod = verifyPod(policyOf(spec), server, testSettings);
  if (pod === undefined) throw new Error('no pod');
  return pod;
};

const influxdb = { source: { mysql: undefined, influxdb: { host: 'influxdb.shop.svc', database: 'telegraf' } } };
const git = { source: { mysql: undefined, git: { url: '/repo.git', claimName: 'repo' } } };

const sources: { spec: Json; containers: string[]; image: string; reason: string }[] = [
  { spec: {}, containers: ['fetch', 'sandbox', 'verify'], image: 'registry.test/mysql:1', reason: 'MySQL' },
  { spec: influxdb, containers: ['fetch', 'sandbox', 'verify'], image: 'registry.test/influxdb:1', reason: 'InfluxDB' },
  { spec: git, containers: ['fetch', 'verify'], image: 'registry.test/git:1', reason: 'git needs no server' },
];

test.each(sources)('fetch, then the scratch server beside what compares: $reason', ({ spec, containers, image }) => {
  const pod = podOf(spec);
  expect(containersOf(pod).map(({ name }) => name)).toEqual(containers);
  expect(pod.containers.map(({ name }) => name)).toEqual(['verify']);
  expect(containerOf(pod, 'verify').image).toBe(image);
  expect(containerOf(pod, 'fetch').image).toBe('registry.test/duplicity:1');
  expect(restrictedViolations(pod)).toEqual([]);
});

test.each(sources)('both containers are told what their schemas read: $reason', ({ spec }) => {
  const pod = podOf(spec);
  expect(fetchTask.parse(taskOf(containerOf(pod, 'fetch')))).toMatchObject({ kind: 'Verify', points: 'Latest' });
  const task = verifyTask.parse(taskOf(containerOf(pod, 'verify')));
  expect(task.fetched).toBe(fetchTask.parse(taskOf(containerOf(pod, 'fetch'))).fetched);
});

test('the private key is in the container that fetches alone, and the sandbox has no Secret and no claim', () => {
  const pod = podOf();
  expect(secretsOf(pod, containerOf(pod, 'fetch'))).toEqual(['backup-ssh', 'private-key']);
  expect(secretsOf(pod, containerOf(pod, 'verify'))).toEqual([]);
  expect(containerOf(pod, 'sandbox').volumeMounts?.map(({ name }) => name)).toEqual(['verification']);
});

test('the scratch server starts by a text that has nothing of the policy', () => {
  const source = { mysql: { host: 'other.example.com', databases: ['other'] } };
  const queries = [{ query: "SELECT '$(id)'", expect: '1' }];
  const [plain, other] = [podOf(), podOf({ source, verification: { queries } })];
  expect(containerOf(other, 'sandbox').command).toEqual(containerOf(plain, 'sandbox').command);
  expect(containerOf(plain, 'sandbox').restartPolicy).toBe('Always');
});

test('the queries of the policy reach the container as they are, dollar signs included', () => {
  const queries = [{ query: "SELECT '$(HOME)' FROM `$$x`", expect: '$(HOME)\t$1' }];
  const task = verifyTask.parse(taskOf(containerOf(podOf({ verification: { queries } }), 'verify')));
  expect(task.queries).toEqual(queries);
});

test.each([
  { storage: undefined, volume: { emptyDir: {} }, reason: 'the disk of the node' },
  {
    storage: '20Gi',
    volume: {
      ephemeral: {
        volumeClaimTemplate: {
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '20Gi' } } },
        },
      },
    },
    reason: 'a volume that goes with the pod',
  },
])('scratch space: $reason', ({ storage, volume }) => {
  const pod = podOf({ verification: { sandbox: { storage } } });
  expect(pod.volumes?.find(({ name }) => name === 'verification')).toEqual({ name: 'verification', ...volume });
});

test('the compute resources of the scratch server are the policy’s', () => {
  const resources = { limits: { memory: '1Gi' }, requests: { cpu: '500m', memory: '512Mi' } };
  expect(containerOf(podOf({ verification: { sandbox: { resources } } }), 'sandbox').resources).toEqual(resources);
});

test('each part has the deadline of a verification, and the Job both and some more', () => {
  const policy = policyOf({ deadlines: { verify: '2h' } });
  const cronJob = verifyCronJob(policy, undefined, testSettings);
  expect(cronJob?.spec?.jobTemplate.spec?.activeDeadlineSeconds).toBe(2 * 7200 + 900);
  expect(cronJob?.metadata.name).toBe('agama-verify');
});

test('there is no pod without a private key, nor without an image for the server', () => {
  const encryption = { gpg: { privateKeySecretRef: undefined } };
  expect(verifyPod(policyOf({ encryption }), undefined, testSettings)).toBeUndefined();
  expect(verifyPod(policyOf(), undefined, { ...testSettings, sandboxImages: [] })).toBeUndefined();
});

const list = testSettings.sandboxImages;
const engines = ['mariadb', 'mysql'];
test.each([
  {
    server: 'mariadb 11.4.2',
    image: undefined,
    chosen: 'registry.test/mariadb:11.4',
    reason: 'the release of the source',
  },
  { server: 'mysql 8.4.3', image: undefined, chosen: 'registry.test/mysql:8.4', reason: 'and its engine' },
  { server: undefined, image: undefined, chosen: 'registry.test/mariadb:10.11', reason: 'no backup yet: the first' },
  {
    server: 'mysql 9.7.0',
    image: undefined,
    chosen: 'registry.test/mysql:8.4',
    reason: 'none of the release: the agent says which',
  },
  {
    server: 'mariadb 11.4.2',
    image: 'registry.test/mysql:8.4',
    chosen: 'registry.test/mysql:8.4',
    reason: 'the policy names one',
  },
  { server: undefined, image: 'registry.test/influxdb:1.8', chosen: undefined, reason: 'one of another engine' },
  { server: undefined, image: 'evil.test/x:1', chosen: undefined, reason: 'one that is not on the list' },
])('the image of the scratch server: $reason', ({ server, image, chosen }) => {
  expect(chooseSandboxImage(list, { engines, image, server })).toBe(chosen);
});

test.each([
  { server: 'mariadb 10.11.6', release: { engine: 'mariadb', release: '10.11' } },
  { server: 'influxdb 1.6.7~rc0', release: { engine: 'influxdb', release: '1.6' } },
  { server: 'something else', release: undefined },
])('engine and release of "$server"', ({ server, release }) => {
  expect(releaseOf(server)).toEqual(release);
});
