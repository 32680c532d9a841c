import { backupPolicy, backupPolicyColumns, backupPolicyNames, group, version } from '../api/v1alpha1/backuppolicy.ts';
import { type StructuralSchema, toStructuralSchema } from './structural.ts';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly description: string;
  readonly priority?: number;
}

/** A CustomResourceDefinition as Holdfast writes it. */
export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: {
    group: string;
    names: typeof backupPolicyNames;
    scope: 'Namespaced';
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      schema: { openAPIV3Schema: StructuralSchema };
      subresources: { status: Record<string, never> };
      additionalPrinterColumns: readonly Column[];
    }[];
  };
}

/** The CRD of BackupPolicy. Throws SchemaError when the zod schema has no structural form. */
export const backupPolicyCrd = (): CustomResourceDefinition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${backupPolicyNames.plural}.${group}` },
  spec: {
    group,
    names: backupPolicyNames,
    scope: 'Namespaced',
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: toStructuralSchema(backupPolicy) },
        subresources: { status: {} },
        additionalPrinterColumns: backupPolicyColumns,
      },
    ],
  },
});
