import { readConfig } from '../../../src/config.ts';
import { imageNames, imageVariable } from '../../../src/workloads/images.ts';
import { restoreAdmissionNames } from '../../../src/admission/objects.ts';
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts';
import { untilEstablished } from '../../cluster/crds.ts';
import { documents, type JsonObject } from '../api/support.ts';
import { chart, installChart, mayDo, namespace, operator, refusalOf, type Right } from './support.ts';

// With the chart's defaults.
const chartImages = Object.fromEntries(imageNames.map((name) => [name, `holdfast/${name}:0.1.0`]));

let plane: ControlPlane;
let notes: string;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.kubectl(['create', 'namespace', 'agama']);
  await plane.kubectl(['create', 'namespace', 'other']);
  // The cluster's own admission for the operator's namespace: what the chart makes must pass it.
  await plane.kubectl(['create', 'namespace', namespace]);
  await plane.kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  notes = await installChart(plane, '--set', 'metrics.service.enabled=true');
}, 180_000);

afterAll(() => plane?.stop());

test('the release brings the CRD, and its notes say what to do next', async () => {
  await untilEstablished(plane);
  expect(notes).toContain('Nothing is backed up until there is a policy');
  expect(notes).not.toContain('WARNING');
});

test('the CRD of the release is that of crds/', async () => {
  const [released, committed] = await Promise.all([
    plane.kubectl(['get', 'crd', 'backuppolicies.holdfast.dev', '--output', 'json']),
    plane.kubectl([
      'create',
      '--dry-run=client',
      '--output',
      'json',
      '--filename',
      `${chart}/../../crds/holdfast.dev_backuppolicies.yaml`,
    ]),
  ]);
  expect(versions(released)).toEqual(versions(committed));
});

// The API server drops empty maps, such as the properties of `none: {}`.
const versions = (text: string): unknown =>
  (JSON.parse(text.replaceAll(/"properties": \{\},?/g, '')) as { spec: { versions: unknown } }).spec.versions;

const lease = 'leases.coordination.k8s.io';

const granted: (Right & { reason: string })[] = [
  ...['get', 'list', 'watch'].map((verb) => ({
    verb,
    resource: 'backuppolicies.holdfast.dev',
    reason: 'reads policies',
  })),
  ...['update', 'patch'].map((verb) => ({
    verb,
    resource: 'backuppolicies.holdfast.dev/status',
    reason: 'writes status',
  })),
  ...['get', 'list', 'watch', 'create', 'patch', 'delete'].map((verb) => ({
    verb,
    resource: 'cronjobs.batch',
    reason: 'keeps CronJobs',
  })),
  ...['get', 'list', 'watch'].map((verb) => ({ verb, resource: 'jobs.batch', reason: 'watches runs' })),
  ...['create', 'delete'].map((verb) => ({ verb, resource: 'jobs.batch', reason: 'prunes and restores' })),
  { verb: 'patch', resource: 'jobs.batch', reason: 'lets go of a Job that restored' },
  ...['get', 'list', 'watch'].map((verb) => ({ verb, resource: 'pods', reason: 'reads results' })),
  { verb: 'patch', resource: 'pods', reason: 'tells a pod that restores to go on' },
  ...['get', 'list', 'watch', 'update', 'patch'].map((verb) => ({
    verb,
    resource: 'restorerequests.holdfast.dev',
    reason: 'reads requests, and holds them while something is stopped',
  })),
  {
    verb: 'delete',
    resource: 'restorerequests.holdfast.dev',
    reason: 'removes those whose ttlAfterFinished is over',
  },
  ...['update', 'patch'].map((verb) => ({
    verb,
    resource: 'restorerequests.holdfast.dev/status',
    reason: 'shows the plan',
  })),
  ...['get', 'list', 'watch'].map((verb) => ({
    verb,
    resource: 'restoreconfirmations.holdfast.dev',
    reason: 'reads confirmations',
  })),
  {
    verb: 'create',
    resource: 'localsubjectaccessreviews.authorization.k8s.io',
    reason: 'asks whether who confirmed may do so still',
  },
  ...['validatingadmissionpolicies', 'validatingadmissionpolicybindings'].flatMap((plural) =>
    restoreAdmissionNames.map((what) => ({
      verb: 'get',
      resource: `${plural}.admissionregistration.k8s.io`,
      name: `holdfast-${what}.holdfast.dev`,
      where: '',
      reason: 'sees whether confirmations are bound to their authors',
    })),
  ),
  ...['get', 'list', 'watch', 'create', 'patch'].map((verb) => ({
    verb,
    resource: 'persistentvolumeclaims',
    reason: 'makes the claim',
  })),
  ...['create', 'patch', 'get'].map((verb) => ({ verb, resource: 'events', reason: 'says what happened' })),
  {
    verb: 'get',
    resource: 'namespaces',
    name: 'kube-system',
    where: 'kube-system',
    reason: 'the identity of the cluster',
  },
  ...['get', 'update'].map((verb) => ({
    verb,
    resource: lease,
    name: 'holdfast',
    where: namespace,
    reason: 'the replicas elect their leader',
  })),
  { verb: 'create', resource: lease, where: namespace, reason: 'likewise, the first time' },
];

test.each(granted)('the operator may $verb $resource: $reason', async (right) => {
  expect(await mayDo(plane, operator, right)).toBe(true);
});

const denied: (Right & { reason: string })[] = [
  ...['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'].map((verb) => ({
    verb,
    resource: 'secrets',
    reason: 'it never reads a Secret',
  })),
  { verb: 'get', resource: 'secrets', where: namespace, reason: 'not in its own namespace either' },
  ...['create', 'update', 'patch', 'delete'].map((verb) => ({
    verb,
    resource: 'backuppolicies.holdfast.dev',
    reason: 'what people promise is theirs',
  })),
  { verb: 'delete', resource: 'persistentvolumeclaims', reason: 'what is stored stays' },
  ...['update', 'deletecollection'].map((verb) => ({
    verb,
    resource: 'jobs.batch',
    reason: 'not needed',
  })),
  ...['create', 'delete', 'update'].map((verb) => ({ verb, resource: 'pods', reason: 'Jobs make the pods' })),
  { verb: 'create', resource: 'restorerequests.holdfast.dev', reason: 'it asks for no restore' },
  { verb: 'confirm', resource: 'restorerequests.holdfast.dev', reason: 'it confirms none' },
  ...['create', 'update', 'patch', 'delete'].map((verb) => ({
    verb,
    resource: 'restoreconfirmations.holdfast.dev',
    reason: 'a confirmation is somebody’s word',
  })),
  ...['update', 'patch', 'delete'].map((verb) => ({
    verb,
    resource: 'validatingadmissionpolicies.admissionregistration.k8s.io',
    name: 'holdfast-requests.holdfast.dev',
    where: '',
    reason: 'what binds it is not its to change',
  })),
  {
    verb: 'get',
    resource: 'validatingadmissionpolicies.admissionregistration.k8s.io',
    name: 'another.example.com',
    where: '',
    reason: 'no admission policy of others',
  },
  ...['deployments.apps', 'statefulsets.apps'].flatMap((resource) =>
    ['get', 'patch'].map((verb) => ({ verb, resource, reason: 'only with quiesce.enabled' })),
  ),
  { verb: 'create', resource: 'pods/exec', reason: 'no way into a pod' },
  { verb: 'get', resource: 'pods/log', reason: 'results come by status' },
  { verb: 'get', resource: 'namespaces', name: 'agama', reason: 'only the one namespace' },
  { verb: 'list', resource: 'namespaces', reason: 'no list of namespaces' },
  { verb: 'get', resource: 'configmaps', reason: 'not needed' },
  { verb: 'create', resource: 'serviceaccounts/token', reason: 'no tokens' },
  ...['get', 'update'].map((verb) => ({
    verb,
    resource: lease,
    name: 'another',
    where: namespace,
    reason: 'no Lease but its own',
  })),
  ...['list', 'watch', 'patch', 'delete'].map((verb) => ({
    verb,
    resource: lease,
    name: 'holdfast',
    where: namespace,
    reason: 'an election needs no more',
  })),
  { verb: 'create', resource: lease, reason: 'only in its own namespace' },
  { verb: 'create', resource: 'rolebindings.rbac.authorization.k8s.io', reason: 'no more rights' },
  { verb: 'impersonate', resource: 'users', reason: 'nobody else' },
];

test.each(denied)('the operator may not $verb $resource: $reason', async (right) => {
  expect(await mayDo(plane, operator, right)).toBe(false);
});

interface Deployment {
  spec: { template: { spec: { containers: { env: EnvironmentVariable[] }[] } } };
}

interface EnvironmentVariable {
  name: string;
  value?: string;
  valueFrom?: { fieldRef: { fieldPath: string } };
}

const rendered = async (...more: string[]): Promise<JsonObject[]> =>
  documents(await plane.helm(['template', 'holdfast', chart, '--namespace', namespace, ...more]));

test.each([
  { values: [], reason: 'the whole cluster' },
  { values: ['--set', 'namespaces={agama,other}'], reason: 'some namespaces' },
])('no rule of any role has a wildcard or a Secret in it: $reason', async ({ values }) => {
  const roles = (await rendered(...values)).filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role');
  expect(roles.length).toBeGreaterThan(2);
  for (const { rules } of roles) expect(JSON.stringify(rules)).not.toMatch(/\*|secrets/);
});

test('the operator takes the settings that the chart gives it', async () => {
  const deployment = (
    await rendered(
      '--set',
      'namespaces={agama,other},workers=7,logLevel=debug,quiesce.enabled=true',
      '--set',
      'admission.restoreServiceAccounts={system:serviceaccount:ops:argo}',
      '--set',
      'admission.confirmServiceAccounts={system:serviceaccount:ops:duty,system:serviceaccount:ops:night}',
      '--set-json',
      'verification.sandboxImages=[{"engine":"mariadb","release":"10.11","image":"registry.test/mariadb:10.11"}]',
    )
  ).find(({ kind }) => kind === 'Deployment');
  const { spec } = deployment as unknown as Deployment;
  const [container] = spec.template.spec.containers;
  const env = container?.env.map(({ name, value }) => [name, value ?? 'holdfast-5d9c7-x2x']) ?? [];
  expect(readConfig(Object.fromEntries(env))).toEqual({
    images: chartImages,
    imagePullPolicy: 'IfNotPresent',
    namespaces: ['agama', 'other'],
    logLevel: 'debug',
    port: 8080,
    workers: 7,
    quiesceWorkloads: true,
    sandboxImages: [{ engine: 'mariadb', release: '10.11', image: 'registry.test/mariadb:10.11' }],
    instance: 'holdfast-5d9c7-x2x',
    admission: {
      name: 'holdfast',
      accounts: {
        operator,
        requesters: ['system:serviceaccount:ops:argo'],
        confirmers: ['system:serviceaccount:ops:duty', 'system:serviceaccount:ops:night'],
      },
    },
    lease: { namespace: 'holdfast-5d9c7-x2x', name: 'holdfast', seconds: 15 },
  });
  const fields = container?.env.map(({ name, valueFrom }) => [name, valueFrom?.fieldRef.fieldPath]) ?? [];
  expect(Object.fromEntries(fields)).toMatchObject({
    HOLDFAST_INSTANCE: 'metadata.name',
    HOLDFAST_LEASE_NAMESPACE: 'metadata.namespace',
  });
});

test.each([
  {
    kind: 'CronJob',
    object: {
      apiVersion: 'batch/v1',
      spec: {
        schedule: '0 1 * * *',
        jobTemplate: {
          spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }] } } },
        },
      },
    },
    reason: 'the runs of a policy',
  },
  {
    kind: 'PersistentVolumeClaim',
    object: { apiVersion: 'v1', spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    reason: 'its local copies',
  },
])('with its rights the operator makes and changes a $kind by server-side apply: $reason', async ({ kind, object }) => {
  for (const round of ['first', 'second']) {
    const metadata = { name: 'tried', namespace: 'agama', labels: { round } };
    const applied = plane.kubectl(['apply', '--server-side', '--validate=false', '--as', operator, '--filename', '-'], {
      input: JSON.stringify({ kind, metadata, ...object }),
    });
    expect(await applied).toContain('serverside-applied');
  }
});

test.each([
  { replicas: 1, budgets: 0, reason: 'one pod that must not go keeps its node from being drained' },
  { replicas: 2, budgets: 1, reason: 'one stays' },
  { replicas: 3, budgets: 1, reason: 'one stays' },
])('with $replicas replicas there are $budgets PodDisruptionBudgets: $reason', async ({ replicas, budgets }) => {
  const objects = await rendered('--set', `replicas=${replicas}`);
  const found = objects.filter(({ kind }) => kind === 'PodDisruptionBudget').map(({ spec }) => spec);
  const { spec } = objects.find(({ kind }) => kind === 'Deployment') as unknown as { spec: { selector: unknown } };
  const budget = { minAvailable: 1, selector: spec.selector };
  expect(found).toEqual(Array.from({ length: budgets }, () => budget));
});

test('releases beside each other have a Lease each', async () => {
  const objects = documents(await plane.helm(['template', 'second', chart, '--namespace', namespace]));
  const role = objects.find(({ metadata }) => (metadata as JsonObject)['name'] === 'second-holdfast-leader-election');
  expect(role?.['rules']).toMatchObject([{ resourceNames: ['second-holdfast'] }, { verbs: ['create'] }]);
  expect(JSON.stringify(objects.find(({ kind }) => kind === 'Deployment'))).toContain(
    '{"name":"HOLDFAST_LEASE_NAME","value":"second-holdfast"}',
  );
});

test('people get policies through the roles of the cluster, but nobody gets status', async () => {
  const rules = async (role: string) =>
    JSON.stringify(
      (JSON.parse(await plane.kubectl(['get', 'clusterrole', role, '--output', 'json'])) as { rules: unknown }).rules,
    );
  const [view, edit] = [await rules('holdfast-view'), await rules('holdfast-edit')];
  expect(view).not.toMatch(/create|update|patch|delete/);
  expect(edit).not.toContain('status');
  for (const role of ['holdfast-restore-request', 'holdfast-restore-confirm']) {
    expect(await plane.kubectl(['get', 'clusterrole', role, '--output', 'jsonpath={.metadata.labels}'])).not.toContain(
      'aggregate',
    );
  }
  for (const role of [view, edit]) expect(role).not.toMatch(/confirm"/);
  expect(edit).not.toContain('restore');
  const labels = await plane.kubectl([
    'get',
    'clusterroles',
    '--selector',
    'rbac.authorization.k8s.io/aggregate-to-edit=true',
    '--output',
    'name',
  ]);
  expect(labels).toContain('clusterrole.rbac.authorization.k8s.io/holdfast-edit');
  expect(labels).toContain('clusterrole.rbac.authorization.k8s.io/holdfast-view');
});

test('the pod passes Pod Security "restricted", writes nothing and gets its settings', async () => {
  const deployment = JSON.parse(
    await plane.kubectl(['get', 'deployment', 'holdfast', '--namespace', namespace, '--output', 'json']),
  ) as {
    spec: { replicas: number; strategy: unknown; template: { spec: JsonObject } };
  };
  expect(deployment.spec).toMatchObject({
    replicas: 2,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      spec: {
        terminationGracePeriodSeconds: 45,
        topologySpreadConstraints: [{ topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' }],
        securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            image: 'holdfast/operator:0.1.0',
            securityContext: {
              readOnlyRootFilesystem: true,
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'] },
            },
            livenessProbe: { httpGet: { path: '/healthz', port: 'http' } },
            readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
            env: expect.arrayContaining([
              ...imageNames.map((name) => ({ name: imageVariable(name), value: chartImages[name] })),
              { name: 'HOLDFAST_IMAGE_PULL_POLICY', value: 'IfNotPresent' },
              { name: 'HOLDFAST_LOG_LEVEL', value: 'info' },
              { name: 'HOLDFAST_PORT', value: '8080' },
              { name: 'HOLDFAST_WORKERS', value: '4' },
              { name: 'HOLDFAST_QUIESCE_WORKLOADS', value: 'Disabled' },
              { name: 'HOLDFAST_ADMISSION_NAME', value: 'holdfast' },
              { name: 'HOLDFAST_SERVICE_ACCOUNT', value: operator },
            ]),
          },
        ],
      },
    },
  });
  // The server itself judges the pod: --dry-run=server runs Pod Security admission.
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'tried', namespace },
    spec: deployment.spec.template.spec,
  };
  await plane.kubectl(['create', '--dry-run=server', '--filename', '-'], { input: JSON.stringify(pod) });
});

test('with namespaces, the operator has its rights there only, and the image settings reach it', async () => {
  await plane.helm([
    'upgrade',
    'holdfast',
    chart,
    '--namespace',
    namespace,
    '--set',
    'namespaces={agama}',
    '--set',
    'images.mysql.repository=registry.example.com:5000/mysql,images.mysql.tag=v2',
    '--set',
    'podLabels.app\\.kubernetes\\.io/name=stolen',
    '--set',
    'quiesce.enabled=true',
  ]);
  for (const resource of ['deployments.apps', 'statefulsets.apps', 'cronjobs.batch', 'pods', 'jobs.batch']) {
    expect(await mayDo(plane, operator, { verb: 'patch', resource })).toBe(true);
    expect(await mayDo(plane, operator, { verb: 'patch', resource, where: 'other' })).toBe(false);
  }
  expect(await mayDo(plane, operator, { verb: 'list', resource: 'backuppolicies.holdfast.dev' })).toBe(true);
  expect(await mayDo(plane, operator, { verb: 'list', resource: 'backuppolicies.holdfast.dev', where: 'other' })).toBe(
    false,
  );
  expect(
    await mayDo(plane, operator, { verb: 'get', resource: 'namespaces', name: 'kube-system', where: 'kube-system' }),
  ).toBe(true);
  expect(
    await mayDo(plane, operator, {
      verb: 'get',
      resource: 'validatingadmissionpolicies.admissionregistration.k8s.io',
      name: 'holdfast-confirmations.holdfast.dev',
      where: '',
    }),
  ).toBe(true);
  const deployment = await plane.kubectl([
    'get',
    'deployment',
    'holdfast',
    '--namespace',
    namespace,
    '--output',
    'json',
  ]);
  const { template } = (JSON.parse(deployment) as { spec: { template: JsonObject } }).spec;
  expect(template).toMatchObject({ metadata: { labels: { 'app.kubernetes.io/name': 'holdfast' } } });
  expect(JSON.stringify(template)).toContain('{"name":"HOLDFAST_NAMESPACES","value":"agama"}');
  expect(JSON.stringify(template)).toContain('{"name":"HOLDFAST_QUIESCE_WORKLOADS","value":"Enabled"}');
  expect(JSON.stringify(template)).toContain('"value":"registry.example.com:5000/mysql:v2"');
});

test.each([
  { set: 'replicas=0', says: 'replicas', reason: 'nobody works' },
  { set: 'replicas=4', says: 'replicas', reason: 'one leads: more would only wait' },
  { set: 'replicas=two', says: 'replicas', reason: 'no number' },
  { set: 'replicaCount=1', says: 'replicaCount', reason: 'an unknown value' },
  { set: 'image.repo=x', says: 'repo', reason: 'an unknown value below' },
  { set: 'logLevel=fatal', says: 'logLevel', reason: 'no such level' },
  { set: 'workers=0', says: 'workers', reason: 'nobody works' },
  { set: 'image.pullPolicy=Sometimes', says: 'pullPolicy', reason: 'no such policy' },
  { set: 'image.repository=x y', says: 'repository', reason: 'no image' },
  { set: 'image.repository=holdfast/operator:1', says: 'repository', reason: 'a tag in the name' },
  { set: 'namespaces={A_b}', says: 'namespaces', reason: 'no namespace' },
  { set: 'crds.enabled=perhaps', says: 'enabled', reason: 'neither yes nor no' },
  { set: 'quiesce.enabled=perhaps', says: 'enabled', reason: 'neither yes nor no' },
  { set: 'admission.confirmServiceAccounts={jane}', says: 'confirmServiceAccounts', reason: 'a person needs no list' },
  {
    set: `admission.restoreServiceAccounts={system:serviceaccount:a:b']||['}`,
    says: 'restoreServiceAccounts',
    reason: 'an expression',
  },
  { set: 'admission=false', says: 'admission', reason: 'a block that is not one' },
])('values.schema.json refuses $set: $reason', async ({ set, says }) => {
  const refusal = await refusalOf(plane.helm(['template', 'holdfast', chart, '--set', set]));
  expect(refusal).toContain('values don');
  expect(refusal).toContain(says);
});

test('without admission the notes warn', async () => {
  const output = await plane.helm([
    'install',
    'tried',
    chart,
    '--namespace',
    namespace,
    '--dry-run=client',
    '--set',
    'admission.enabled=false,crds.enabled=false',
  ]);
  expect(output).toContain('WARNING: admission.enabled is false');
  expect(output).toContain('No RestoreRequest that needs a confirmation is carried out');
  expect(output).toMatch(/name: HOLDFAST_ADMISSION_NAME\n +value: ""\n/);
  expect(output).not.toContain('kind: ValidatingAdmissionPolicy');
  expect(output).not.toContain('kind: CustomResourceDefinition');
});

test('an uninstalled release leaves the CRD, and with it every policy', async () => {
  await plane.helm(['uninstall', 'holdfast', '--namespace', namespace]);
  expect(await plane.kubectl(['get', 'crd', 'backuppolicies.holdfast.dev', '--output', 'name'])).toContain(
    'backuppolicies.holdfast.dev',
  );
  await installChart(plane);
  expect(await plane.kubectl(['get', 'deployment', '--namespace', namespace, '--output', 'name'])).toContain(
    'holdfast',
  );
});
