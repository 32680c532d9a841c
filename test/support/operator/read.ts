import { parseArgs } from 'node:util';
import type { KubeClient } from '../../../src/kube/client.ts';
import { resourcePath } from '../../../src/kube/path.ts';
import { apiVersionOf, isRecord, type KubeObject, type ResourceType } from '../../../src/kube/types.ts';
import { resources } from '../../../src/policy/resources.ts';

const core = (kind: string, plural: string): ResourceType => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});

/** By the names under which tests ask for them. */
const types: Readonly<Record<string, ResourceType>> = {
  bp: resources.policy,
  cronjob: resources.cronJob,
  cronjobs: resources.cronJob,
  job: resources.job,
  jobs: resources.job,
  lease: { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true },
  pod: resources.pod,
  pods: resources.pod,
  pvc: resources.claim,
  events: core('Event', 'events'),
  resourcequota: core('ResourceQuota', 'resourcequotas'),
};

const typeOf = (name: string): ResourceType => {
  const type = types[name];
  if (type === undefined) throw new Error(`${name} is not among the kinds of test/support/operator/read.ts`);
  return type;
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
  const lists = await Promise.all(
    kinds.split(',').map(async (kind) => {
      const type = typeOf(kind);
      const path = resourcePath({ type, namespace });
      const answer = await client.request({ method: 'GET', path, query: { labelSelector, fieldSelector } });
      const items = isRecord(answer) && Array.isArray(answer['items']) ? answer['items'] : [];
      return items.filter(isRecord).map((item) => ({ apiVersion: apiVersionOf(type), kind: type.kind, ...item }));
    }),
  );
  return { apiVersion: 'v1', kind: 'List', metadata: { name: '' }, items: lists.flat() };
};
