import type { KubeClient } from './client.ts';
import { appliedHash, firstDifference } from './compare.ts';
import { asObject, type CallOptions } from './objects.ts';
import { resourcePath } from './path.ts';
import type { KubeObject, Manifest, ResourceType } from './types.ts';

/** Where the hash of what was last applied is kept, on the object itself. */
export const appliedHashAnnotation = 'holdfast.dev/applied-hash';
/** Owner of every field the operator writes, the status included. */
export const fieldManager = 'holdfast';

export interface ApplyResult {
  readonly action: 'applied' | 'unchanged';
  /** Why it was applied, for the log: `absent`, `desired changed`, or the path of the field that had drifted. */
  readonly cause?: string;
  /** What the server answered; undefined when nothing was sent. */
  readonly object?: KubeObject;
}

/**
 * Server-side apply, only when there is something to do: the object is absent, what is desired has changed since it was
 * last applied (its hash is on the object, so that fields no longer desired are noticed and the server removes them), or
 * a desired field is not as desired. A field that others add beside ours is left to them.
 *
 * `observed` must be the raw object or a projection that kept the annotations and every field that is ever desired.
 */
export async function applyIfChanged(
  client: KubeClient,
  type: ResourceType,
  desired: Manifest,
  observed: object | undefined,
  options: CallOptions = {},
): Promise<ApplyResult> {
  const marked = withHash(desired);
  const cause = causeToApply(marked, observed);
  if (cause === undefined) return { action: 'unchanged' };
  return { action: 'applied', cause, object: await applyObject(client, type, marked, options) };
}

/** Server-side apply as {@link fieldManager}, taking over fields that others hold. Creates the object when it is absent. */
export async function applyObject(
  client: KubeClient,
  type: ResourceType,
  desired: Manifest,
  { signal }: CallOptions = {},
): Promise<KubeObject> {
  const { namespace, name } = desired.metadata;
  const path = resourcePath({ type, namespace, name });
  const answer = await client.request({
    method: 'PATCH',
    path,
    // An unknown field is an error by itself: the server cannot own what its schema does not have.
    query: { fieldManager, force: true },
    contentType: 'application/apply-patch+yaml',
    body: desired,
    signal,
  });
  return asObject(`PATCH ${path}`, answer);
}

/** Why `marked` (from {@link withHash}) must be applied; undefined when it need not. */
export function causeToApply(marked: Manifest, observed: object | undefined): string | undefined {
  if (observed === undefined) return 'absent';
  const hash = marked.metadata.annotations?.[appliedHashAnnotation];
  if (hash !== annotationOf(observed, appliedHashAnnotation)) return 'desired changed';
  return firstDifference(marked, observed);
}

/** The manifest with the hash of itself among its annotations. */
export function withHash(desired: Manifest): Manifest {
  const { metadata } = desired;
  const annotations = { ...metadata.annotations, [appliedHashAnnotation]: appliedHash(desired) };
  return { ...desired, metadata: { ...metadata, annotations } };
}

function annotationOf(object: object, name: string): unknown {
  const metadata = field(object, 'metadata');
  return field(field(metadata, 'annotations'), name);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
