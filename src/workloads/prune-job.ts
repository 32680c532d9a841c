import { apiVersion, type BackupPolicy } from '../api/v1alpha1/backuppolicy.ts';
import { durationSeconds } from '../api/v1alpha1/duration.ts';
import type { PruneTask } from '../api/v1alpha1/task.ts';
import { timestamp } from '../base/times.ts';
import { agentContainer } from './agent-container.ts';
import { jobMarginSeconds } from './cronjob.ts';
import { policyAnnotations, runLabels } from './labels.ts';
import { agentPod, commonTask } from './pod.ts';
import { repositoryParts } from './repositories/registry.ts';
import type { WorkloadSettings } from './settings.ts';
import type { Job } from './types.ts';

/** What a prune is asked beside what the policy says. */
export interface PruneAsked extends Pick<PruneTask, 'rule' | 'fullTime' | 'protect' | 'acceptShrink'> {
  /** Name of the Job. */
  name: string;
  asOf: Date;
}

/**
 * The Job that removes what retention no longer asks for; undefined when the policy has no retention, or a repository that is not available
 * yet. It decides by itself what that is, from the ledger and the repository: the operator may be behind.
 */
export const pruneJob = (
  policy: BackupPolicy,
  { name, asOf, ...asked }: PruneAsked,
  settings: WorkloadSettings,
): Job | undefined => {
  const { metadata, spec } = policy;
  const { retention, repository, schedule, deadlines } = spec;
  const target = repositoryParts(repository);
  if (retention === undefined || target === undefined) return undefined;
  const deadlineSeconds = durationSeconds(deadlines.prune);
  const task = {
    kind: 'Prune',
    ...commonTask(policy),
    deadlineSeconds,
    cluster: settings.cluster,
    repository: target.repository,
    retention,
    timeZone: schedule.timeZone,
    asOf: timestamp(asOf),
    ...asked,
  } satisfies PruneTask;
  const container = agentContainer({
    name: 'prune',
    image: settings.images.duplicity,
    task,
    secrets: target.secrets,
    claims: target.claims,
    settings,
  });
  const labels = runLabels(metadata.name, 'Prune');
  const annotations = policyAnnotations(metadata.name);
  const owner = { apiVersion, kind: 'BackupPolicy', name: metadata.name, uid: metadata.uid };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: metadata.namespace,
      labels,
      annotations,
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: deadlineSeconds + jobMarginSeconds,
      template: { metadata: { labels, annotations }, spec: agentPod(policy, [container]) },
    },
  };
};
