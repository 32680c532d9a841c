import { stringify } from 'yaml';
import type { CustomResourceDefinition } from './crd.ts';
import { generatedNotice } from './yaml.ts';

/** Text that helm's templates print as it is. */
export const literal = (text: string): string => text.replaceAll('{{', '{{ "{{" }}');

const indented = (text: string, spaces: number): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : ' '.repeat(spaces) + line))
    .join('\n');

/** A value below a key of a template, with nothing in it for helm to run. */
export const block = (value: unknown, spaces: number): string =>
  literal(indented(stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }), spaces));

const comment = `{{- /* ${generatedNotice} */ -}}`;

/** A chart template that is there only when a value of the chart says so. */
export const templateWhen = (value: string, body: string): string =>
  `${comment}\n{{- if .Values.${value} }}\n${body}\n{{- end }}\n`;

/**
 * The CRD as a template of the chart. Helm never upgrades what is in a chart's crds/ directory; a template it does, and the
 * annotation keeps CRD and policies when the release is uninstalled.
 */
export const crdTemplate = ({ apiVersion, kind, metadata, spec }: CustomResourceDefinition): string =>
  templateWhen(
    'crds.enabled',
    `apiVersion: ${apiVersion}
kind: ${kind}
metadata:
  name: ${metadata.name}
  labels:
    {{- include "holdfast.labels" . | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep
spec:
${block(spec, 2)}`,
  );
