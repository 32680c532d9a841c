import { setTimeout as sleep } from 'node:timers/promises';
import { backupPolicyStatus, type BackupPolicyStatus } from '../../src/api/v1alpha1/backuppolicy.ts';
import type { ScheduledKind } from '../../src/api/v1alpha1/recovery-points.ts';
import { cronJobName } from '../../src/workloads/names.ts';
import { getObject } from '../../src/kube/objects.ts';
import { resources } from '../../src/policy/resources.ts';
import { apiOf } from '../cluster/api.ts';
import type { Cluster } from '../cluster/cluster.ts';

/** Names one policy. */
export interface PolicyName {
  namespace: string;
  name: string;
}

type Where = Pick<Cluster, 'kubeconfig' | 'kubectl'>;

/** The status of a policy as it is now. */
export const readStatus = async ({ kubeconfig }: Where, policy: PolicyName): Promise<BackupPolicyStatus> => {
  const api = apiOf(kubeconfig);
  try {
    const found = await getObject(api, resources.policy, policy);
    if (found === undefined) throw new Error(`There is no BackupPolicy ${policy.namespace}/${policy.name}.`);
    return backupPolicyStatus.parse(found['status'] ?? {});
  } finally {
    api.close();
  }
};

/** Status of a condition, `undefined` when it is not there. */
export const conditionOf = (status: BackupPolicyStatus, type: string) =>
  status.conditions?.find((condition) => condition.type === type);

interface WaitOptions {
  timeoutMs: number;
  what: string;
  /** Called with each status on the way. */
  onLook?: (status: BackupPolicyStatus) => void;
}

/** Looks at the status every half second until `done` says so. @throws Error with the last status when the time is over */
export const waitForStatus = async (
  cluster: Where,
  policy: PolicyName,
  done: (status: BackupPolicyStatus) => boolean,
  { timeoutMs, what, onLook = () => {} }: WaitOptions,
): Promise<BackupPolicyStatus> => {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const status = await readStatus(cluster, policy);
    onLook(status);
    if (done(status)) return status;
    if (performance.now() > end) {
      throw new Error(`${what} did not come within ${timeoutMs / 1000} s. Status: ${JSON.stringify(status, null, 2)}`);
    }
    await sleep(500);
  }
};

/** Waits until the spec of a policy is applied: then it has its CronJobs. */
export const untilReady = async (cluster: Where, policy: PolicyName): Promise<BackupPolicyStatus> =>
  waitForStatus(cluster, policy, (status) => conditionOf(status, 'Ready')?.status === 'True', {
    timeoutMs: 120_000,
    what: `${policy.name} Ready`,
  });

/** Starts a run as a person would: a Job from the policy's CronJob. */
export const startRun = async (
  { kubectl }: Where,
  policy: PolicyName,
  kind: ScheduledKind,
  jobName: string,
): Promise<void> => {
  const from = `cronjob/${cronJobName(policy.name, kind)}`;
  await kubectl(['create', 'job', jobName, '--namespace', policy.namespace, '--from', from]);
};

/** Starts a run and waits until status says how it ended. */
export const runNow = async (
  cluster: Where,
  policy: PolicyName,
  kind: ScheduledKind,
  jobName: string,
  timeoutMs = 300_000,
): Promise<BackupPolicyStatus> => {
  await startRun(cluster, policy, kind, jobName);
  return waitForStatus(cluster, policy, ({ lastRuns }) => lastRuns?.some((run) => run.jobName === jobName) === true, {
    timeoutMs,
    what: `The end of ${jobName}`,
  });
};
