import type { KubeClient } from '../../src/kube/client.ts';
import { isAlreadyExists } from '../../src/kube/errors.ts';
import type { Propagation } from '../../src/kube/objects.ts';
import { resourcePath } from '../../src/kube/path.ts';
import { isKubeObject, isRecord } from '../../src/kube/types.ts';
import type { KubeObject, Manifest, ResourceType } from '../../src/kube/types.ts';
import { resources } from '../../src/policy/resources.ts';
import { workloadTypes } from '../../src/quiesce/workload.ts';
import { policyManifest, type Json, type PolicyOptions } from '../support/operator/policies.ts';
import { coreType, listObjects } from '../support/operator/read.ts';
import { stateOf, type State } from './state.ts';

/** A namespace in which a scenario plays, and what a person, kubelet or a controller of Kubernetes does in it. */
export interface Stage {
  readonly namespace: string;
  /** Applies a policy as a person does; spec fields given are laid over the sample's. */
  policy(options?: PolicyOptions): Promise<void>;
  create(type: ResourceType, manifest: Manifest): Promise<KubeObject>;
  /** A merge patch. */
  patch(type: ResourceType, name: string, patch: Json, subresource?: 'status'): Promise<void>;
  /** Deletes at once, without a grace period. */
  remove(type: ResourceType, name: string, propagation?: Propagation): Promise<void>;
  /** @throws ApiError when it is not there */
  get(type: ResourceType, name: string): Promise<KubeObject>;
  list(type: ResourceType): Promise<KubeObject[]>;
  /** All that counts of the namespace. */
  state(): Promise<State>;
}

const events = coreType('Event', 'events');
const serviceAccounts = coreType('ServiceAccount', 'serviceaccounts');
const watched = [
  resources.policy,
  resources.restoreRequest,
  resources.cronJob,
  resources.claim,
  resources.job,
  resources.pod,
  workloadTypes.Deployment,
];

const asObject = (answer: unknown): KubeObject => {
  if (!isKubeObject(answer)) throw new Error(`not an object: ${JSON.stringify(answer)}`);
  return answer;
};

/** Makes the namespace, with the account that pods need to be taken, if no controller of Kubernetes is quicker. */
export const createStage = async (client: KubeClient, namespace: string): Promise<Stage> => {
  const create = async (type: ResourceType, manifest: Manifest): Promise<KubeObject> => {
    const path = resourcePath({ type, ...(type.namespaced ? { namespace } : {}) });
    return asObject(await client.request({ method: 'POST', path, body: manifest }));
  };
  const list = (type: ResourceType): Promise<KubeObject[]> => listObjects(client, type, { namespace });
  await create(resources.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  await create(serviceAccounts, account).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
  return {
    namespace,
    create,
    list,
    async policy(options = {}) {
      const manifest = policyManifest({ ...options, namespace });
      const path = resourcePath({ type: resources.policy, namespace, name: manifest.metadata.name });
      const query = { fieldManager: 'a-person', force: true };
      await client.request({
        method: 'PATCH',
        path,
        query,
        contentType: 'application/apply-patch+yaml',
        body: manifest,
      });
    },
    async patch(type, name, body, subresource) {
      const path = resourcePath({ type, namespace, name, subresource });
      await client.request({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body });
    },
    async remove(type, name, propagationPolicy = 'Background') {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, gracePeriodSeconds: 0 };
      await client.request({ method: 'DELETE', path: resourcePath({ type, namespace, name }), body });
    },
    get: async (type, name) =>
      asObject(await client.request({ method: 'GET', path: resourcePath({ type, namespace, name }) })),
    async state() {
      const [notes, ...objects] = await Promise.all([list(events), ...watched.map(list)]);
      return stateOf(namespace, objects.flat(), notes);
    },
  };
};

/** Whether the operator has seen every policy as it is. */
export const isObserved = async (stage: Stage): Promise<boolean> =>
  (await stage.list(resources.policy)).every(
    ({ metadata, status }) => isRecord(status) && status['observedGeneration'] === metadata.generation,
  );
