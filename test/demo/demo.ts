import type { Cluster } from '../cluster/cluster.ts';
import { upCluster } from '../cluster/cluster.ts';
import type { Progress } from '../cluster/progress.ts';
import type { BackupPolicyStatus } from '../../src/api/v1alpha1/backuppolicy.ts';
import { compactTime } from '../../src/agent/layout.ts';
import type { RunKind } from '../../src/api/v1alpha1/recovery-points.ts';
import { cronJobName } from '../../src/workloads/names.ts';
import { changeDatabase, fillDatabase } from '../scenario/database.ts';
import { agama } from '../scenario/policy.ts';
import { conditionOf, runNow, waitForStatus } from '../scenario/runs.ts';
import { backupHost } from '../scenario/servers.ts';
import { applySample, setStage } from '../scenario/stage.ts';

const words = { LocalCopy: 'a local copy', Full: 'a full backup', Incremental: 'an incremental backup' } as const;

const show = (text: string): void => void process.stdout.write(`${text}\n`);

const shown = async ({ kubectl }: Cluster, command: readonly string[]): Promise<void> => {
  show(`\n$ kubectl ${command.join(' ')}`);
  show(await kubectl(command));
};

const showRepository = async ({ kubectl }: Cluster): Promise<void> => {
  const { namespace, name, root } = backupHost;
  show(`\nOn the backup host, below ${root}:`);
  const find = ['find', root, '-type', 'f', '-printf', '%10s  %P\\n'];
  const files = await kubectl(['exec', '--namespace', namespace, `deployment/${name}`, '--', ...find]);
  const path = (line: string): string => line.trim().split(/\s+/)[1] ?? '';
  show(
    `${files
      .split('\n')
      .sort((a, b) => path(a).localeCompare(path(b), 'en', { numeric: true }))
      .join('\n')}\n`,
  );
};

// A failed run is shown as a person would meet it, and ends the demo: nothing is called shown that was not.
const backUp = async (cluster: Cluster, progress: Progress, kind: RunKind): Promise<BackupPolicyStatus> => {
  const jobName = `${cronJobName(agama.name, kind)}-${compactTime(new Date()).toLowerCase()}`;
  return progress.task(`Making ${words[kind]} (Job ${jobName})`, async (detail) => {
    const status = await runNow(cluster, agama, kind, jobName);
    const run = status.lastRuns?.find((candidate) => candidate.jobName === jobName);
    if (run?.outcome !== 'Succeeded') {
      throw new Error(`${jobName} did not succeed: ${JSON.stringify(status.lastFailure ?? run, null, 2)}`);
    }
    detail(run.outcome);
    return status;
  });
};

const mebibytes = (bytes: number | undefined): string => `${((bytes ?? 0) / 1024 / 1024).toFixed(1)} MiB`;

/** Shows the main job on real parts: a cluster, the operator, a database, a backup host, and backups that are there. */
export const runDemo = async (progress: Progress): Promise<void> => {
  const cluster = await upCluster({ progress });
  const { kubectl } = cluster;
  const keys = await setStage(cluster, progress);
  const rows = await progress.task('Filling the database agama', () => fillDatabase(kubectl, agama.namespace));
  progress.say(`  ${rows.toLocaleString('en')} rows, with views, triggers, a routine, an event, blobs and emoji`);
  await progress.task('Applying manifests/samples/agama.yaml', async () => {
    await applySample(cluster, keys);
    await waitForStatus(cluster, agama, (status) => conditionOf(status, 'Ready')?.status === 'True', {
      timeoutMs: 60_000,
      what: 'Ready',
    });
  });

  await backUp(cluster, progress, 'LocalCopy');
  const { lastFull } = await backUp(cluster, progress, 'Full');
  await progress.task('Changing one row in a hundred', () => changeDatabase(kubectl, agama.namespace));
  const { lastIncremental } = await backUp(cluster, progress, 'Incremental');

  await shown(cluster, ['get', 'backuppolicies', '--namespace', agama.namespace]);
  await shown(cluster, ['describe', 'backuppolicy', agama.name, '--namespace', agama.namespace]);
  await showRepository(cluster);

  show(`What was shown: a MariaDB database of ${rows.toLocaleString('en')} rows was dumped in one snapshot by a CronJob's pod, shipped
encrypted by duplicity over SSH (a full of ${mebibytes(lastFull?.sizeBytes)}, and after one row in a hundred had changed an incremental of
${mebibytes(lastIncremental?.sizeBytes)}), and the repository was listed again before anything was called a success. Protected is Unknown, not True:
no backup has been restored and compared yet.

Look further:
  export KUBECONFIG=${cluster.kubeconfig}
  kubectl get events --namespace ${agama.namespace} --sort-by .lastTimestamp
  kubectl logs --namespace ${agama.namespace} job/${lastIncremental?.jobName ?? ''} --all-containers
  kubectl explain backuppolicy.spec --recursive
  docs/restore-by-hand.md restores what is on the backup host without Holdfast

Run it again with: npm run demo          Tear it all down with: npm run demo:down`);
};
