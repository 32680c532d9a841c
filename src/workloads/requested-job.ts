import type { V1CronJob } from '@kubernetes/client-node';
import type { DeepReadonly } from '../base/types.ts';
import type { KubeObject, Wire } from '../kube/types.ts';
import type { Job } from './types.ts';

/** What kubectl says of a Job that a person had made from a CronJob. */
const manual = { 'cronjob.kubernetes.io/instantiate': 'manual' } as const;

/**
 * The Job that `kubectl create job --from` would make of a CronJob: its template, owned by it, so that it counts and goes like a scheduled one.
 * Without blockOwnerDeletion, which would ask for a right on the CronJob's finalizers. Undefined for a CronJob without a template.
 */
export const requestedJob = (cronJob: DeepReadonly<KubeObject>, name: string): Job | undefined => {
  const { metadata, spec } = structuredClone(cronJob) as Wire<V1CronJob>;
  const template = spec?.jobTemplate;
  if (template?.spec === undefined || metadata?.name === undefined || metadata.uid === undefined) return undefined;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: metadata.namespace ?? '',
      labels: { ...template.metadata?.labels },
      annotations: { ...template.metadata?.annotations, ...manual },
      ownerReferences: [
        { apiVersion: 'batch/v1', kind: 'CronJob', name: metadata.name, uid: metadata.uid, controller: true },
      ],
    },
    spec: template.spec,
  };
};
