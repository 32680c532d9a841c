import { setTimeout as sleep } from 'node:timers/promises';
import { backupPolicyStatus, type BackupPolicyStatus } from '../../src/api/v1alpha1/backuppolicy.ts';
import type { RunKind } from '../../src/api/v1alpha1/recovery-points.ts';
import { cronJobName } from '../../src/workloads/names.ts';
import type { Tool } from '../cluster/kubectl.ts';

/** Names one policy. */
export interface PolicyName {
  namespace: string;
  name: string;
}

/** The status of a policy as it is now. */
export const readStatus = async (kubectl: Tool, { namespace, name }: PolicyName): Promise<BackupPolicyStatus> => {
  const text = await kubectl(['get', 'backuppolicy', name, '--namespace', namespace, '--output', 'json']);
  return backupPolicyStatus.parse((JSON.parse(text) as { status?: unknown }).status ?? {});
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
  kubectl: Tool,
  policy: PolicyName,
  done: (status: BackupPolicyStatus) => boolean,
  { timeoutMs, what, onLook = () => {} }: WaitOptions,
): Promise<BackupPolicyStatus> => {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const status = await readStatus(kubectl, policy);
    onLook(status);
    if (done(status)) return status;
    if (performance.now() > end) {
      throw new Error(`${what} did not come within ${timeoutMs / 1000} s. Status: ${JSON.stringify(status, null, 2)}`);
    }
    await sleep(500);
  }
};

/** Starts a run as a person would: a Job from the policy's CronJob. */
export const startRun = async (kubectl: Tool, policy: PolicyName, kind: RunKind, jobName: string): Promise<void> => {
  const from = `cronjob/${cronJobName(policy.name, kind)}`;
  await kubectl(['create', 'job', jobName, '--namespace', policy.namespace, '--from', from]);
};

/** Starts a run and waits until status says how it ended. */
export const runNow = async (
  kubectl: Tool,
  policy: PolicyName,
  kind: RunKind,
  jobName: string,
  timeoutMs = 300_000,
): Promise<BackupPolicyStatus> => {
  await startRun(kubectl, policy, kind, jobName);
  return waitForStatus(kubectl, policy, ({ lastRuns }) => lastRuns?.some((run) => run.jobName === jobName) === true, {
    timeoutMs,
    what: `The end of ${jobName}`,
  });
};
