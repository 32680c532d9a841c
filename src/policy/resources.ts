import { backupPolicyNames, group, version } from '../api/v1alpha1/backuppolicy.ts';
import { restoreConfirmationNames } from '../api/v1alpha1/restoreconfirmation.ts';
import { restoreRequestNames } from '../api/v1alpha1/restorerequest.ts';
import type { ResourceType } from '../kube/types.ts';

/** The kinds that the controllers read and write. */
export const resources = {
  policy: { group, version, kind: backupPolicyNames.kind, plural: backupPolicyNames.plural, namespaced: true },
  restoreRequest: {
    group,
    version,
    kind: restoreRequestNames.kind,
    plural: restoreRequestNames.plural,
    namespaced: true,
  },
  restoreConfirmation: {
    group,
    version,
    kind: restoreConfirmationNames.kind,
    plural: restoreConfirmationNames.plural,
    namespaced: true,
  },
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
