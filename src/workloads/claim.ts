import type { BackupPolicy } from '../api/v1alpha1/backuppolicy.ts';
import { policyAnnotations, policyLabels } from './labels.ts';
import { claimName } from './names.ts';
import type { Claim } from './types.ts';

/** The claim of a policy. It has no owner reference: deleting the policy keeps what is stored. */
export const policyClaim = ({ metadata, spec }: BackupPolicy): Claim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: {
    name: claimName(metadata.name),
    namespace: metadata.namespace,
    labels: policyLabels(metadata.name),
    annotations: policyAnnotations(metadata.name),
  },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: spec.localCopy.size } },
    ...(spec.localCopy.storageClassName === undefined ? {} : { storageClassName: spec.localCopy.storageClassName }),
  },
});
