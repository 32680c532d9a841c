import * as fc from 'fast-check';
import { runKinds, type RunKind } from '../../../src/api/v1alpha1/recovery-points.ts';
import { dumpTask, shipTask, taskVariable, type DumpTask } from '../../../src/api/v1alpha1/task.ts';
import { agentContainer } from '../../../src/workloads/agent-container.ts';
import { policyClaim } from '../../../src/workloads/claim.ts';
import { runCronJob } from '../../../src/workloads/cronjob.ts';
import { policyLabel } from '../../../src/workloads/labels.ts';
import { policyLabelValue } from '../../../src/workloads/names.ts';
import type { Container, CronJob, PodSpec } from '../../../src/workloads/types.ts';
import { policyView } from '../../../src/policy/views.ts';
import { testSettings } from '../../support/operator/images.ts';
import { rawPolicy, type Json, type PolicyOptions } from '../../support/operator/policies.ts';
import { expand } from './expand.ts';
import { containersOf, restrictedViolations } from './pod-security.ts';
import { containerOf, secretsOf, taskOf } from './pods.ts';

const policyOf = (options: PolicyOptions = {}) => {
  const { metadata, spec, specProblem } = policyView(rawPolicy(options));
  if (spec === undefined) throw new Error(specProblem);
  return { metadata, spec };
};

const cronJobOf = (kind: RunKind, options: PolicyOptions = {}): CronJob => {
  const cronJob = runCronJob(policyOf(options), kind, testSettings);
  if (cronJob === undefined) throw new Error(`no CronJob for ${kind}`);
  return cronJob;
};

const podOf = (kind: RunKind, options: PolicyOptions = {}): PodSpec => {
  const pod = cronJobOf(kind, options).spec?.jobTemplate.spec?.template.spec;
  if (pod === undefined) throw new Error('no pod');
  return pod;
};

/** The MySQL block of a dump task. */
const mysqlOf = ({ source }: DumpTask) => {
  if (!('mysql' in source)) throw new Error('the source is not MySQL');
  return source.mysql;
};

const claimsOf = (pod: PodSpec, container: Container): string[] =>
  (container.volumeMounts ?? []).flatMap(({ name }) => {
    const claim = pod.volumes?.find((volume) => volume.name === name)?.persistentVolumeClaim;
    if (claim?.readOnly === true) throw new Error(`${claim.claimName} is mounted read-only`);
    return claim === undefined ? [] : [claim.claimName];
  });

const encryptions: { encryption: Json; secrets: string[]; reason: string }[] = [
  { encryption: {}, secrets: ['backup-key'], reason: 'to a public key' },
  {
    encryption: { gpg: { privateKeySecretRef: { name: 'private-key' } } },
    secrets: ['backup-key'],
    reason: 'to a public key, and the private one is named too',
  },
  {
    encryption: { gpg: undefined, passphraseSecretRef: { name: 'passphrase' } },
    secrets: ['passphrase'],
    reason: 'with a passphrase',
  },
  { encryption: { gpg: undefined, none: {} }, secrets: [], reason: 'in the clear' },
];

/** The sample's repository in place of each kind that there is, and the Secrets and claims that it brings into the ship container. */
const repositories: { repository: Json; secrets: string[]; claims: string[]; reason: string }[] = [
  { repository: {}, secrets: ['backup-ssh'], claims: [], reason: 'by rsync' },
  {
    repository: { rsync: undefined, volume: { claimName: 'backups', path: '/nfs' } },
    secrets: [],
    claims: ['backups'],
    reason: 'to a claim',
  },
];

const everyPod = repositories.flatMap(({ reason: way, secrets: own, ...to }) =>
  runKinds.flatMap((kind) =>
    encryptions.map(({ encryption, secrets, reason }) => ({
      kind,
      spec: { encryption, repository: to.repository },
      secrets: [...own, ...secrets],
      claims: to.claims,
      reason: `${way}, encrypted ${reason}`,
    })),
  ),
);

describe.each(everyPod)('the pod of a $kind $reason', ({ kind, spec, secrets, claims }) => {
  const pod = podOf(kind, { spec });

  test('keeps to Pod Security "restricted", with a root file system that is read-only', () => {
    expect(restrictedViolations(pod)).toEqual([]);
    for (const container of containersOf(pod)) expect(container.securityContext?.readOnlyRootFilesystem).toBe(true);
  });

  test('carries no API token and no addresses of services', () => {
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.enableServiceLinks).toBe(false);
    expect(pod.volumes?.filter(({ projected }) => projected !== undefined)).toEqual([]);
  });

  test('gives each container the Secrets that it needs, and those alone', () => {
    const found = containersOf(pod).map((container) => [container.name, secretsOf(pod, container)]);
    const dump = ['dump', ['agama-mysql']];
    expect(found).toEqual(kind === 'LocalCopy' ? [dump] : [dump, ['ship', secrets]]);
  });

  test('gives the policy’s claim to every container and the repository’s to the one that ships, both to be written to', () => {
    const found = containersOf(pod).map((container) => [container.name, claimsOf(pod, container)]);
    const dump = ['dump', ['agama-holdfast']];
    expect(found).toEqual(kind === 'LocalCopy' ? [dump] : [dump, ['ship', ['agama-holdfast', ...claims]]]);
  });

  test('never mounts the private key', () => {
    expect(JSON.stringify(pod)).not.toContain('private-key');
  });

  test('mounts Secrets optional, read-only, 0440, and never into the environment', () => {
    const mounted = (pod.volumes ?? []).flatMap(({ secret }) => secret ?? []);
    expect(mounted.length).toBeGreaterThan(0);
    for (const secret of mounted) expect(secret).toMatchObject({ optional: true, defaultMode: 0o440 });
    for (const container of containersOf(pod)) {
      expect(container.envFrom).toBeUndefined();
      expect(container.env?.filter(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined)).toEqual([]);
      for (const mount of container.volumeMounts ?? []) {
        expect(mount.readOnly === true).toBe(mount.name.startsWith('secret-'));
      }
    }
  });

  test('every volume is mounted, and every mount has its volume', () => {
    const mounted = containersOf(pod).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name));
    const names = (pod.volumes ?? []).map(({ name }) => name);
    expect(new Set(mounted)).toEqual(new Set(names));
    expect(names).toHaveLength(new Set(names).size);
  });

  test('has arguments that are the same for every policy', () => {
    for (const { name, args, command } of containersOf(pod)) {
      expect(command).toBeUndefined();
      expect(args).toEqual([name]);
    }
  });

  test('runs on the node of the other pods of the policy, under a fixed host name, once', () => {
    const [term] = pod.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const template = cronJobOf(kind).spec?.jobTemplate.spec?.template;
    expect(term?.labelSelector?.matchLabels).toEqual({ [policyLabel]: policyLabelValue('agama') });
    expect(template?.metadata?.labels).toMatchObject(term?.labelSelector?.matchLabels ?? { missing: '' });
    expect(term?.topologyKey).toBe('kubernetes.io/hostname');
    expect(pod.hostname).toMatch(/^holdfast-[0-9a-f]{16}$/);
    expect(pod.restartPolicy).toBe('Never');
  });

  test('the agent can read its tasks', () => {
    const dump = dumpTask.strict().parse(taskOf(containerOf(pod, 'dump')));
    expect(dump).toMatchObject({ kind, policy: { namespace: 'shop', name: 'agama' }, keep: 2 });
    expect(mysqlOf(dump)).toMatchObject({ host: 'db.example.com', port: 3306, databases: ['agama'] });
    if (kind === 'LocalCopy') return;
    const ship = shipTask.strict().parse(taskOf(containerOf(pod, 'ship')));
    expect(ship).toMatchObject({ kind, cluster: 'cluster-uid' });
  });

  test('what a task says is mounted is mounted there', () => {
    for (const container of containersOf(pod)) {
      const paths = (container.volumeMounts ?? []).map(({ mountPath }) => mountPath);
      const directories = [...JSON.stringify(taskOf(container)).matchAll(/"(\/(etc|var|scratch)[^"]*)"/g)].map(
        ([, directory]) => directory,
      );
      expect(directories.length).toBeGreaterThan(2);
      for (const directory of directories) expect(paths).toContain(directory);
    }
  });
});

test('the task names the claim, the path on it and where it is mounted, apart from the policy’s own', () => {
  const repository = { rsync: undefined, volume: { claimName: 'backups', path: '/nfs' }, adopt: true };
  const ship = containerOf(podOf('Full', { spec: { repository } }), 'ship');
  expect(shipTask.strict().parse(taskOf(ship))).toMatchObject({
    repository: { volume: { claimName: 'backups', path: '/nfs', directory: '/var/lib/holdfast-repository' } },
    adopt: true,
  });
  const paths = (ship.volumeMounts ?? []).map(({ mountPath }) => mountPath);
  expect(paths.filter((path) => path.startsWith('/var/lib/holdfast/'))).toEqual([]);
});

test('the encryption that was asked for is the one of the task: never in the clear by mistake', () => {
  const methods = encryptions.map(({ encryption }) => {
    const pod = podOf('Full', { spec: { encryption } });
    return shipTask.parse(taskOf(containerOf(pod, 'ship'))).encryption.method;
  });
  expect(methods).toEqual(['gpg', 'gpg', 'passphrase', 'none']);
});

test('a full and an incremental look for the scheduled local copy, a local copy does not', () => {
  const reuse = { schedule: '0 1 * * *', timeZone: 'Europe/Tallinn' };
  expect(taskOf(containerOf(podOf('Full'), 'dump'))).toMatchObject({ reuse });
  expect(taskOf(containerOf(podOf('Incremental'), 'dump'))).toMatchObject({ reuse });
  expect(taskOf(containerOf(podOf('LocalCopy'), 'dump'))).not.toHaveProperty('reuse');
  const without = podOf('Full', { spec: { schedule: { localCopy: undefined } } });
  expect(taskOf(containerOf(without, 'dump'))).not.toHaveProperty('reuse');
});

describe('deadlines', () => {
  test.each(runKinds)('%s: each container stops itself before its Job is stopped, which deletes the result', (kind) => {
    const job = cronJobOf(kind).spec?.jobTemplate.spec;
    const limits = containersOf(podOf(kind)).map((container) => {
      const task = taskOf(container);
      return dumpTask.pick({ deadlineSeconds: true }).parse(task).deadlineSeconds;
    });
    const together = limits.reduce((sum, limit) => sum + limit, 0);
    expect(job?.activeDeadlineSeconds).toBeGreaterThanOrEqual(together + 600);
  });

  test('they are the policy’s', () => {
    const spec = { deadlines: { start: '2h', localCopy: '10m', full: '3h', incremental: '30m' } };
    expect(cronJobOf('Full', { spec }).spec?.startingDeadlineSeconds).toBe(7200);
    const seconds = (kind: RunKind, container: string): unknown =>
      dumpTask.pick({ deadlineSeconds: true }).parse(taskOf(containerOf(podOf(kind, { spec }), container)))
        .deadlineSeconds;
    expect(seconds('LocalCopy', 'dump')).toBe(600);
    expect(seconds('Full', 'ship')).toBe(10_800);
    expect(seconds('Incremental', 'ship')).toBe(1800);
  });
});

describe('the CronJob', () => {
  test.each([
    { kind: 'LocalCopy', schedule: '0 1 * * *', name: 'agama-local-copy' },
    { kind: 'Full', schedule: '5 1 * * 0', name: 'agama-full' },
    { kind: 'Incremental', schedule: '10 1 * * 1-6', name: 'agama-incremental' },
  ] as const)('of a $kind starts on time, one at a time, and tries once', ({ kind, schedule, name }) => {
    const { metadata, spec } = cronJobOf(kind);
    expect(metadata).toMatchObject({ name, namespace: 'shop' });
    expect(metadata['ownerReferences']).toEqual([
      expect.objectContaining({ kind: 'BackupPolicy', name: 'agama', uid: 'policy-uid', controller: true }),
    ]);
    expect(spec).toMatchObject({
      schedule,
      timeZone: 'Europe/Tallinn',
      suspend: false,
      concurrencyPolicy: 'Forbid',
      jobTemplate: { spec: { backoffLimit: 0 } },
    });
  });

  test('is suspended with its policy', () => {
    expect(cronJobOf('Full', { spec: { suspend: true } }).spec?.suspend).toBe(true);
  });

  test('is not there for a kind that is not scheduled', () => {
    const policy = policyOf({ spec: { schedule: { incremental: undefined } } });
    expect(runCronJob(policy, 'Incremental', testSettings)).toBeUndefined();
  });

  test('is not there for a source or a target that is not available', () => {
    const git = { mysql: undefined, git: { url: '/srv/ansible.git' } };
    expect(runCronJob(policyOf({ spec: { source: git } }), 'LocalCopy', testSettings)).toBeUndefined();
    const s3 = { rsync: undefined, s3: { endpoint: 'https://a', bucket: 'abc', credentialsSecretRef: { name: 'a' } } };
    expect(runCronJob(policyOf({ spec: { repository: s3 } }), 'Full', testSettings)).toBeUndefined();
  });
});

describe('a MySQL source', () => {
  const names = { caSecretRef: { name: 'db-ca' }, clientCertificateSecretRef: { name: 'db-client' } };
  const tls = { ca: 'db-ca', clientCertificate: 'db-client' };

  test.each([
    { given: {}, secrets: ['agama-mysql'], told: undefined, reason: 'no TLS' },
    { given: { tls: {} }, secrets: ['agama-mysql'], told: {}, reason: 'the public authorities' },
    { given: { tls: names }, secrets: ['agama-mysql', 'db-ca', 'db-client'], told: tls, reason: 'both Secrets' },
    {
      given: { tls: { caSecretRef: names.caSecretRef } },
      secrets: ['agama-mysql', 'db-ca'],
      told: { ca: 'db-ca' },
      reason: 'an authority of its own',
    },
  ])('mounts what TLS needs and says where: $reason', ({ given, secrets, told }) => {
    const pod = podOf('LocalCopy', { spec: { source: { mysql: given } } });
    const container = containerOf(pod, 'dump');
    expect(secretsOf(pod, container)).toEqual(secrets);
    const { tls } = mysqlOf(dumpTask.strict().parse(taskOf(container)));
    const said = Object.entries(tls ?? {});
    const secretsSaid = Object.fromEntries(said.map(([use, mount]) => [use, mount?.secret]));
    expect(tls && secretsSaid).toEqual(told);
    const mounts = (container.volumeMounts ?? []).map(({ mountPath }) => mountPath);
    expect(mounts).toEqual(expect.arrayContaining(said.map(([, mount]) => mount?.directory)));
  });

  test('is told whether all databases and the accounts are wanted', () => {
    const pod = podOf('LocalCopy', {
      spec: { source: { mysql: { databases: undefined, all: true, accounts: true } } },
    });
    const mysql = mysqlOf(dumpTask.parse(taskOf(containerOf(pod, 'dump'))));
    expect(mysql).toMatchObject({ all: true, accounts: true });
    expect(mysql.databases).toBeUndefined();
  });
});

test('the claim has no owner: what is stored outlives the policy', () => {
  const claim = policyClaim(policyOf({ spec: { localCopy: { size: '20Gi', storageClassName: 'fast' } } }));
  expect(claim.metadata).not.toHaveProperty('ownerReferences');
  expect(claim.spec).toEqual({
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '20Gi' } },
    storageClassName: 'fast',
  });
  expect(policyClaim(policyOf()).spec).not.toHaveProperty('storageClassName');
});

test.each([
  {
    given: { host: 'a', database: 'telegraf' },
    task: { host: 'a', database: 'telegraf', httpPort: 8086, rpcPort: 8088 },
    secrets: [],
    reason: 'a server that asks for no account',
  },
  {
    given: { host: 'a', database: 'telegraf', rpcPort: 1, httpPort: 2, credentialsSecretRef: { name: 'account' } },
    task: {
      host: 'a',
      database: 'telegraf',
      rpcPort: 1,
      httpPort: 2,
      credentials: { directory: '/etc/holdfast/source', secret: 'account' },
    },
    secrets: ['account'],
    reason: 'a server that asks for one',
  },
])('InfluxDB is dumped by its own image: $reason', ({ given, task, secrets }) => {
  const pod = podOf('LocalCopy', { spec: { source: { mysql: undefined, influxdb: given } } });
  const container = containerOf(pod, 'dump');
  expect(container.image).toBe(testSettings.images.influxdb);
  expect(dumpTask.strict().parse(taskOf(container)).source).toEqual({ influxdb: task });
  expect(secretsOf(pod, container)).toEqual(secrets);
});

describe('the task in the environment', () => {
  test('Kubernetes’ expansion of $(NAME) gives back the JSON, whatever the values are', () => {
    const nasty = fc.string({
      unit: fc.constantFrom('$', '$$', '(', ')', 'HOME', '$(HOME)', '"', '\\', 'a', '\n', 'ä'),
    });
    fc.assert(
      fc.property(nasty, (host) => {
        const task = dumpTask.parse(taskOf(containerOf(podOf('LocalCopy'), 'dump')));
        const hostile = { ...task, source: { mysql: { ...mysqlOf(task), host } } };
        const { container } = agentContainer({
          name: 'dump',
          image: 'a',
          task: hostile,
          secrets: [],
          settings: testSettings,
        });
        const value = container.env?.find(({ name }) => name === taskVariable)?.value ?? '';
        expect(expand(value, { HOME: '/root', HOLDFAST_JOB: 'x' })).toBe(JSON.stringify(hostile));
      }),
      { numRuns: 300 },
    );
  });

  test('a database named with dollars arrives as it is written', () => {
    const pod = podOf('LocalCopy', { spec: { source: { mysql: { databases: ['$$a', 'b$$', 'c$HOME'] } } } });
    expect(mysqlOf(dumpTask.parse(taskOf(containerOf(pod, 'dump')))).databases).toEqual(['$$a', 'b$$', 'c$HOME']);
  });

  test('the name of the Job comes from the label that the Job controller sets', () => {
    expect(containerOf(podOf('Full'), 'ship').env).toContainEqual({
      name: 'HOLDFAST_JOB',
      valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: "metadata.labels['batch.kubernetes.io/job-name']" } },
    });
  });
});

describe('a git repository as the source', () => {
  const secret = { name: 'git-secret' };
  const gitPod = (git: Json) => podOf('LocalCopy', { spec: { source: { mysql: undefined, git } } });
  const gitIn = (pod: PodSpec) => {
    const { source } = dumpTask.strict().parse(taskOf(containerOf(pod, 'dump')));
    if (!('git' in source)) throw new Error('the task is for another engine');
    return source.git;
  };

  test.each([
    {
      git: { url: 'ssh://git@h:2222/a.git', knownHosts: 'h ssh-ed25519 AAAA', credentialsSecretRef: secret },
      by: 'ssh',
      secrets: ['git-secret'],
    },
    { git: { url: 'https://h/a.git' }, by: 'https', secrets: [] },
    {
      git: { url: 'https://h/a.git', credentialsSecretRef: secret, caSecretRef: { name: 'git-ca' } },
      by: 'https',
      secrets: ['git-secret', 'git-ca'],
    },
    { git: { url: '/a.git', claimName: 'repositories' }, by: 'path', secrets: [] },
  ])('$git.url by $by: the image, the Secrets and the claim that it needs', ({ git, by, secrets }) => {
    const pod = gitPod(git);
    const container = containerOf(pod, 'dump');
    expect(restrictedViolations(pod)).toEqual([]);
    expect(container.image).toBe(testSettings.images.git);
    expect(secretsOf(pod, container)).toEqual(secrets);
    expect(gitIn(pod)).toMatchObject({ url: git.url, access: { by } });
    const claims = (pod.volumes ?? []).flatMap(({ name, persistentVolumeClaim }) =>
      name === 'claim-source' ? [persistentVolumeClaim] : [],
    );
    expect(claims).toEqual(by === 'path' ? [{ claimName: 'repositories', readOnly: true }] : []);
    const mounted = (container.volumeMounts ?? []).filter(({ name }) => name === 'claim-source');
    const { access } = gitIn(pod);
    expect(mounted).toEqual(
      access.by === 'path' ? [{ name: 'claim-source', mountPath: access.root, readOnly: true }] : [],
    );
  });

  test.each([
    { git: { url: '/a.git' }, reason: 'a path on no claim' },
    { git: { url: 'git@h:a.git', credentialsSecretRef: secret }, reason: 'no host keys' },
    { git: { url: 'git@h:a.git', knownHosts: 'h ssh-ed25519 AAAA' }, reason: 'no key' },
  ])('no pod is made with $reason', ({ git }) => {
    expect(
      runCronJob(policyOf({ spec: { source: { mysql: undefined, git } } }), 'LocalCopy', testSettings),
    ).toBeUndefined();
  });
});
