import { z } from 'zod';
import { secretKey } from '../api/v1alpha1/primitives.ts';
import { isNode, type StructuralSchema, toStructural } from './convert.ts';
import { SchemaError } from './schema-error.ts';
import { verify } from './verify.ts';

export type { StructuralSchema } from './convert.ts';

/** Kinds of zod schema that have no structural form, and what to write instead. */
const refused: Readonly<Record<string, string>> = {
  any: 'has no type: say what it is',
  unknown: 'has no type: say what it is',
  tuple: 'is a tuple: use an object, or an array of one type',
  union: 'is a union: use optional blocks and one CEL "exactly one of" rule',
  intersection: 'is an intersection: use one object (extend)',
  null: 'is null only',
  lazy: 'is recursive, which a CRD cannot say',
};

const problemOf = (schema: unknown): string | undefined => {
  if (!(schema instanceof z.ZodType)) return undefined;
  // zod leaves the limits of keys out of its JSON schema without a word.
  if (
    schema instanceof z.ZodRecord &&
    schema.keyType instanceof z.ZodType &&
    (schema.keyType.def.checks ?? []).length > 0
  ) {
    return 'has keys of a form, which a CRD cannot say: use a CEL rule';
  }
  return refused[schema.def.type];
};

/**
 * The OpenAPI v3 schema of a CRD from a zod schema, as Kubernetes takes it: "structural"
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
 * Pure. A pattern that carries a message becomes a CEL rule with that message: the API server's own words would be the bare regex.
 *
 * @throws SchemaError naming the path of what the API server would refuse, and of every field without a description.
 */
export const toStructuralSchema = (schema: z.ZodType): StructuralSchema => {
  const json: unknown = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    cycles: 'throw',
    override: ({ zodSchema, path }) => {
      const why = problemOf(zodSchema);
      if (why !== undefined) throw new SchemaError(path.filter((part) => part !== 'properties').join('.'), why);
    },
  });
  if (!isNode(json)) throw new SchemaError('', 'is not an object');
  const structural = toStructural(json);
  verify(structural);
  return structural;
};

/** Paths (from the root) of the references to Secrets, as arrays of field names. */
export const secretReferences = (schema: z.ZodType): string[][] => {
  const found: string[][] = [];
  const walk = (node: unknown, path: string[]): void => {
    if (!isNode(node)) return;
    if (node[secretKey] === true) found.push(path);
    if (isNode(node.properties)) {
      for (const [name, child] of Object.entries(node.properties)) walk(child, [...path, name]);
    }
  };
  walk(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' }), []);
  return found;
};
