import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts';
import { waitUntil } from '../../cluster/process.ts';
import { untilEstablished } from '../../cluster/crds.ts';
import { type JsonObject, sample, withValue } from '../api/support.ts';
import { installChart, mayDo, operator, refusalOf } from './support.ts';

let plane: ControlPlane;
let good: JsonObject;
let jane: string;

const apply = (policy: JsonObject, kubeconfig?: string, ...more: string[]): Promise<string> =>
  plane.kubectl(['apply', '--server-side', '--force-conflicts', '--filename', '-', ...more], {
    input: JSON.stringify(policy),
    ...(kubeconfig !== undefined && { kubeconfig }),
  });

let rounds = 0;

/** Lets jane get these Secrets and no others, and waits until the API server knows it. */
const allow = async (...names: string[]): Promise<void> => {
  rounds += 1;
  const marker = `round-${rounds}`;
  await plane.kubectl(['apply', '--filename', '-'], {
    input: JSON.stringify({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'secrets', namespace: 'agama' },
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames: [marker, ...names] }],
    }),
  });
  await waitUntil(() => mayDo(plane, 'jane', { verb: 'get', resource: 'secrets', name: marker }), {
    timeoutMs: 30_000,
    describe: () => 'the change of the Role did not reach the authorizer',
  });
};

const inForce = (): Promise<void> =>
  waitUntil(
    () =>
      apply(good, jane, '--dry-run=server').then(
        () => false,
        (error: unknown) => String(error).includes('you may not get the Secret'),
      ),
    { timeoutMs: 30_000, describe: () => 'the ValidatingAdmissionPolicy is not in force' },
  );

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.kubectl(['create', 'namespace', 'agama']);
  await installChart(plane);
  await untilEstablished(plane);
  good = await sample();
  jane = await plane.kubeconfigFor('jane');
  await plane.kubectl([
    'create',
    'rolebinding',
    'secrets',
    '--namespace',
    'agama',
    '--role',
    'secrets',
    '--user',
    'jane',
  ]);
  for (const role of ['holdfast-view', 'holdfast-edit']) {
    await plane.kubectl([
      'create',
      'rolebinding',
      role,
      '--namespace',
      'agama',
      '--clusterrole',
      role,
      '--user',
      'jane',
    ]);
  }
  await allow();
  await inForce();
}, 180_000);

afterAll(() => plane?.stop());

const all = ['agama-mysql', 'agama-mysql-restore', 'backup-host-ssh', 'backup-gpg-public', 'backup-gpg-private'];

test('who may read none of the Secrets is told the field and the name', async () => {
  await allow();
  const refusal = await refusalOf(apply(good, jane));
  expect(refusal).toContain('forbidden');
  expect(refusal).toContain(
    'spec.source.mysql.credentialsSecretRef: you may not get the Secret "agama-mysql" in the namespace "agama"',
  );
});

test.each([
  { missing: 'agama-mysql', field: 'spec.source.mysql.credentialsSecretRef', reason: 'the database account' },
  { missing: 'backup-host-ssh', field: 'spec.repository.rsync.sshSecretRef', reason: 'the key of the backup host' },
  {
    missing: 'backup-gpg-public',
    field: 'spec.encryption.gpg.publicKeySecretRef',
    reason: 'even a public key: any Secret could be named',
  },
  {
    missing: 'backup-gpg-private',
    field: 'spec.encryption.gpg.privateKeySecretRef',
    reason: 'the key that opens all backups',
  },
])('one that may not be read is enough: $reason', async ({ missing, field }) => {
  await allow(...all.filter((name) => name !== missing));
  expect(await refusalOf(apply(good, jane))).toContain(`${field}: you may not get the Secret "${missing}"`);
});

const variants: { path: string; value: JsonObject; field: string; secret: string; reason: string }[] = [
  {
    path: 'spec.source',
    value: {
      mysql: {
        host: 'db',
        databases: ['a'],
        credentialsSecretRef: { name: 'agama-mysql' },
        tls: { caSecretRef: { name: 'ca' } },
      },
    },
    field: 'spec.source.mysql.tls.caSecretRef',
    secret: 'ca',
    reason: 'a certificate authority',
  },
  {
    path: 'spec.source',
    value: { influxdb: { host: 'db', database: 'a', credentialsSecretRef: { name: 'hidden' } } },
    field: 'spec.source.influxdb.credentialsSecretRef',
    secret: 'hidden',
    reason: 'another engine',
  },
  {
    path: 'spec.repository',
    value: {
      s3: {
        endpoint: 'https://s3',
        bucket: 'abc',
        credentialsSecretRef: { name: 'agama-mysql' },
        caRef: { name: 'hidden' },
      },
    },
    field: 'spec.repository.s3.caRef',
    secret: 'hidden',
    reason: 'another repository',
  },
  {
    path: 'spec.encryption',
    value: { passphraseSecretRef: { name: 'hidden' } },
    field: 'spec.encryption.passphraseSecretRef',
    secret: 'hidden',
    reason: 'a passphrase',
  },
  {
    path: 'spec.encryption',
    value: { gpg: { publicKeySecretRef: { name: 'backup-gpg-public' }, privateKeySecretRef: { name: 'hidden' } } },
    field: 'spec.encryption.gpg.privateKeySecretRef',
    secret: 'hidden',
    reason: 'the private key',
  },
];

test.each(variants)('every reference is asked about: $reason', async ({ path, value, field, secret }) => {
  await allow(...all);
  expect(await refusalOf(apply(withValue(good, path, value), jane))).toContain(
    `${field}: you may not get the Secret "${secret}"`,
  );
});

test('who may read all of them may write the policy', async () => {
  await allow(...all);
  expect(await apply(good, jane)).toContain('serverside-applied');
});

describe('a policy that is there', () => {
  beforeAll(() => apply(good));

  test('cannot be pointed at another Secret, nor its Secrets sent to another host', async () => {
    await allow();
    const elsewhere = withValue(good, 'spec.repository.rsync.host', 'evil.example.com');
    expect(await refusalOf(apply(elsewhere, jane))).toContain('you may not get the Secret');
    const other = withValue(good, 'spec.source.mysql.credentialsSecretRef.name', 'hidden');
    expect(await refusalOf(apply(other, jane))).toContain('"hidden"');
  });

  test('may be labelled, deleted and applied again unchanged by who may not read the Secrets', async () => {
    await allow();
    await plane.kubectl(['label', 'bp', 'agama', '--namespace', 'agama', 'team=data'], { kubeconfig: jane });
    expect(await apply(good, jane)).toContain('serverside-applied');
    await plane.kubectl(['delete', 'bp', 'agama', '--namespace', 'agama'], { kubeconfig: jane });
    await apply(good);
  });

  test('gets its status from the operator, which may read no Secret', async () => {
    const status = { status: { observedGeneration: 1 } };
    await plane.kubectl([
      'patch',
      'bp',
      'agama',
      '--namespace',
      'agama',
      '--subresource=status',
      '--type=merge',
      '--patch',
      JSON.stringify(status),
      '--as',
      operator,
    ]);
    expect(
      await plane.kubectl([
        'get',
        'bp',
        'agama',
        '--namespace',
        'agama',
        '--output',
        'jsonpath={.status.observedGeneration}',
      ]),
    ).toBe('1');
  });

  test('does not get its status from people', async () => {
    const status = { status: { observedGeneration: 7 } };
    const forged = plane.kubectl(
      [
        'patch',
        'bp',
        'agama',
        '--namespace',
        'agama',
        '--subresource=status',
        '--type=merge',
        '--patch',
        JSON.stringify(status),
      ],
      { kubeconfig: jane },
    );
    expect(await refusalOf(forged)).toContain('forbidden');
  });
});

describe('who may have workloads stopped', () => {
  const stopping = (block: string, ...workloads: JsonObject[]): JsonObject =>
    withValue(good, `spec.${block}`, { workloads });
  const names = ['shop', 'queue', 'nightly'];
  beforeAll(async () => {
    const text = JSON.stringify(good);
    const secrets = [...text.matchAll(/SecretRef":\{"name":"([^"]+)"/g)].map(([, name = '']) => name);
    await allow(...secrets);
    await plane.kubectl(['apply', '--filename', '-'], {
      input: JSON.stringify({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'workloads', namespace: 'agama' },
        rules: [
          { apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'], resourceNames: ['shop'] },
          { apiGroups: ['apps'], resources: ['statefulsets'], verbs: ['patch'], resourceNames: ['queue'] },
          { apiGroups: ['batch'], resources: ['cronjobs'], verbs: ['patch'], resourceNames: ['nightly'] },
        ],
      }),
    });
    await plane.kubectl([
      'create',
      'rolebinding',
      'workloads',
      '--namespace',
      'agama',
      '--role',
      'workloads',
      '--user',
      'jane',
    ]);
    await waitUntil(() => mayDo(plane, 'jane', { verb: 'patch', resource: 'cronjobs.batch', name: 'nightly' }), {
      timeoutMs: 30_000,
      describe: () => 'the Role did not reach the authorizer',
    });
  });

  const own = [
    { kind: 'Deployment', name: 'shop' },
    { kind: 'StatefulSet', name: 'queue' },
    { kind: 'CronJob', name: 'nightly' },
  ];

  const blocks = [
    { block: 'quiesce', reason: 'for a dump' },
    { block: 'restore', reason: 'while data is replaced' },
  ];

  test.each(blocks)('each that she may patch: $reason', async ({ block }) => {
    expect(await apply(stopping(block, ...own), jane, '--dry-run=server')).toContain('serverside-applied');
  });

  test.each(
    blocks.flatMap(({ block }) =>
      own.flatMap(({ kind }) =>
        names
          .filter((name) => !own.some((each) => each.kind === kind && each.name === name))
          .map((name) => ({ block, kind, name, reason: 'of another kind than she may patch' })),
      ),
    ),
  )('$block: not the $kind $name: $reason', async ({ block, kind, name }) => {
    const refusal = await refusalOf(apply(stopping(block, ...own, { kind, name }), jane, '--dry-run=server'));
    expect(refusal).toContain(`spec.${block}.workloads[3]: you may not patch the ${kind} "${name}"`);
  });

  test.each(blocks)('sixteen are judged one by one: $reason', async ({ block }) => {
    const many = Array.from({ length: 16 }, () => own[0] ?? {});
    expect(await apply(stopping(block, ...many), jane, '--dry-run=server')).toContain('serverside-applied');
    const last = await refusalOf(
      apply(stopping(block, ...many.slice(1), { kind: 'Deployment', name: 'x' }), jane, '--dry-run=server'),
    );
    expect(last).toContain(`spec.${block}.workloads[15]`);
  });

  test('sixteen of each: what the API server may spend on a policy is enough', async () => {
    const workloads = Array.from({ length: 16 }, () => own[0] ?? {});
    const both = withValue(stopping('quiesce', ...workloads), 'spec.restore', { workloads });
    expect(await apply(both, jane, '--dry-run=server')).toContain('serverside-applied');
  });
});
