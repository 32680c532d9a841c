import * as fc from 'fast-check';
import { backupPolicy } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { sshTarget } from '../../../src/api/v1alpha1/repositories/ssh-target.ts';
import { type StructuralSchema, toStructuralSchema } from '../../../src/crd/structural.ts';
import { literal } from '../../../src/crd/helm.ts';
import { cell } from '../../../src/crd/markdown.ts';

interface Found {
  path: string;
  schema: StructuralSchema;
}

const all = (schema: StructuralSchema, path: string): Found[] => [
  { path, schema },
  ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) => all(child, `${path}.${name}`)),
  ...(schema.items === undefined ? [] : all(schema.items, `${path}[]`)),
  ...(schema.additionalProperties === undefined ? [] : all(schema.additionalProperties, `${path}{}`)),
];

const spec = toStructuralSchema(backupPolicy).properties?.['spec'];
const nodes = spec === undefined ? [] : all(spec, 'spec');

test('every string of the spec is a choice or has a limit', () => {
  const unlimited = nodes.filter(
    ({ schema }) => schema.type === 'string' && schema.enum === undefined && schema.maxLength === undefined,
  );
  expect(unlimited.map(({ path }) => path)).toEqual([]);
});

test('no person is answered with a regex: what a string of the spec may be is said in words', () => {
  expect(nodes.filter(({ schema }) => schema.pattern !== undefined).map(({ path }) => path)).toEqual([]);
});

test('every rule of the spec says what to write', () => {
  const rules = nodes.flatMap(({ schema }) => schema['x-kubernetes-validations'] ?? []);
  expect(rules.length).toBeGreaterThan(40);
  for (const { message } of rules) expect(message).toMatch(/write|set|name your own|must not|needs/);
});

test('a part that does nothing yet says so where it is explained', () => {
  const later = ['spec.egressCIDRs', 'spec.podTemplate', 'spec.source.files'];
  for (const path of later) {
    expect(nodes.find((node) => node.path === path)?.schema.description).toContain('Not available yet');
  }
});

test('no known_hosts, however long and however made, takes the pattern long', () => {
  const piece = fc.constantFrom('h ', 'ssh-ed25519 ', 'AAAA', '=', '#', '\n', ' ', '@revoked ', '|1|', '\0');
  const outcome = fc.check(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 40 }), fc.nat(200), (pieces, times) => {
      const value = pieces
        .join('')
        .repeat(times + 1)
        .slice(0, 8192);
      const startMs = Date.now();
      sshTarget.shape.knownHosts.safeParse(value);
      return Date.now() - startMs < 1000;
    }),
  );
  expect(outcome).toMatchObject({ failed: false });
});

test('no text in a chart template is run by helm', () => {
  expect(literal('a {{ .Values.x }} b')).toBe('a {{ "{{" }} .Values.x }} b');
});

test.each([
  { text: 'a | b', shown: String.raw`a \| b`, reason: 'a column' },
  { text: 'a_b *c* <d>', shown: String.raw`a\_b \*c\* \<d\>`, reason: 'markup' },
  { text: '`a_b <c>` _', shown: String.raw`${'`a_b <c>`'} \_`, reason: 'code' },
  { text: 'a\nb', shown: 'a b', reason: 'lines' },
])('a cell shows $reason as it is', ({ text, shown }) => {
  expect(cell(text)).toBe(shown);
});
