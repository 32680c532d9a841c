import { gateAnnotation } from '../api/v1alpha1/gate.ts';
import type { Volume, VolumeMount } from './types.ts';

const directory = '/etc/holdfast/gate';

/** Where the dump container reads what the operator says of the workloads. */
export const gateFile = `${directory}/quiesced`;

/** How long the dump container waits for the operator's word, in seconds, before the dump and after it. */
export const gateWaitSeconds = 600;

/** The annotation of the pod as a file: the pod has no access to the API. */
export const gateMount: { volume: Volume; mount: VolumeMount } = {
  volume: {
    name: 'gate',
    downwardAPI: {
      items: [
        { path: 'quiesced', fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${gateAnnotation}']` } },
      ],
    },
  },
  mount: { name: 'gate', mountPath: directory, readOnly: true },
};
