import { messageKey, secretKey } from '../api/v1alpha1/primitives.ts';

/** A node of a JSON schema whose keywords were not looked at yet. */
export type Node = Record<string, unknown>;

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A CEL rule of a CRD. */
export interface Validation {
  rule: string;
  message: string;
}

/** The part of OpenAPI v3 that Holdfast's CRDs use. */
export interface StructuralSchema {
  description?: string;
  type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  format?: string;
  nullable?: boolean;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  exclusiveMinimum?: boolean;
  maximum?: number;
  exclusiveMaximum?: boolean;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, StructuralSchema>;
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: Validation[];
}

/** The order in which keywords are written: what a person looks for first. Keywords that are not here are refused by `verify`. */
export const keywords = [
  'description',
  'type',
  'format',
  'nullable',
  'default',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'exclusiveMinimum',
  'maximum',
  'exclusiveMaximum',
  'minItems',
  'maxItems',
  'maxProperties',
  'required',
  'properties',
  'items',
  'additionalProperties',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
] as const satisfies readonly (keyof StructuralSchema)[];

/** A string as CEL writes it. CEL's escapes are a superset of JSON's. */
export const celString = (value: string): string => JSON.stringify(value);

const int32 = { minimum: -2147483648, maximum: 2147483647 };

// zod bounds every integer by what JavaScript holds exactly; as a limit in the CRD that would only puzzle.
const withIntegerFormat = (node: Node): Node => {
  if (node.type !== 'integer') return node;
  const { minimum = -Infinity, maximum = Infinity, ...rest } = node;
  const low = Number(minimum);
  const high = Number(maximum);
  const small = low >= int32.minimum && high <= int32.maximum;
  return {
    ...rest,
    format: small ? 'int32' : 'int64',
    ...(low > (small ? int32.minimum : Number.MIN_SAFE_INTEGER) && { minimum }),
    ...(high < (small ? int32.maximum : Number.MAX_SAFE_INTEGER) && { maximum }),
  };
};

// A length of at least one says nothing that the pattern does not: one mistake, one message.
const withPatternMessage = (node: Node): Node => {
  const { [messageKey]: message, pattern, minLength, ...rest } = node;
  if (typeof message !== 'string' || typeof pattern !== 'string') return node;
  const rules = Array.isArray(node['x-kubernetes-validations']) ? node['x-kubernetes-validations'] : [];
  return {
    ...rest,
    ...(new RegExp(pattern).test('') && minLength !== undefined && { minLength }),
    'x-kubernetes-validations': [{ rule: `self.matches(${celString(pattern)})`, message }, ...rules],
  };
};

const children = (node: Node): Node => ({
  ...node,
  ...(isNode(node.properties) && {
    properties: Object.fromEntries(
      Object.entries(node.properties).map(([name, child]) => [name, isNode(child) ? convert(child) : child]),
    ),
  }),
  ...(isNode(node.items) && { items: convert(node.items) }),
  ...(isNode(node.additionalProperties) && { additionalProperties: convert(node.additionalProperties) }),
});

const rank = (key: string): number => {
  const index = keywords.findIndex((keyword) => keyword === key);
  return index === -1 ? keywords.length : index;
};

const ordered = (node: Node): Node =>
  Object.fromEntries(Object.entries(node).toSorted(([left], [right]) => rank(left) - rank(right)));

const convert = (node: Node): Node => {
  const { [secretKey]: _secret, ...own } = node;
  return ordered(children(withPatternMessage(withIntegerFormat(own))));
};

/** Rewrites zod's JSON schema to the forms that Kubernetes takes. What has no such form is left in place, for `verify` to refuse. */
export const toStructural = (json: Node): StructuralSchema => convert(json) as unknown as StructuralSchema;
