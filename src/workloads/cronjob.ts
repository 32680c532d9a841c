import { apiVersion, type BackupPolicy } from '../api/v1alpha1/backuppolicy.ts';
import { durationSeconds } from '../api/v1alpha1/duration.ts';
import type { RunKind, ScheduledKind } from '../api/v1alpha1/recovery-points.ts';
import { policyAnnotations, runLabels } from './labels.ts';
import { cronLineOf } from './lines.ts';
import { cronJobName } from './names.ts';
import { runDeadlines, runPod } from './pod.ts';
import type { WorkloadSettings } from './settings.ts';
import type { CronJob, PodSpec } from './types.ts';
import { verifyDeadline, verifyPod } from './verify-pod.ts';

/**
 * Time a Job has beyond the deadlines of its containers, in seconds: to be scheduled and to pull images. A Job's own deadline deletes
 * the pod together with its result, so the agent's must come first.
 */
export const jobMarginSeconds = 900;

/** Finished Jobs that stay to be looked at; their results are in status. */
const historyLimit = 3;

// With a deadline CronJob counts `@every` from now less the deadline, so that a longer interval never comes (Kubernetes 1.35,
// pkg/controller/cronjob/utils.go, mostRecentScheduleTime).
const startingDeadline = (schedule: string, seconds: number): { startingDeadlineSeconds?: number } =>
  schedule.startsWith('@every') ? {} : { startingDeadlineSeconds: seconds };

/** What a CronJob starts. */
interface Started {
  pod: PodSpec | undefined;
  /** The deadlines of its containers together, in seconds. */
  deadlineSeconds: number;
}

/** The CronJob for one kind of run; undefined when the policy does not schedule it, or needs what is not available yet. */
export const runCronJob = (policy: BackupPolicy, kind: RunKind, settings: WorkloadSettings): CronJob | undefined => {
  const { decide, dump, ship } = runDeadlines(policy.spec, kind);
  return cronJobOf(policy, kind, { pod: runPod(policy, kind, settings), deadlineSeconds: decide + dump + ship });
};

/** The CronJob that verifies. @param server see verifyPod */
export const verifyCronJob = (
  policy: BackupPolicy,
  server: string | undefined,
  settings: WorkloadSettings,
): CronJob | undefined =>
  cronJobOf(policy, 'Verify', {
    pod: verifyPod(policy, server, settings),
    deadlineSeconds: 2 * verifyDeadline(policy.spec),
  });

const cronJobOf = (
  policy: BackupPolicy,
  kind: ScheduledKind,
  { pod, deadlineSeconds }: Started,
): CronJob | undefined => {
  const schedule = cronLineOf(policy, kind);
  if (schedule === undefined || pod === undefined) return undefined;
  const { metadata, spec } = policy;
  const labels = runLabels(metadata.name, kind);
  const annotations = policyAnnotations(metadata.name);
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: {
      name: cronJobName(metadata.name, kind),
      namespace: metadata.namespace,
      labels,
      annotations,
      ownerReferences: [
        {
          apiVersion,
          kind: 'BackupPolicy',
          name: metadata.name,
          uid: metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      schedule,
      timeZone: spec.schedule.timeZone,
      suspend: spec.suspend,
      concurrencyPolicy: 'Forbid',
      ...startingDeadline(schedule, durationSeconds(spec.deadlines.start)),
      successfulJobsHistoryLimit: historyLimit,
      failedJobsHistoryLimit: historyLimit,
      jobTemplate: {
        metadata: { labels, annotations },
        spec: {
          backoffLimit: 0,
          activeDeadlineSeconds: deadlineSeconds + jobMarginSeconds,
          template: { metadata: { labels, annotations }, spec: pod },
        },
      },
    },
  };
};
