import type { V1PersistentVolume, V1PersistentVolumeClaim, V1StorageClass } from '@kubernetes/client-node';
import { NODE_NAME } from './layout.ts';

/** Who makes the volumes of the two classes. */
export const PROVISIONER = 'holdfast.dev/embedded';

/** The default class: a directory of the node; the size asked for is not enforced. */
export const STANDARD_CLASS = 'standard';

/** A class whose volumes hold exactly what was asked for: writing more fails with "No space left on device". Kept in memory. */
export const LIMITED_CLASS = 'size-limited';

/**
 * Both wait for the first consumer, as a cloud's classes do, so that a claim without a pod stays Pending here as it would there.
 */
export const storageClasses: V1StorageClass[] = [STANDARD_CLASS, LIMITED_CLASS].map((name) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: {
    name,
    annotations: { 'storageclass.kubernetes.io/is-default-class': String(name === STANDARD_CLASS) },
  },
  provisioner: PROVISIONER,
  volumeBindingMode: 'WaitForFirstConsumer',
  reclaimPolicy: 'Delete',
}));

/** A volume to make: a directory, of limited size or not, and the object that stands for it. */
export type Provision = { directory: string; limitBytes: number | undefined; volume: V1PersistentVolume };

/** A volume to remove. */
export type Removal = { directory: string; name: string };

const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL = ['k', 'M', 'G', 'T', 'P', 'E'];

/**
 * Bytes in a Kubernetes quantity (`20Mi`, `1.5G`, `1e6`), rounded up.
 *
 * @throws RangeError when it is none
 */
export const bytesOf = (quantity: string): number => {
  const match = /^(\d+(?:\.\d+)?)(?:e(\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E|m))?$/.exec(quantity);
  if (match === null) throw new RangeError(`not a quantity: ${quantity}`);
  const [, digits = '', exponent, suffix = ''] = match;
  const factor =
    suffix === 'm' ? 1 / 1000 : 1024 ** (BINARY.indexOf(suffix) + 1) * 1000 ** (DECIMAL.indexOf(suffix) + 1);
  return Math.ceil(Number(digits) * factor * 10 ** Number(exponent ?? 0));
};

/** What has to be made: our classes' claims that the scheduler has given a node and that have no volume yet. */
export const planProvisions = (
  claims: readonly V1PersistentVolumeClaim[],
  volumes: readonly V1PersistentVolume[],
  root: string,
): Provision[] => {
  const made = new Set(volumes.map(({ metadata }) => metadata?.name));
  return claims.flatMap((claim) => {
    const { metadata: { uid, name, namespace, annotations, deletionTimestamp } = {}, spec, status } = claim;
    const className = spec?.storageClassName;
    const selected = annotations?.['volume.kubernetes.io/selected-node'];
    if (className !== STANDARD_CLASS && className !== LIMITED_CLASS) return [];
    if (uid === undefined || deletionTimestamp !== undefined || spec?.volumeName !== undefined) return [];
    if (status?.phase === 'Bound' || selected !== NODE_NAME || made.has(`pvc-${uid}`)) return [];
    const storage = spec?.resources?.requests?.['storage'];
    if (storage === undefined) return [];

    const directory = `${root}/pvc-${uid}`;
    const volume: V1PersistentVolume = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: `pvc-${uid}`, annotations: { 'pv.kubernetes.io/provisioned-by': PROVISIONER } },
      spec: {
        capacity: { storage },
        ...(spec?.accessModes === undefined ? {} : { accessModes: spec.accessModes }),
        persistentVolumeReclaimPolicy: 'Delete',
        storageClassName: className,
        volumeMode: 'Filesystem',
        claimRef: {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          uid,
          ...(name === undefined ? {} : { name }),
          ...(namespace === undefined ? {} : { namespace }),
        },
        // Not hostPath, which ignores a pod's fsGroup.
        local: { path: directory },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [NODE_NAME] }] },
            ],
          },
        },
      },
    };
    return [{ directory, limitBytes: className === LIMITED_CLASS ? bytesOf(storage) : undefined, volume }];
  });
};

/** What has to be removed: volumes of ours whose claim is gone and whose policy says so. */
export const planRemovals = (volumes: readonly V1PersistentVolume[]): Removal[] =>
  volumes.flatMap(({ metadata, spec, status }) => {
    if (metadata?.annotations?.['pv.kubernetes.io/provisioned-by'] !== PROVISIONER) return [];
    if (status?.phase !== 'Released' || spec?.persistentVolumeReclaimPolicy !== 'Delete') return [];
    if (metadata.name === undefined || spec.local?.path === undefined) return [];
    return [{ directory: spec.local.path, name: metadata.name }];
  });
