import type { IncomingMessage } from 'node:http';

/** One request of the operator, as the proxy saw it. */
export interface ProxiedRequest {
  /** 0 for the first since the proxy started. */
  readonly index: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Whether it may change something on the server. */
  readonly isWrite: boolean;
  readonly isWatch: boolean;
  /** '' for cluster-scoped objects and lists over all namespaces. */
  readonly namespace: string;
  /** `PATCH cronjobs/agama-full`, `PUT backuppolicies/agama/status`, `WATCH cronjobs`: without the namespace. */
  readonly what: string;
  readonly body: string;
}

const reads = new Set(['GET', 'HEAD', 'OPTIONS']);

/** A question about somebody's rights is posted, and changes nothing. */
const isQuestion = (resource: string): boolean => resource.endsWith('accessreviews');

/** Reads the head of a request; `body` is what came with it. */
export const describeRequest = (index: number, request: IncomingMessage, body: string): ProxiedRequest => {
  const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://proxy.invalid');
  const method = request.method ?? 'GET';
  const isWatch = method === 'GET' && /^(true|1)$/.test(query.get('watch') ?? '');
  const { namespace, resource } = placeOf(path);
  const what = `${isWatch ? 'WATCH' : method} ${resource}`;
  return {
    index,
    method,
    path,
    query,
    isWrite: !reads.has(method) && !isQuestion(resource),
    isWatch,
    namespace,
    what,
    body,
  };
};

// /api/v1/… and /apis/<group>/<version>/…; everything else (/readyz, /version) stays as it is.
const placeOf = (path: string): { namespace: string; resource: string } => {
  const [, rest] = /^\/(?:api\/[^/]+|apis\/[^/]+\/[^/]+)\/(.+)$/.exec(path) ?? [];
  if (rest === undefined) return { namespace: '', resource: path };
  const [, namespace, resource] = /^namespaces\/([^/]+)\/(.+)$/.exec(rest) ?? [];
  if (namespace === undefined || resource === undefined) return { namespace: '', resource: rest };
  return { namespace, resource };
};
