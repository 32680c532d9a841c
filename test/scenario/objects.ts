import type { Tool } from '../cluster/kubectl.ts';

/** Any Kubernetes object, as it is applied. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  [field: string]: unknown;
}

/** Applies objects together. */
export const applyObjects = async (kubectl: Tool, items: readonly object[]): Promise<void> => {
  await kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager', 'scenario', '--filename', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  });
};

/** A namespace; with `restricted`, Pod Security refuses every pod that asks for more than it needs. */
export const namespaceOf = (name: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
});

/** A Secret of one of Kubernetes' own types. */
export const secretOf = (
  namespace: string,
  name: string,
  type: 'kubernetes.io/basic-auth' | 'kubernetes.io/ssh-auth' | 'Opaque',
  stringData: Record<string, string>,
): Manifest => ({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, type, stringData });

/** The values of a Secret; undefined when it is not there. */
export const readSecret = async (
  kubectl: Tool,
  namespace: string,
  name: string,
): Promise<Record<string, string> | undefined> => {
  const args = ['get', 'secret', name, '--namespace', namespace, '--ignore-not-found', '--output', 'json'];
  const text = await kubectl(args);
  if (text === '') return undefined;
  const { data = {} } = JSON.parse(text) as { data?: Record<string, string> };
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
};
