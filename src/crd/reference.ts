import type { CustomResourceDefinition } from './crd.ts';
import type { StructuralSchema } from './convert.ts';
import { cell, document, table } from './markdown.ts';

interface Section {
  readonly path: string;
  readonly schema: StructuralSchema;
}

const typeOf = (schema: StructuralSchema): string => {
  if (schema.type === 'array') return `list of ${schema.items === undefined ? '?' : typeOf(schema.items)}`;
  if (schema.additionalProperties !== undefined) return `map of ${typeOf(schema.additionalProperties)}`;
  if (schema.format === 'date-time') return 'time';
  return schema.type;
};

/** The object below a field whose fields need a section of their own, if there is one. */
const inner = (path: string, schema: StructuralSchema): Section | undefined => {
  if (schema.properties !== undefined) return { path, schema };
  if (schema.items !== undefined) return inner(`${path}[]`, schema.items);
  return undefined;
};

const bounds = ({ minimum, maximum, maxLength, minItems, maxItems }: StructuralSchema): string[] => [
  ...(minimum === undefined && maximum === undefined ? [] : [`${minimum ?? '…'} to ${maximum ?? '…'}.`]),
  ...(maxLength === undefined ? [] : [`At most ${maxLength} characters.`]),
  ...(maxItems === undefined ? [] : [`${minItems === undefined ? 'At most' : `${minItems} to`} ${maxItems} items.`]),
];

const rulesOf = (schema: StructuralSchema): string[] => [
  ...(schema['x-kubernetes-validations'] ?? []).map(({ message }) => message),
  ...(schema.items === undefined ? [] : rulesOf(schema.items)),
];

const choices = (schema: StructuralSchema): string[] =>
  schema.enum === undefined ? [] : [`One of ${schema.enum.map((value) => `\`${String(value)}\``).join(', ')}.`];

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

// An object's own rules stand above its table; those of a plain value beside it.
const fieldRow = (name: string, schema: StructuralSchema, required: boolean): string[] => [
  `\`${name}\`${required ? ' (required)' : ''}`,
  typeOf(schema),
  schema.default === undefined || schema.type === 'object' ? '' : `\`${JSON.stringify(schema.default)}\``,
  [
    schema.description ?? '',
    ...choices(schema),
    ...(schema.properties === undefined ? rulesOf(schema).map(sentence) : []),
    ...bounds(schema),
  ].join(' '),
];

const sectionsOf = ({ path, schema }: Section): string[] => {
  const properties = Object.entries(schema.properties ?? {});
  const rules = schema['x-kubernetes-validations'] ?? [];
  const below = properties
    .map(([name, child]) => inner(`${path}.${name}`, child))
    .filter((section) => section !== undefined)
    .filter((section) => Object.keys(section.schema.properties ?? {}).length > 0);
  return [
    [
      `## ${path}`,
      ...(schema.description === undefined ? [] : [cell(schema.description)]),
      ...(rules.length === 0 ? [] : [rules.map(({ message }) => `- ${cell(message)}`).join('\n')]),
      table(
        ['Field', 'Type', 'Default', 'What it is'],
        properties.map(([name, child]) => fieldRow(name, child, schema.required?.includes(name) ?? false)),
      ),
    ].join('\n\n'),
    ...below.flatMap(sectionsOf),
  ];
};

/** The reference of a resource's fields in Markdown. */
export const referenceDocument = ({ spec }: CustomResourceDefinition): string => {
  const [version] = spec.versions;
  if (version === undefined) throw new Error(`the CRD of ${spec.names.kind} has no version`);
  const { openAPIV3Schema: root } = version.schema;
  const columns = version.additionalPrinterColumns.map(({ name, description, priority }) => [
    name,
    priority === undefined ? description : `${description} Shown with \`--output wide\`.`,
  ]);
  return document(`${spec.names.kind} (${spec.group}/${version.name})`, [
    cell(root.description ?? ''),
    `\`kubectl explain ${spec.names.singular}.spec --recursive\` says the same at the terminal. Short name: \`${spec.names.shortNames.join('`, `')}\`.`,
    `## Columns of \`kubectl get ${spec.names.plural}\``,
    table(['Column', 'What it shows'], columns),
    ...Object.entries(root.properties ?? {}).flatMap(([path, schema]) => sectionsOf({ path, schema })),
  ]);
};
