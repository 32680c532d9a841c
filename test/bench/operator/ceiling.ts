import { applyObject } from '../../../src/kube/apply.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { resourcePath } from '../../../src/kube/path.ts';
import { apiVersionOf, type KubeObject, type Manifest, type ResourceType } from '../../../src/kube/types.ts';
import { resources } from '../../../src/policy/resources.ts';
import { inParallel } from '../../support/parallel.ts';
import type { PolicyName } from './policies.ts';

const namespace = 'bench-ceiling';
const members = ['localCopy', 'full', 'incremental'] as const;

/** The objects of one policy as the operator made them, under other names. */
const copiesOf = async (client: KubeClient, policy: PolicyName) => {
  const list = async (type: ResourceType): Promise<(readonly [ResourceType, Manifest])[]> => {
    const path = resourcePath({ type, namespace: policy.namespace });
    const { items } = (await client.request({ method: 'GET', path })) as { items: KubeObject[] };
    return items
      .filter(({ metadata }) => metadata.name.startsWith(policy.name))
      .map(({ metadata: { name, labels = {}, annotations = {} }, spec }) => {
        const metadata = { name, namespace, labels, annotations };
        return [type, { apiVersion: apiVersionOf(type), kind: type.kind, metadata, spec }] as const;
      });
  };
  return [...(await list(resources.claim)), ...(await list(resources.cronJob))];
};

/**
 * The API server's own limit: for so many policies, the writes that the operator makes for one, by a client that does nothing else. The
 * client shares the machine with the API server, as the operator does.
 */
export const measureCeiling = async (
  client: KubeClient,
  policy: PolicyName,
  count: number,
): Promise<{ writes: number; writesPerSecond: number }> => {
  const copies = await copiesOf(client, policy);
  if (copies.length !== members.length + 1) throw new Error(`${policy.name} has ${copies.length} objects`);
  const policyPath = resourcePath({ type: resources.policy, ...policy });
  const original = (await client.request({ method: 'GET', path: policyPath })) as KubeObject;
  await client.request({
    method: 'POST',
    path: resourcePath({ type: resources.namespace }),
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  });
  const path = resourcePath({ type: resources.policy, namespace });
  const { apiVersion, kind, spec, status } = original;
  const numbers = Array.from({ length: count }, (_unused, index) => index);
  const versions: string[] = [];
  await inParallel(numbers, 16, async (index) => {
    const metadata = { name: `ceiling-${index}`, namespace };
    const made = (await client.request({
      method: 'POST',
      path,
      body: { apiVersion, kind, metadata, spec },
    })) as KubeObject;
    versions[index] = made.metadata.resourceVersion ?? '';
  });
  const start = performance.now();
  await inParallel(numbers, 8, async (index) => {
    for (const [type, manifest] of copies) {
      const name = `${manifest.metadata.name}-${index}`;
      await applyObject(client, type, { ...manifest, metadata: { ...manifest.metadata, name } });
    }
    const metadata = { name: `ceiling-${index}`, namespace, resourceVersion: versions[index] };
    const statusPath = resourcePath({ type: resources.policy, namespace, name: metadata.name, subresource: 'status' });
    await client.request({ method: 'PUT', path: statusPath, body: { apiVersion, kind, metadata, status } });
  });
  const writes = count * (copies.length + 1);
  return { writes, writesPerSecond: writes / ((performance.now() - start) / 1000) };
};
