import type { KubeClient } from '../../../src/kube/client.ts';
import { resourcePath } from '../../../src/kube/path.ts';
import { resources } from '../../../src/policy/resources.ts';
import { policyManifest } from '../../support/operator/policies.ts';
import { inParallel } from '../../support/parallel.ts';

const namespaceCount = 100;

/** Names one policy of the benchmark. */
export interface PolicyName {
  namespace: string;
  name: string;
}

/** Names spread evenly over the namespaces. */
export const policyNames = (count: number): PolicyName[] =>
  Array.from({ length: count }, (_unused, index) => ({
    namespace: `bench-${String(index % namespaceCount).padStart(2, '0')}`,
    name: `policy-${String(index).padStart(5, '0')}`,
  }));

/**
 * A policy with local copy, full and incremental at a minute of its own, as a fleet's policies are spread over the night. The night begins
 * six hours from now: no run is due while it is measured, since what is to come next is part of a status.
 */
export const benchPolicy = ({ namespace, name }: PolicyName, index: number) => {
  const minute = index % 60;
  const hour = (new Date().getUTCHours() + 6 + (Math.floor(index / 60) % 6)) % 24;
  return policyManifest({
    namespace,
    name,
    spec: {
      schedule: {
        timeZone: 'Etc/UTC',
        localCopy: `${minute} ${hour} * * *`,
        full: `${minute} ${hour} * * 0`,
        incremental: `${minute} ${hour} * * 1-6`,
      },
    },
  });
};

/** Creates the namespaces and the policies. */
export const createPolicies = async (client: KubeClient, names: readonly PolicyName[]): Promise<void> => {
  const namespaces = [...new Set(names.map(({ namespace }) => namespace))];
  await inParallel(namespaces, 8, async (name) => {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await client.request({ method: 'POST', path: resourcePath({ type: resources.namespace }), body });
  });
  await inParallel(names, 16, async (name, index) => {
    const path = resourcePath({ type: resources.policy, namespace: name.namespace });
    await client.request({ method: 'POST', path, body: benchPolicy(name, index) });
  });
};
