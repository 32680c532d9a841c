import type { ObjectName, ResourceType } from './types.ts';

/** One API path. Without `name` it is the collection, without `namespace` the collection over all namespaces. */
export interface PathParts extends Partial<ObjectName> {
  readonly type: Pick<ResourceType, 'group' | 'version' | 'plural'>;
  readonly subresource?: string | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The URL path of a resource; every part is URL-encoded, so that no name can leave its segment. */
export function resourcePath({ type, namespace, name, subresource }: PathParts): string {
  const root = type.group === '' ? ['api', type.version] : ['apis', type.group, type.version];
  const scope = namespace === undefined || namespace === '' ? [] : ['namespaces', namespace];
  const object = name === undefined ? [] : [name];
  const sub = subresource === undefined ? [] : [subresource];
  return `/${[...root, ...scope, type.plural, ...object, ...sub].map(encodeSegment).join('/')}`;
}

/** `?a=b&c=d`, or '' when nothing is set; `undefined` values are left out. */
export function queryString(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

// '.' and '..' pass through encodeURIComponent, and URL parsing would resolve them into another resource's path.
function encodeSegment(segment: string): string {
  if (segment === '' || segment === '.' || segment === '..') {
    throw new TypeError(`'${segment}' cannot be a part of an API path`);
  }
  return encodeURIComponent(segment);
}
