import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { apiErrorFromStatus, isExpired, TransportError } from './errors.ts';
import { resourcePath } from './path.ts';
import { isKubeObject, isRecord, type KubeObject, type ResourceType } from './types.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly object: KubeObject;
}

/**
 * Why a watch ended without a failure: the server closed it in time, it closed at once without an event, nothing was
 * heard for too long, or its start is too far back.
 */
export type WatchEnd = 'closed' | 'tooShort' | 'silent' | 'expired';

export interface WatchOptions {
  readonly client: KubeClient;
  readonly type: ResourceType;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** The resource version after which events are wanted. */
  readonly from: string;
  readonly timeoutSeconds: number;
  readonly idleLimitMs: number;
  readonly handle: (event: WatchEvent) => void;
  /** Each version up to which everything has been seen, bookmarks included. */
  readonly progress: (resourceVersion: string) => void;
  readonly heard: () => void;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

const tooShortMs = 1000;

/**
 * One watch from start to end; the connection is closed on every way out.
 * @throws {ApiError} the server refused, or sent an ERROR event other than 410
 * @throws {TransportError} the connection broke
 */
export async function watchOnce(options: WatchOptions): Promise<WatchEnd> {
  const { client, type, namespace, labelSelector, fieldSelector, from, timeoutSeconds, idleLimitMs } = options;
  const path = resourcePath({ type, ...(namespace === undefined ? {} : { namespace }) });
  const query = {
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion: from,
    timeoutSeconds,
    labelSelector,
    fieldSelector,
  };
  const startMs = options.clock.monotonicMs();
  let events = 0;
  try {
    const lines = await client.stream({ path, query, signal: options.signal, idleLimitMs });
    options.heard();
    for await (const line of lines) {
      events += 1;
      handleLine(`WATCH ${path}`, line, options);
      options.heard();
    }
  } catch (error) {
    if (isExpired(error)) return 'expired';
    if (error instanceof TransportError && error.code === 'TimeLimit') return 'silent';
    throw error;
  }
  const lastedMs = options.clock.monotonicMs() - startMs;
  return events === 0 && lastedMs < Math.min(tooShortMs, timeoutSeconds * 500) ? 'tooShort' : 'closed';
}

function handleLine(what: string, line: string, { handle, progress }: WatchOptions): void {
  const event = parse(what, line);
  const { type, object } = event;
  if (type === 'ERROR') throw apiErrorFromStatus(what, object);
  if (!isRecord(object) || !isRecord(object['metadata']))
    throw new TransportError(what, 'BadAnswer', 'an event without an object');
  if (isChange(type) && isKubeObject(object)) handle({ type, object });
  const { resourceVersion } = object['metadata'];
  if (typeof resourceVersion === 'string' && resourceVersion !== '') progress(resourceVersion);
}

function isChange(type: unknown): type is WatchEventType {
  return type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED';
}

function parse(what: string, line: string): Record<string, unknown> {
  try {
    const event: unknown = JSON.parse(line);
    if (isRecord(event)) return event;
  } catch (error) {
    throw new TransportError(what, 'BadAnswer', 'an event that is not JSON', error);
  }
  throw new TransportError(what, 'BadAnswer', 'an event that is not an object');
}
