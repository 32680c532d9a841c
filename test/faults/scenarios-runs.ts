import { setTimeout as wait } from 'node:timers/promises';
import type { V1Job } from '@kubernetes/client-node';
import type { RunKind } from '../../src/api/v1alpha1/recovery-points.ts';
import { pruneTask, taskVariable } from '../../src/api/v1alpha1/task.ts';
import { isRecord, type KubeObject, type Wire } from '../../src/kube/types.ts';
import { resources } from '../../src/policy/resources.ts';
import { policyAnnotations, runLabels } from '../../src/workloads/labels.ts';
import { cronJobName } from '../../src/workloads/names.ts';
import {
  endedPodStatus,
  later,
  resultOf,
  retentionOf,
  successfulContainers,
  type ContainerEnd,
} from '../support/operator/runs.ts';
import type { Stage } from './stage.ts';

/** A run on the stage: its Job and pod are there, and nothing has ended. */
export interface StagedRun {
  readonly kind: RunKind;
  readonly jobName: string;
  /** When the Job ends; of the year 2020, so that results can be told from the time at which they are read. */
  readonly time: string;
}

const policy = 'agama';

const owner = ({ apiVersion, kind, metadata: { name, uid = '' } }: KubeObject) => [
  { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true },
];

type Ending = Pick<StagedRun, 'jobName' | 'time'>;

const podName = ({ jobName }: Pick<StagedRun, 'jobName'>): string => `${jobName}-pod`;

/** The one run of a kind that a stage has; it ends at `time`. */
export const runOf = (kind: RunKind, time: string): StagedRun => ({
  kind,
  time,
  jobName: `${cronJobName(policy, kind)}-1`,
});

/** What the CronJob and the Job controller do when a run is due. */
export const startRun = async (stage: Stage, run: StagedRun): Promise<void> => {
  const { kind, jobName } = run;
  const cronJob = await stage.get(resources.cronJob, cronJobName(policy, kind));
  const template = isRecord(cronJob['spec']) && isRecord(cronJob['spec']['jobTemplate']) ? cronJob['spec'] : {};
  const { spec } = template['jobTemplate'] as { spec: { template: { spec: object } } };
  const labels = runLabels(policy, kind);
  const annotations = policyAnnotations(policy);
  const job = await stage.create(resources.job, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: jobName, labels, annotations, ownerReferences: owner(cronJob) },
    spec,
  } as KubeObject);
  await stage.create(resources.pod, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: podName(run), labels, annotations, ownerReferences: owner(job) },
    spec: spec.template.spec,
  } as KubeObject);
};

/** What kubelet writes when the containers have ended. */
export const endPod = async (
  stage: Stage,
  run: Ending,
  containers: readonly ContainerEnd[],
  phase: 'Succeeded' | 'Failed',
): Promise<void> => {
  const status = endedPodStatus(containers, phase, run.time);
  await stage.patch(resources.pod, podName(run), { status }, 'status');
};

/** What remains of a pod whose node is gone: nothing. */
export const losePod = (stage: Stage, run: StagedRun): Promise<void> => stage.remove(resources.pod, podName(run));

/** The Job controller looks at its pods once a second. */
const jobControllerMs = 1000;

/** What the Job controller writes when the pod has ended. */
export const endJob = async (stage: Stage, { jobName, time }: Ending, end: 'Complete' | 'Failed'): Promise<void> => {
  await wait(jobControllerMs);
  const condition = (type: string) => ({ type, status: 'True', reason: 'Tested', lastTransitionTime: time });
  const startTime = later(time, -900);
  const status =
    end === 'Complete'
      ? {
          startTime,
          completionTime: time,
          succeeded: 1,
          conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
        }
      : { startTime, failed: 1, conditions: [condition('FailureTarget'), condition('Failed')] };
  await stage.patch(resources.job, jobName, { status }, 'status');
};

/** A run that was started comes to its good end. */
export const succeed = async (stage: Stage, run: StagedRun): Promise<void> => {
  await endPod(stage, run, successfulContainers(run), 'Succeeded');
  await endJob(stage, run, 'Complete');
};

/** The pod of the one Job that prunes, from its start to the end of the Job; it says that it did what it was asked. */
export const endPrune = async (stage: Stage): Promise<void> => {
  const jobs = await stage.list(resources.job);
  const job = jobs.find(({ metadata }) => metadata.name.includes('-prune-'));
  if (job === undefined) throw new Error('there is no Job that prunes');
  const { spec } = job as Wire<V1Job>;
  const time = '2020-01-05T02:30:00Z';
  const run = { kind: 'Prune', jobName: job.metadata.name, time } as const;
  const variables = spec?.template.spec?.containers[0]?.env ?? [];
  const { rule, fullTime } = pruneTask.parse(
    JSON.parse(variables.find(({ name }) => name === taskVariable)?.value ?? ''),
  );
  await stage.create(resources.pod, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(run),
      labels: runLabels(policy, 'Prune'),
      annotations: policyAnnotations(policy),
      ownerReferences: owner(job),
    },
    spec: spec?.template.spec,
  } as KubeObject);
  const retention = retentionOf({ rule, fullTime, nextDue: '2099-01-01T00:00:00Z' });
  const message = JSON.stringify(resultOf('prune', run, { retention }));
  await endPod(stage, run, [{ name: 'prune', message, exitCode: 0 }], 'Succeeded');
  await endJob(stage, run, 'Complete');
};
