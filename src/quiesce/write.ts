import { gateAnnotation, type Gate } from '../api/v1alpha1/gate.ts';
import type { KubeClient } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import { asObject } from '../kube/objects.ts';
import { resourcePath } from '../kube/path.ts';
import type { KubeObject } from '../kube/types.ts';
import { resources } from '../policy/resources.ts';
import { heldLabel, holdAnnotation } from './hold.ts';
import type { Asker, Change } from './plan.ts';
import { holdManager, readWorkload, workloadTypes, type Workload } from './workload.ts';

interface Scope {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
}

const patch = async ({ client, signal }: Scope, path: string, body: object): Promise<KubeObject> => {
  const query = { fieldManager: holdManager, fieldValidation: 'Strict' };
  const contentType = 'application/merge-patch+json';
  return asObject(`PATCH ${path}`, await client.request({ method: 'PATCH', path, query, contentType, body, signal }));
};

/**
 * Stops, puts back or marks a workload, in one write that goes through only when it still is as it was read.
 * @throws {ApiError} 409 (isConflict): it is not; look again
 */
export const writeChange = async (
  scope: Scope,
  workload: Workload,
  { hold, replicas }: Change,
): Promise<KubeObject> => {
  const { kind, namespace, name, resourceVersion } = workload;
  const path = resourcePath({ type: workloadTypes[kind], namespace, name });
  return patch(scope, path, {
    metadata: {
      resourceVersion,
      labels: { [heldLabel]: hold === undefined ? null : 'true' },
      annotations: { [holdAnnotation]: hold === undefined ? null : JSON.stringify(hold) },
    },
    ...(replicas !== undefined && { spec: kind === 'CronJob' ? { suspend: replicas === 0 } : { replicas } }),
  });
};

/** The workload that a write answered with. */
export const workloadOf = ({ kind }: Workload, answer: KubeObject): Workload => readWorkload(kind, answer);

/** Tells the dump container of a pod. A pod that is gone needs no word. */
export const writeGate = async (
  scope: Scope,
  { namespace, asker, gate }: { namespace: string; asker: Asker; gate: Gate },
): Promise<KubeObject | undefined> => {
  const path = resourcePath({ type: resources.pod, namespace, name: asker.pod });
  try {
    return await patch(scope, path, { metadata: { annotations: { [gateAnnotation]: JSON.stringify(gate) } } });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
};
