import { isDeepStrictEqual } from 'node:util';
import type { KubeClient } from './client.ts';
import { fieldManager } from './apply.ts';
import { isConflict } from './errors.ts';
import { asObject, getObject, type CallOptions } from './objects.ts';
import { resourcePath } from './path.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from './types.ts';

/** The object whose status is written, as it was when the status was worked out. */
export interface StatusSubject {
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface StatusResult {
  readonly action: 'written' | 'unchanged';
  readonly object?: KubeObject;
}

/**
 * Writes the whole status, unless it is what `observed` already is.
 *
 * A PUT on the status subresource: the server keeps spec and metadata as they are and replaces the status as a whole, so
 * a field no longer stated is gone, and one that somebody else wrote does not stay there looking proven (server-side
 * apply and merge patches would both leave it). The UID and the resourceVersion are preconditions: a status worked
 * out from an older object, or for a namesake, is refused.
 * @throws {ApiError} 409 (isConflict): the object changed since; work the status out anew
 */
export async function writeStatus(
  client: KubeClient,
  type: ResourceType,
  subject: StatusSubject,
  desired: object,
  observed: unknown,
  { signal }: CallOptions = {},
): Promise<StatusResult> {
  const status = asSent(desired);
  if (isDeepStrictEqual(status, asSent(observed ?? {}))) return { action: 'unchanged' };
  const { namespace, name, uid, resourceVersion } = subject;
  const path = resourcePath({ type, namespace, name, subresource: 'status' });
  const metadata = { name, uid, resourceVersion, ...(namespace === undefined ? {} : { namespace }) };
  const body = { apiVersion: apiVersionOf(type), kind: type.kind, metadata, status };
  const query = { fieldManager, fieldValidation: 'Strict' };
  const answer = await client.request({ method: 'PUT', path, query, body, signal });
  return { action: 'written', object: asObject(`PUT ${path}`, answer) };
}

// As JSON has it: undefined fields are not there.
function asSent(status: unknown): unknown {
  return JSON.parse(JSON.stringify(status));
}

/** What a cache takes in: see Reflector.remember. */
interface Memory {
  remember(raw: KubeObject, options?: { readonly silent?: boolean }): void;
}

/**
 * {@link writeStatus}, with the cache told what the object is then: as it was written, which nobody needs to hear of, or as it is where the write
 * was refused.
 * @throws {ApiError} 409: the object is not as it was observed; the cache has been told how it is
 */
export async function writeStatusAndRemember(
  client: KubeClient,
  type: ResourceType,
  subject: StatusSubject,
  { desired, observed, memory, signal }: { desired: object; observed: unknown; memory: Memory; signal: AbortSignal },
): Promise<void> {
  try {
    const { object } = await writeStatus(client, type, subject, desired, observed, { signal });
    if (object !== undefined) memory.remember(object, { silent: true });
  } catch (error) {
    const live = isConflict(error) ? await getObject(client, type, subject, { signal }) : undefined;
    if (live !== undefined) memory.remember(live);
    throw error;
  }
}
