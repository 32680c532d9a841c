import type { OwnerReference } from './types.ts';
import { isRecord, keyOf } from './types.ts';

interface Owned {
  readonly metadata?: {
    readonly namespace?: string | undefined;
    readonly ownerReferences?: readonly unknown[] | undefined;
  };
}

/** The key of the object's controlling owner, when that is of the given kind and API group; for mapping events to keys. */
export function controllerKey(object: Owned, kind: string, group: string): string | undefined {
  const owner = object.metadata?.ownerReferences?.find(
    (reference) => isOwner(reference) && reference.controller === true && reference.kind === kind,
  );
  if (!isOwner(owner) || groupOf(owner.apiVersion) !== group) return undefined;
  return keyOf({ namespace: object.metadata?.namespace, name: owner.name });
}

function isOwner(value: unknown): value is OwnerReference {
  return isRecord(value) && typeof value['kind'] === 'string' && typeof value['apiVersion'] === 'string';
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
