import type { Cluster } from '../cluster/cluster.ts';
import type { Progress } from '../cluster/progress.ts';
import { createBackupAccount } from './database.ts';
import { prepareImages } from './images.ts';
import { createScenarioKeys, type ScenarioKeys } from './keys.ts';
import { applyObjects, namespaceOf, readSecret, secretOf } from './objects.ts';
import { installOperator } from './operator.ts';
import { agama, agamaPolicy } from './policy.ts';
import { startBackupHost, startMariadb } from './servers.ts';

const stageNamespace = 'holdfast-stage';

// Made once a cluster: what is on the backup host stays readable when the scenario is played again.
export const keysOf = async ({ kubectl }: Cluster): Promise<ScenarioKeys> => {
  await applyObjects(kubectl, [namespaceOf(stageNamespace)]);
  const stored = await readSecret(kubectl, stageNamespace, 'keys');
  if (stored?.['keys'] !== undefined) return JSON.parse(stored['keys']) as ScenarioKeys;
  const keys = await createScenarioKeys();
  await applyObjects(kubectl, [secretOf(stageNamespace, 'keys', 'Opaque', { keys: JSON.stringify(keys) })]);
  return keys;
};

/** The Secrets that the samples name. */
export const applyPolicySecrets = async (
  { kubectl }: Cluster,
  namespace: string,
  keys: ScenarioKeys,
): Promise<void> => {
  await applyObjects(kubectl, [namespaceOf(namespace)]);
  await applyObjects(kubectl, [
    secretOf(namespace, 'agama-mysql', 'kubernetes.io/basic-auth', {
      username: 'holdfast',
      password: keys.databasePassword,
    }),
    secretOf(namespace, 'agama-mysql-restore', 'kubernetes.io/basic-auth', {
      username: 'restorer',
      password: keys.databasePassword,
    }),
    ...['backup-host-ssh', 'ansible-git'].map((name) =>
      secretOf(namespace, name, 'kubernetes.io/ssh-auth', { 'ssh-privatekey': keys.client.privateKey }),
    ),
    secretOf(namespace, 'backup-gpg-public', 'Opaque', { 'public.asc': keys.gpg.publicKey }),
    secretOf(namespace, 'backup-gpg-private', 'Opaque', { 'private.asc': keys.gpg.privateKey }),
  ]);
};

/** Everything before the first policy: images, the operator, a MariaDB server and a backup host. May be done again. */
export const setStage = async (cluster: Cluster, progress: Progress): Promise<ScenarioKeys> => {
  const { kubectl } = cluster;
  await prepareImages(cluster, progress);
  const keys = await keysOf(cluster);
  await progress.task('Installing the operator by Helm', () => installOperator(cluster));
  await progress.task('Starting a MariaDB server and an SSH backup host', async () => {
    await startMariadb(kubectl, agama.namespace, keys);
    await startBackupHost(kubectl, keys);
    await createBackupAccount(kubectl, agama.namespace, keys.databasePassword);
    await applyPolicySecrets(cluster, agama.namespace, keys);
  });
  return keys;
};

/** Applies manifests/samples/agama.yaml. */
export const applySample = async ({ kubectl }: Cluster, keys: ScenarioKeys): Promise<void> => {
  await applyObjects(kubectl, [await agamaPolicy(keys)]);
};
