import { z } from 'zod';
import { celRules, text } from '../../../src/api/v1alpha1/primitives.ts';
import { toStructuralSchema } from '../../../src/crd/structural.ts';

const said = z.string().max(9).describe('A field.');
const inSpec = (field: z.ZodType): z.ZodType =>
  z.object({ spec: z.object({ field }).describe('What is wanted.') }).describe('A thing.');

test.each([
  { field: z.any().describe('x'), says: 'spec.field has no type', reason: 'anything' },
  { field: z.unknown().describe('x'), says: 'spec.field has no type', reason: 'unknown' },
  { field: z.tuple([z.string()]).describe('x'), says: 'spec.field is a tuple', reason: 'a tuple' },
  { field: z.union([z.string(), z.int()]).describe('x'), says: 'spec.field is a union', reason: 'types inside anyOf' },
  {
    field: z
      .discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })])
      .describe('x'),
    says: 'spec.field is a union',
    reason: 'types inside oneOf',
  },
  {
    field: z
      .object({ a: said })
      .and(z.object({ b: said }))
      .describe('x'),
    says: 'spec.field is an intersection',
    reason: 'types inside allOf',
  },
  {
    field: z.strictObject({ a: said }).describe('x'),
    says: 'spec.field has additionalProperties beside properties',
    reason: 'a strict object',
  },
  {
    field: z.looseObject({ a: said }).describe('x'),
    says: 'spec.field.additionalProperties has no type',
    reason: 'a loose object',
  },
  { field: z.string().max(9), says: 'spec.field has no description', reason: 'a field that is not explained' },
  {
    field: z.string().max(9).describe(' '),
    says: 'spec.field has no description',
    reason: 'a field explained by nothing',
  },
  {
    field: z
      .object({
        deep: z
          .array(z.object({ leaf: z.int() }))
          .max(2)
          .meta({ 'x-kubernetes-list-type': 'atomic' })
          .describe('x'),
      })
      .describe('x'),
    says: 'spec.field.deep[].leaf has no description',
    reason: 'a field deep below',
  },
  {
    field: z.array(said).meta({ 'x-kubernetes-list-type': 'set' }).describe('x'),
    says: 'spec.field is an array without a limit',
    reason: 'CEL cannot price it',
  },
  {
    field: z.array(said).max(3).describe('x'),
    says: 'spec.field is an array without x-kubernetes-list-type',
    reason: 'how appliers merge must be meant',
  },
  {
    field: z.string().regex(/a/).regex(/b/).describe('x'),
    says: 'spec.field uses allOf: use one pattern',
    reason: 'two patterns',
  },
  {
    field: z
      .object({ a: said.optional() })
      .meta({ default: { b: 1 } })
      .describe('x')
      .optional(),
    says: 'spec.field has a default with the unknown field b',
    reason: 'the API server refuses a default that it would prune',
  },
  {
    field: z.record(z.string().regex(/a/), said).describe('x'),
    says: 'spec.field has keys of a form',
    reason: 'keys of a form',
  },
  {
    field: said.meta({ examples: ['a'] }),
    says: 'spec.field uses examples',
    reason: 'a keyword that Holdfast does not use',
  },
])('refuses $reason, naming the path', ({ field, says }) => {
  expect(() => toStructuralSchema(inSpec(field))).toThrow(says);
});

test('refuses a recursive schema', () => {
  const tree: z.ZodType = z.object({
    get children() {
      return z.array(tree).max(2).describe('x');
    },
  });
  expect(() => toStructuralSchema(inSpec(tree.describe('x')))).toThrow(/cycle/i);
});

test('refuses a default at the root', () => {
  expect(() => toStructuralSchema(z.object({ a: said.optional() }).describe('x').meta({ default: {} }))).toThrow(
    'the root has a default',
  );
});

const fieldOf = (field: z.ZodType): unknown =>
  toStructuralSchema(inSpec(field)).properties?.['spec']?.properties?.['field'];

test.each([
  {
    field: z.int32().min(1).max(65535),
    schema: { type: 'integer', format: 'int32', minimum: 1, maximum: 65535 },
    reason: 'a bounded integer',
  },
  { field: z.int32(), schema: { type: 'integer', format: 'int32' }, reason: 'the bounds of int32 are its format' },
  { field: z.int().min(0), schema: { type: 'integer', format: 'int64', minimum: 0 }, reason: 'bytes' },
  { field: z.int().max(5), schema: { type: 'integer', format: 'int64', maximum: 5 }, reason: 'no lower bound' },
  {
    field: z.int32().positive(),
    schema: { type: 'integer', format: 'int32', minimum: 0, exclusiveMinimum: true },
    reason: 'OpenAPI v3.0 has a boolean exclusiveMinimum',
  },
  { field: z.number().lt(1), schema: { type: 'number', maximum: 1, exclusiveMaximum: true }, reason: 'below' },
  { field: z.enum(['a', 'b']), schema: { type: 'string', enum: ['a', 'b'] }, reason: 'a choice' },
  { field: z.literal(true), schema: { type: 'boolean', enum: [true] }, reason: 'const is an enum of one' },
  { field: z.string().nullable(), schema: { type: 'string', nullable: true }, reason: 'null' },
  {
    field: z.string().min(1).max(9).regex(/^a+$/),
    schema: { type: 'string', pattern: '^a+$', minLength: 1, maxLength: 9 },
    reason: 'a pattern without a message stays one',
  },
  {
    field: text({ max: 9, pattern: /^[a-z"\\]+\n$/, message: 'write letters' }),
    schema: {
      type: 'string',
      maxLength: 9,
      'x-kubernetes-validations': [{ rule: String.raw`self.matches("^[a-z\"\\\\]+\\n$")`, message: 'write letters' }],
    },
    reason: 'a pattern with a message is a CEL rule',
  },
  {
    field: text({ max: 9, pattern: /^a$/, message: 'one' }).meta(celRules({ rule: 'true', message: 'two' })),
    schema: {
      type: 'string',
      maxLength: 9,
      'x-kubernetes-validations': [
        { rule: 'self.matches("^a$")', message: 'one' },
        { rule: 'true', message: 'two' },
      ],
    },
    reason: 'further rules come after it',
  },
  {
    field: z.record(z.string(), said),
    schema: { type: 'object', additionalProperties: expect.objectContaining({ type: 'string' }) },
    reason: 'a map',
  },
  { field: z.object({}), schema: { type: 'object', properties: {} }, reason: 'an empty block, such as `none: {}`' },
  {
    field: z.object({ a: z.int32().default(3).describe('A.') }).prefault({}),
    schema: {
      type: 'object',
      default: {},
      properties: { a: { description: 'A.', type: 'integer', format: 'int32', default: 3 } },
    },
    reason: 'defaults nest: a block left out gets those of its fields',
  },
])('writes $reason', ({ field, schema }) => {
  expect(fieldOf(field.describe('It.'))).toEqual({ description: 'It.', ...schema });
});

test('a field with a default is not required', () => {
  const schema = toStructuralSchema(inSpec(z.string().default('x').describe('It.')));
  expect(schema.properties?.['spec']?.required).toBeUndefined();
  expect(schema.required).toEqual(['spec']);
});

test('no schema is read in the output direction: what a person may leave out is not required', () => {
  expect(fieldOf(z.object({ a: said.default('x') }).describe('It.'))).not.toHaveProperty('required');
});
