import { backupPolicyColumns } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { waitUntil } from '../../cluster/process.ts';
import { type JsonObject, sample } from './support.ts';
import { sharedPlane, type SharedPlane } from '../shared-plane.ts';

let plane: SharedPlane;

beforeAll(async () => {
  plane = await sharedPlane();
  // kubectl explain reads what the API server publishes some moments after the CRD is established.
  await waitUntil(
    () =>
      plane.kubectl(['get', '--raw', '/openapi/v3/apis/holdfast.dev/v1alpha1']).then(
        (schema) => schema.includes('BackupPolicy'),
        () => false,
      ),
    { timeoutMs: 60_000, describe: () => 'the API server did not publish the schema of BackupPolicy' },
  );
}, 180_000);

test('the API server establishes the CRD and finds its schema structural', async () => {
  const crd = JSON.parse(await plane.kubectl(['get', 'crd', 'backuppolicies.holdfast.dev', '--output', 'json'])) as {
    status: { conditions: { type: string; status: string; message: string }[] };
  };
  const conditions = crd.status.conditions.map(({ type, status }) => `${type}=${status}`);
  expect(conditions.toSorted()).toEqual(['Established=True', 'NamesAccepted=True']);
});

test.each([
  {
    field: 'backuppolicy',
    words: 'A BackupPolicy says what is backed up, where to and when',
    reason: 'the resource itself',
  },
  {
    field: 'bp.spec.schedule',
    words: 'When a full backup is shipped to the repository. It begins a new chain.',
    reason: 'the short name works',
  },
  {
    field: 'backuppolicy.spec.source.mysql.credentialsSecretRef',
    words: 'It needs SELECT, SHOW VIEW',
    reason: 'the grants an account needs',
  },
  { field: 'backuppolicy.spec.repository.rsync.port', words: 'TCP port of its SSH server.', reason: 'a leaf' },
  {
    field: 'backuppolicy.spec.podTemplate',
    words: 'Not available yet',
    reason: 'a part that does nothing yet says so',
  },
  {
    field: 'backuppolicy.status.lastFailure',
    words: 'It stays after later successes, as history.',
    reason: 'status is explained too',
  },
])('kubectl explain $field: $reason', async ({ field, words }) => {
  const explained = await plane.kubectl(['explain', field]);
  expect(explained.replaceAll(/\s+/g, ' ')).toContain(words);
});

test('kubectl explain --recursive shows the whole spec', async () => {
  const tree = await plane.kubectl(['explain', 'backuppolicy.spec', '--recursive']);
  expect(tree).toMatch(/knownHosts\s+<string> -required-/);
  expect(tree).toMatch(/keepFullChains\s+<integer>/);
});

test('kubectl get shows the columns of the SLA', async () => {
  await plane.kubectl(['apply', '--filename', '-'], { input: JSON.stringify(await inDefault()) });
  const names = backupPolicyColumns.map(({ name }) => name.toUpperCase());
  expect(header(await plane.kubectl(['get', 'backuppolicies']))).toEqual([
    'NAME',
    ...names.filter((name) => name !== 'READY'),
  ]);
  expect(header(await plane.kubectl(['get', 'bp', '--output', 'wide']))).toEqual(['NAME', ...names]);
  expect(await plane.kubectl(['get', 'holdfast'])).toContain('agama');
});

test('a status as the operator writes it is accepted, and shown in the columns', async () => {
  await plane.kubectl(['apply', '--filename', '-'], { input: JSON.stringify(await inDefault()) });
  const time = '2026-01-04T23:05:00Z';
  const digest = 'a'.repeat(64);
  const point = {
    dataTime: time,
    completionTime: time,
    durationSeconds: 40,
    sizeBytes: 5_000_000_000_000,
    jobName: 'agama-full-1',
  };
  const status = {
    observedGeneration: 1,
    conditions: [
      { type: 'Protected', status: 'Unknown', reason: 'NotVerified', message: 'm', lastTransitionTime: time },
      { type: 'RecoveryPointMet', status: 'True', reason: 'Met', message: 'm', lastTransitionTime: time },
    ],
    lastBackupTime: time,
    lastFull: { ...point, setTime: time, sentBytes: 1, setDigest: digest, factsDigest: digest },
    chain: { fullTime: time, incrementals: 0, intact: true, checkedTime: time },
    lastFailure: { time, jobName: 'j', kind: 'Full', step: 'Upload', reason: 'RepositoryFull', message: 'm' },
    nextRunTime: time,
  };
  await plane.kubectl([
    'patch',
    'bp',
    'agama',
    '--subresource=status',
    '--type=merge',
    '--patch',
    JSON.stringify({ status }),
  ]);
  const stored = JSON.parse(await plane.kubectl(['get', 'bp', 'agama', '--output', 'json'])) as JsonObject;
  expect(stored['status']).toEqual(status);
  expect(await plane.kubectl(['get', 'bp', 'agama'])).toMatch(
    /agama\s+Unknown\s+\S+\s+True\s+2026-01-04T23:05:00Z\s+false/,
  );
});

const inDefault = async (): Promise<JsonObject> => ({
  ...(await sample()),
  metadata: { name: 'agama', namespace: 'default' },
});

const header = (text: string): string[] | undefined =>
  text
    .split('\n')[0]
    ?.split(/\s{2,}/)
    .map((name) => name.trim());
