import type { KubeClient } from './client.ts';
import { isExpired, TransportError } from './errors.ts';
import { resourcePath, type Query } from './path.ts';
import { apiVersionOf, isKubeObject, isRecord, type KubeObject, type ResourceType } from './types.ts';

export interface ListOptions<T> {
  readonly client: KubeClient;
  readonly type: ResourceType;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects a page. */
  readonly pageSize: number;
  /** What is kept of each object. It is called page by page, so that the whole list is never there as the server sent it. */
  readonly keep: (raw: KubeObject) => T;
  readonly signal?: AbortSignal;
}

type Scope = Omit<ListOptions<unknown>, 'pageSize' | 'keep'>;

export interface Listed<T> {
  readonly items: readonly T[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

/**
 * All objects of a kind, page by page. When the server forgets the snapshot between two pages (410), the
 * whole is asked for once in one piece, as client-go's pager does.
 */
export async function listAll<T>(options: ListOptions<T>): Promise<Listed<T>> {
  try {
    return await listPages(options, options.pageSize);
  } catch (error) {
    if (!isExpired(error)) throw error;
    return listPages(options, undefined);
  }
}

/** The server's current resource version for a kind, read from the store behind it and not from a cache. */
export async function newestVersion(options: Scope): Promise<string> {
  return (await listPage(options, { limit: 1 })).resourceVersion;
}

async function listPages<T>(options: ListOptions<T>, limit: number | undefined): Promise<Listed<T>> {
  const items: T[] = [];
  let next: string | undefined;
  let resourceVersion: string;
  do {
    const page = await listPage(options, { limit, continue: next });
    for (const item of page.items) items.push(options.keep(item));
    ({ next, resourceVersion } = page);
  } while (next !== undefined);
  return { items, resourceVersion };
}

async function listPage(
  { client, type, namespace, labelSelector, fieldSelector, signal }: Scope,
  paging: Query,
): Promise<Listed<KubeObject> & { next: string | undefined }> {
  const path = resourcePath({ type, ...(namespace === undefined ? {} : { namespace }) });
  const answer = await client.request({
    method: 'GET',
    path,
    query: { labelSelector, fieldSelector, ...paging },
    signal,
    timeLimitMs: 60_000,
  });
  const metadata = isRecord(answer) && isRecord(answer['metadata']) ? answer['metadata'] : {};
  const { resourceVersion, continue: next } = metadata;
  const items = isRecord(answer) ? (answer['items'] ?? []) : undefined;
  if (!Array.isArray(items) || typeof resourceVersion !== 'string') {
    throw new TransportError(`GET ${path}`, 'BadAnswer', 'the answer is not a list');
  }
  return {
    items: items.map((item) => withKind(type, item)).filter(isKubeObject),
    resourceVersion,
    next: typeof next === 'string' && next !== '' ? next : undefined,
  };
}

// Items of built-in lists come without kind and apiVersion; those of a watch have them.
function withKind(type: ResourceType, item: unknown): unknown {
  return isRecord(item) ? { ...item, apiVersion: apiVersionOf(type), kind: type.kind } : item;
}
