import { z } from 'zod';

const leaves = [z.ZodString, z.ZodNumber, z.ZodBoolean, z.ZodEnum, z.ZodLiteral, z.ZodRecord, z.ZodObject];
const wrappers = [z.ZodOptional, z.ZodDefault, z.ZodPrefault];

/**
 * Every field of a schema that holds a value, as `schedule.full`, `source.mysql.databases[]`, `restore.workloads[].kind`.
 * @throws Error for a kind of schema that it does not know how to walk
 */
export const leavesOf = (schema: unknown, path = ''): string[] => {
  for (const wrapper of wrappers) if (schema instanceof wrapper) return leavesOf(schema.unwrap(), path);
  if (schema instanceof z.ZodArray) return leavesOf(schema.element, `${path}[]`);
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape);
    // A block without fields says something by being there.
    if (fields.length > 0) {
      return fields.flatMap(([name, inner]) => leavesOf(inner, path === '' ? name : `${path}.${name}`));
    }
  }
  if (leaves.some((leaf) => schema instanceof leaf)) return [path];
  throw new Error(`${path}: test/faults/walk-leaves.ts does not know how to walk such a schema`);
};

/** What a value has at a leaf; of a list all elements. Undefined: nothing. */
export const valueAt = (value: unknown, leaf: string): unknown => {
  const [head = '', ...rest] = leaf.split('.');
  const name = head.replace('[]', '');
  if (typeof value !== 'object' || value === null) return undefined;
  const inner: unknown = Reflect.get(value, name);
  if (rest.length === 0) return inner;
  return Array.isArray(inner)
    ? inner.map((element) => valueAt(element, rest.join('.')))
    : valueAt(inner, rest.join('.'));
};
