import type { KubeClient } from './client.ts';
import { isConflict, isNotFound, TransportError } from './errors.ts';
import { resourcePath } from './path.ts';
import { isKubeObject, type KubeObject, type Manifest, type ObjectName, type ResourceType } from './types.ts';

/** How dependents of a deleted object are treated; `Orphan` leaves them. */
export type Propagation = 'Background' | 'Foreground' | 'Orphan';

export interface DeleteOptions {
  /** Deletes this very object and no namesake. */
  readonly uid?: string | undefined;
  /** Deletes only what was last looked at. */
  readonly resourceVersion?: string | undefined;
  readonly propagation?: Propagation;
  readonly signal?: AbortSignal | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface GetOptions extends CallOptions {
  /** The whole request, in milliseconds; the client's own limit unless told. */
  readonly timeLimitMs?: number;
}

/** The object as the server holds it now, past every cache; undefined when it is not there. */
export async function getObject(
  client: KubeClient,
  type: ResourceType,
  name: ObjectName,
  options: GetOptions = {},
): Promise<KubeObject | undefined> {
  const path = resourcePath({ type, ...name });
  try {
    return asObject(`GET ${path}`, await client.request({ method: 'GET', path, ...options }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Makes an object that must not exist yet: with a name that follows from its cause, it is made at most once.
 * @throws {ApiError} `AlreadyExists` when there is one (see isAlreadyExists)
 */
export async function createObject(
  client: KubeClient,
  type: ResourceType,
  manifest: Manifest,
  { signal, fieldManager }: CallOptions & { readonly fieldManager: string },
): Promise<KubeObject> {
  const { namespace } = manifest.metadata;
  const path = resourcePath({ type, namespace });
  // Strict: a field the server does not know is an error, not a silent loss.
  const query = { fieldManager, fieldValidation: 'Strict' };
  return asObject(`POST ${path}`, await client.request({ method: 'POST', path, query, body: manifest, signal }));
}

/** Deletes an object; 'absent' when it, or the one with that UID, is not there. @throws {ApiError} 409: the resourceVersion moved on */
export async function deleteObject(
  client: KubeClient,
  type: ResourceType,
  name: ObjectName,
  { uid, resourceVersion, propagation = 'Background', signal }: DeleteOptions = {},
): Promise<'deleted' | 'absent'> {
  const path = resourcePath({ type, ...name });
  const preconditions = {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: propagation, preconditions };
  try {
    await client.request({ method: 'DELETE', path, body, signal });
    return 'deleted';
  } catch (error) {
    if (isNotFound(error)) return 'absent';
    if (uid === undefined || !isConflict(error)) throw error;
    // Another UID and another version are refused with the same code: only a look tells which it was.
    const there = await getObject(client, type, name, { signal });
    if (there?.metadata.uid === uid) throw error;
    return 'absent';
  }
}

export function asObject(what: string, answer: unknown): KubeObject {
  if (isKubeObject(answer)) return answer;
  throw new TransportError(what, 'BadAnswer', 'the answer is not an object');
}
