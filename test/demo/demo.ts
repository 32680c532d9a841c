import type { Cluster } from '../cluster/cluster.ts';
import { upCluster } from '../cluster/cluster.ts';
import type { Progress } from '../cluster/progress.ts';
import type { BackupPolicyStatus } from '../../src/api/v1alpha1/backuppolicy.ts';
import { compactTime } from '../../src/agent/layout.ts';
import type { ScheduledKind } from '../../src/api/v1alpha1/recovery-points.ts';
import { cronJobName } from '../../src/workloads/names.ts';
import { runNow, untilReady, type PolicyName } from '../scenario/runs.ts';
import { backupHost } from '../scenario/servers.ts';
import { playRestore } from './restore-act.ts';
import { applyService, services, type Service } from '../scenario/services.ts';
import { setStage } from '../scenario/stage.ts';

const words = {
  LocalCopy: 'Making local copies',
  Full: 'Making full backups',
  Incremental: 'Making incremental backups',
  Verify: 'Restoring the newest backup into scratch servers and comparing it,',
} as const;

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
const run = async (cluster: Cluster, policy: PolicyName, kind: ScheduledKind): Promise<BackupPolicyStatus> => {
  const jobName = `${cronJobName(policy.name, kind)}-${compactTime(new Date()).toLowerCase()}`;
  const status = await runNow(cluster, policy, kind, jobName);
  const ended = status.lastRuns?.find((candidate) => candidate.jobName === jobName);
  if (ended?.outcome === 'Succeeded') return status;
  throw new Error(`${jobName} did not succeed: ${JSON.stringify(status.lastFailure ?? ended, null, 2)}`);
};

/** Does something for every service, side by side; waits for all of them, also when one fails. */
const forAll = async <T>(work: (service: Service) => Promise<T>): Promise<T[]> => {
  const ended = await Promise.allSettled(services.map(work));
  return ended.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
};

const runAll = (cluster: Cluster, progress: Progress, kind: ScheduledKind): Promise<BackupPolicyStatus[]> =>
  progress.task(`${words[kind]} of all three`, async (detail) => {
    let done = 0;
    return forAll(async ({ policy }) => {
      const status = await run(cluster, policy, kind);
      done += 1;
      detail(`${policy.name}: done, ${done} of ${services.length}`);
      return status;
    });
  });

const number = (count: number | undefined): string => (count === undefined ? '?' : count.toLocaleString('en'));

const kibibytes = (bytes: number | undefined): string => `${Math.ceil((bytes ?? 0) / 1024).toLocaleString('en')} KiB`;

/** Shows the main job on real parts: a cluster, the operator, three services, a backup host, and backups that are there. */
export const runDemo = async (progress: Progress): Promise<void> => {
  const cluster = await upCluster({ progress });
  const keys = await setStage(cluster, progress);
  await progress.task('Starting an InfluxDB server and a git server', () =>
    forAll((service) => service.start(cluster, keys)),
  );
  const contents = await progress.task('Filling the three services', () => forAll((service) => service.fill(cluster)));
  services.forEach(({ what }, index) => progress.say(`  ${what}: ${contents[index] ?? ''}`));
  await progress.task('Applying manifests/samples/agama.yaml, telegraf.yaml and ansible.yaml', () =>
    forAll(async (service) => {
      await applyService(cluster, service, keys);
      await untilReady(cluster, service.policy);
    }),
  );

  await runAll(cluster, progress, 'LocalCopy');
  const fulls = await runAll(cluster, progress, 'Full');
  const changes = services.map((service) => service.changes).join(', ');
  await progress.task(`A day goes by: ${changes}`, () => forAll((service) => service.change(cluster)));
  const incrementals = await runAll(cluster, progress, 'Incremental');
  const verified = await runAll(cluster, progress, 'Verify');

  const [{ policy: first }] = services;
  await shown(cluster, ['get', 'backuppolicies', '--all-namespaces']);
  await shown(cluster, ['describe', 'backuppolicy', first.name, '--namespace', first.namespace]);
  await showRepository(cluster);

  const restored = await playRestore(cluster, progress, (command) => shown(cluster, command));

  const sizes = services.map(
    ({ what, changes }, index) =>
      `  ${what}: a full of ${kibibytes(fulls[index]?.lastFull?.sizeBytes)}; ${changes}: an incremental of ${kibibytes(incrementals[index]?.lastIncremental?.sizeBytes)}`,
  );
  const proofs = services.map(({ what }, index) => {
    const { lastVerified } = verified[index] ?? {};
    const compared = `${number(lastVerified?.objectsCompared)} objects, ${number(lastVerified?.rowsCompared)} rows`;
    return `  ${what}: ${compared}, equal; back within ${number(lastVerified?.restoreSeconds)} s`;
  });
  show(`What was shown: three services were dumped by CronJobs' pods, each with facts of the very state that was dumped, and shipped encrypted by
duplicity over SSH:
${sizes.join('\n')}
The repository was listed again before anything was called a success. Then each backup was fetched from the backup host, decrypted, loaded into
a scratch server and compared with what its source held:
${proofs.join('\n')}
At last a table was dropped, a RestoreRequest showed its plan, another person confirmed it, and the data is back in its place:
${restored}

Look further:
  export KUBECONFIG=${cluster.kubeconfig}
  kubectl describe backuppolicies --all-namespaces
  kubectl get events --namespace ${first.namespace} --sort-by .lastTimestamp
  kubectl logs --namespace ${first.namespace} job/${incrementals[0]?.lastIncremental?.jobName ?? ''} --all-containers
  kubectl explain backuppolicy.spec --recursive
  docs/restore-by-hand.md restores what is on the backup host without Holdfast

Run it again with: npm run demo          Tear it all down with: npm run demo:down`);
};
