import { backupPolicyNames, group, version } from '../api/v1alpha1/backuppolicy.ts';
import type { ResourceType } from '../kube/types.ts';

/** The kinds that the policy controller reads and writes. */
export const resources = {
  policy: { group, version, kind: backupPolicyNames.kind, plural: backupPolicyNames.plural, namespaced: true },
  cronJob: { group: 'batch', version: 'v1', kind: 'CronJob', plural: 'cronjobs', namespaced: true },
  job: { group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', namespaced: true },
  pod: { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true },
  claim: {
    group: '',
    version: 'v1',
    kind: 'PersistentVolumeClaim',
    plural: 'persistentvolumeclaims',
    namespaced: true,
  },
  namespace: { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false },
} as const satisfies Record<string, ResourceType>;
