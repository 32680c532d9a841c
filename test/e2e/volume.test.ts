import type { Cluster } from '../cluster/cluster.ts';
import { applyObjects, type Manifest } from '../scenario/objects.ts';
import { volumeSample } from '../scenario/policy.ts';
import { conditionOf, runNow, untilReady } from '../scenario/runs.ts';
import { applyPolicySecrets } from '../scenario/stage.ts';
import { e2eStage } from './stage.ts';

// A repository on a claim, through real pods: the sample policy as it is shipped, and one whose claim is too small.

const namespace = 'agama-volume';
const large = { namespace, name: 'agama-nfs' };
const small = { namespace, name: 'no-room' };

let cluster: Cluster;

const claimOf = (name: string, storage: string, storageClassName?: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { namespace, name },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage } },
    ...(storageClassName !== undefined && { storageClassName }),
  },
});

beforeAll(async () => {
  const stage = await e2eStage();
  ({ cluster } = stage);
  await applyPolicySecrets(cluster, namespace, stage.keys);
  const sample = await volumeSample();
  const policy = (name: string, repository: object): object => ({
    ...sample,
    metadata: { namespace, name },
    spec: { ...sample.spec, ...repository, schedule: { full: '0 0 1 1 *', incremental: '0 0 2 1 *' } },
  });
  await applyObjects(cluster.kubectl, [
    claimOf('backups', '1Gi'),
    claimOf('too-small', '1Mi', 'size-limited'),
    policy(large.name, {}),
    policy(small.name, { repository: { volume: { claimName: 'too-small' } } }),
  ]);
  for (const name of [large, small]) await untilReady(cluster, name);
}, 300_000);

test('a full and an incremental are on the claim, and the chain is intact', async () => {
  const full = await runNow(cluster, large, 'Full', 'volume-full');
  expect(full.lastFailure).toBeUndefined();
  expect(full.chain).toMatchObject({ intact: true, incrementals: 0 });
  const incremental = await runNow(cluster, large, 'Incremental', 'volume-incremental');
  expect(incremental.lastFailure).toBeUndefined();
  expect(incremental.lastIncremental?.jobName).toBe('volume-incremental');
  expect(incremental.chain).toMatchObject({ intact: true, incrementals: 1 });
  expect(conditionOf(incremental, 'LastBackupSucceeded')?.status).toBe('True');
  expect(conditionOf(incremental, 'Verified')?.status).toBe('Unknown');
}, 480_000);

test('a claim that is full: the run fails with RepositoryFull, and nothing is green', async () => {
  const status = await runNow(cluster, small, 'Full', 'no-room-full');
  expect(status.lastFailure).toMatchObject({ reason: 'RepositoryFull', step: 'Upload', jobName: 'no-room-full' });
  expect(conditionOf(status, 'LastBackupSucceeded')).toMatchObject({ status: 'False', reason: 'RepositoryFull' });
  expect(conditionOf(status, 'ChainIntact')?.status).toBe('Unknown');
  expect(status.lastFull).toBeUndefined();
}, 300_000);
