import { isNode, keywords, type Node, type StructuralSchema } from './convert.ts';
import { SchemaError } from './schema-error.ts';

const types = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
const known: ReadonlySet<string> = new Set(keywords);

/** What to write instead of a keyword that a structural schema has not. */
const instead: Readonly<Record<string, string>> = {
  $ref: 'a CRD has no references: inline it',
  oneOf: 'use optional blocks and one CEL "exactly one of" rule',
  anyOf: 'use optional blocks and one CEL "exactly one of" rule',
  allOf: 'use one pattern, or CEL rules',
  not: 'use a CEL rule',
  const: 'use an enum of one value',
  propertyNames: 'a CRD cannot say how keys look: use a CEL rule',
  patternProperties: 'a CRD cannot say how keys look: use a CEL rule',
};

type Check = (node: Node, path: string) => string | undefined;

const hasType: Check = (node) =>
  types.includes(String(node.type)) ? undefined : 'has no type: say what it is (z.any() is not structural)';

const hasKnownKeywords: Check = (node) => {
  const unknown = Object.keys(node).find((key) => !known.has(key));
  if (unknown === undefined) return undefined;
  return `uses ${unknown}: ${instead[unknown] ?? 'Holdfast’s CRDs do not use that keyword'}`;
};

const hasOneKindOfProperties: Check = (node) => {
  if (node.properties !== undefined && node.additionalProperties !== undefined) {
    return 'has additionalProperties beside properties: the API server prunes or refuses unknown fields by itself';
  }
  if (node.type !== 'object' || isNode(node.properties) || isNode(node.additionalProperties)) return undefined;
  return 'is an object that does not say what is in it';
};

const hasItems: Check = (node) => {
  if (node.type !== 'array') return undefined;
  if (!isNode(node.items)) return 'is an array whose items are not of one type';
  if (node.maxItems === undefined) return 'is an array without a limit: CEL rules cannot be priced (.max())';
  // Left out it means atomic: then two appliers of one list overwrite each other, which must be meant, not forgotten.
  if (node['x-kubernetes-list-type'] === undefined) return 'is an array without x-kubernetes-list-type';
  return undefined;
};

const hasDefaultWhereAllowed: Check = (node, path) => {
  if (node.default === undefined) return undefined;
  if (path === '') return 'has a default, which the API server does not take at the root';
  if (!isNode(node.default) || !isNode(node.properties)) return undefined;
  const { properties } = node;
  const stray = Object.keys(node.default).find((name) => !(name in properties));
  return stray === undefined ? undefined : `has a default with the unknown field ${stray}`;
};

const requiresNoDefaulted: Check = (node) => {
  const { properties } = node;
  if (!Array.isArray(node.required) || !isNode(properties)) return undefined;
  const both = node.required.find((name: unknown) => {
    const child = properties[String(name)];
    return isNode(child) && child.default !== undefined;
  });
  return both === undefined ? undefined : `requires ${String(both)}, which has a default`;
};

const checks = [
  hasKnownKeywords,
  hasType,
  hasOneKindOfProperties,
  hasItems,
  hasDefaultWhereAllowed,
  requiresNoDefaulted,
];

const walk = (value: unknown, path: string, named: boolean): void => {
  if (!isNode(value)) throw new SchemaError(path, 'is not a schema');
  for (const check of checks) {
    const problem = check(value, path);
    if (problem !== undefined) throw new SchemaError(path, problem);
  }
  if (named && (typeof value.description !== 'string' || value.description.trim() === '')) {
    throw new SchemaError(path, 'has no description: kubectl explain and the reference are made of them (.describe())');
  }
  if (isNode(value.properties)) {
    for (const [name, child] of Object.entries(value.properties))
      walk(child, path === '' ? name : `${path}.${name}`, true);
  }
  if (value.items !== undefined) walk(value.items, `${path}[]`, false);
  if (value.additionalProperties !== undefined) walk(value.additionalProperties, `${path}{}`, false);
};

/**
 * Refuses what the API server would, before it is written to a file, and fields without a description.
 * @throws SchemaError naming the path.
 */
export const verify = (schema: StructuralSchema): void => walk(schema, '', true);
