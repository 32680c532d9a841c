import { parseArgs } from 'node:util';
import type { KubeClient } from '../../../src/kube/client.ts';
import { resourcePath } from '../../../src/kube/path.ts';
import { apiVersionOf, isKubeObject, isRecord, type KubeObject, type ResourceType } from '../../../src/kube/types.ts';
import { workloadTypes } from '../../../src/quiesce/workload.ts';
import { resources } from '../../../src/policy/resources.ts';

/** A kind of the core group that lives in namespaces. */
export const coreType = (kind: string, plural: string): ResourceType => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});

/** By the names under which tests ask for them. */
const types: Readonly<Record<string, ResourceType>> = {
  bp: resources.policy,
  restorerequest: resources.restoreRequest,
  restorerequests: resources.restoreRequest,
  cronjob: resources.cronJob,
  cronjobs: resources.cronJob,
  job: resources.job,
  jobs: resources.job,
  lease: { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true },
  pod: resources.pod,
  pods: resources.pod,
  pvc: resources.claim,
  deployment: workloadTypes.Deployment,
  statefulset: workloadTypes.StatefulSet,
  events: coreType('Event', 'events'),
  resourcequota: coreType('ResourceQuota', 'resourcequotas'),
};

const typeOf = (name: string): ResourceType => {
  const type = types[name];
  if (type === undefined) throw new Error(`${name} is not among the kinds of test/support/operator/read.ts`);
  return type;
};

/** Which objects of a kind. */
export interface Which {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

/** All objects of a kind, each with its kind. @throws ApiError */
export const listObjects = async (
  client: KubeClient,
  type: ResourceType,
  { namespace, ...selectors }: Which = {},
): Promise<KubeObject[]> => {
  const path = resourcePath({ type, namespace });
  const answer = await client.request({ method: 'GET', path, query: selectors });
  const items = isRecord(answer) && Array.isArray(answer['items']) ? answer['items'].filter(isRecord) : [];
  return items.map((item) => ({ ...item, apiVersion: apiVersionOf(type), kind: type.kind })).filter(isKubeObject);
};

/** `get(client, 'bp', 'agama', '--namespace=shop')`: what `kubectl get --output=json` prints, without starting it. @throws ApiError */
export const get = async (client: KubeClient, ...args: readonly string[]): Promise<KubeObject> => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      namespace: { type: 'string' },
      selector: { type: 'string' },
      'field-selector': { type: 'string' },
    },
  });
  const [kinds = '', name] = positionals;
  const { namespace, selector: labelSelector, 'field-selector': fieldSelector } = values;
  if (name !== undefined) {
    const path = resourcePath({ type: typeOf(kinds), namespace, name });
    return (await client.request({ method: 'GET', path })) as KubeObject;
  }
  const which = { namespace, labelSelector, fieldSelector };
  const lists = await Promise.all(kinds.split(',').map((kind) => listObjects(client, typeOf(kind), which)));
  return { apiVersion: 'v1', kind: 'List', metadata: { name: '' }, items: lists.flat() };
};
